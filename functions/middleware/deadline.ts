import type middy from "@middy/core";
import { Unavailable } from "../../shared/errors.ts";

/** Time to reply before the Lambda times out, and then API Gateway (30 s). */
const MARGIN_MS = 2000;

/** A request that takes too long is answered with 503; a retry with the same key gets its result. */
export const deadline: middy.PluginObject = {
  timeoutEarlyInMillis: MARGIN_MS,
  timeoutEarlyResponse: () => {
    throw new Unavailable({ kind: "too-slow" });
  },
};
