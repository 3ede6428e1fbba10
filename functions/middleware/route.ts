import { matchRoute } from "../api/router.ts";
import type { Middleware } from "./event.ts";

/** Finds the route, first of all: what is not a clean path of the table touches nothing else. */
export const route = (): Middleware => ({
  before: ({ event }) => {
    event.match = matchRoute(event.requestContext.http.method, event.rawPath);
  },
});
