import { testRoutes } from "../support/route-faults.ts";

testRoutes(null);
