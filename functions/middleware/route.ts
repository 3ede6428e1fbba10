import { matchRoute } from "../api/router.ts";
import type { Middleware } from "./event.ts";

/** Finds the route before anything else is done, so that requests with an unknown path go no further. */
export const route = (): Middleware => ({
  before: ({ event }) => {
    event.match = matchRoute(event.requestContext.http.method, event.rawPath);
  },
});
