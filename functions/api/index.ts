import middy from "@middy/core";
import type { Context } from "aws-lambda";
import type { ApiDeps } from "../../shared/service/core/deps.ts";
import { apiDeps } from "../deps.ts";
import { audit } from "../middleware/audit.ts";
import { body } from "../middleware/body.ts";
import { caller } from "../middleware/caller.ts";
import { deadline } from "../middleware/deadline.ts";
import type { ApiEvent, ApiReply } from "../middleware/event.ts";
import { headers } from "../middleware/headers.ts";
import { idempotency } from "../middleware/idempotency.ts";
import { lastUse } from "../middleware/last-use.ts";
import { log } from "../middleware/log.ts";
import { problem } from "../middleware/problem.ts";
import { route } from "../middleware/route.ts";
import { dispatch } from "./dispatch.ts";

/** The api Lambda. Middlewares run from top to bottom for the request, and from bottom to top for the reply or an error. */
export const createApi = (deps: () => ApiDeps) =>
  middy<ApiEvent, ApiReply, Error, Context>(deadline)
    .use(log())
    .use(headers())
    .use(problem())
    .use(route())
    .use(caller(deps))
    .use(lastUse(deps))
    .use(body())
    .use(idempotency())
    .use(audit(() => deps().auditDays))
    .handler((event: ApiEvent) => dispatch(event, deps()));

export const handler = createApi(apiDeps);
