import { createHash } from "node:crypto";
import type { MiddlewareObj } from "@middy/core";
import type { Context } from "aws-lambda";
import { logInfo } from "../log.ts";
import { identityOf } from "./caller.ts";
import type { ApiEvent, ApiReply } from "./event.ts";

/** One log line per request, successful or not. */
export const log = (): MiddlewareObj<ApiEvent, ApiReply, Error, Context, { began: number }> => {
  const write = (event: Partial<ApiEvent>, status: number | undefined, began: number) =>
    logInfo("request", {
      requestId: event.requestContext?.requestId,
      route: event.match?.route ?? "none",
      status,
      ms: Math.round(performance.now() - began),
      caller: event.caller === undefined ? "none" : pseudonym(identityOf(event.caller)),
      team: event.match?.path.team,
      study: event.match?.path.study,
    });
  return {
    before: ({ internal }) => {
      internal.began = performance.now();
    },
    after: ({ event, response, internal }) => write(event, response?.statusCode, internal.began),
    onError: ({ event, response, internal }) => write(event, response?.statusCode, internal.began),
  };
};

/** Distinguishes callers without identifying them. */
const pseudonym = (identity: string) => createHash("sha256").update(identity).digest("hex").slice(0, 12);
