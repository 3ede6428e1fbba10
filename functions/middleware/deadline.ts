import type middy from "@middy/core";
import { Unavailable } from "../../shared/errors.ts";

/** What is left for telling the caller before Lambda, and after it API Gateway (30 s), would answer for us. */
const MARGIN_MS = 2000;

/** A request that takes too long is answered 503 in our own words; a repeat with the same key gets what came of it. */
export const deadline: middy.PluginObject = {
  timeoutEarlyInMillis: MARGIN_MS,
  timeoutEarlyResponse: () => {
    throw new Unavailable({ kind: "too-slow" });
  },
};
