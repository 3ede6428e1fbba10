import { testRoutes } from "../support/route-faults.ts";

testRoutes("key-1");
