import { requestCountKey } from "./keys.ts";
import type { Change, Update } from "./store.ts";

/** Requests of a team in one window of time, as far as the processes have said; deleted soon after. */

/** Adds requests; the answer has all of the window. @param now milliseconds since 1970. */
export const countRequests = (
  team: string,
  window: number,
  requests: number,
  now: number,
): Change & { readonly update: Update } => ({
  name: "requests",
  key: requestCountKey(team, window),
  update: { add: { requests }, set: { ttl: Math.floor(now / 1000) + KEPT_SECONDS } },
});

const KEPT_SECONDS = 120;
