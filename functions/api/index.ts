import middy from "@middy/core";
import type { Context } from "aws-lambda";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { serviceDeps } from "../deps.ts";
import { body } from "../middleware/body.ts";
import { caller } from "../middleware/caller.ts";
import { deadline } from "../middleware/deadline.ts";
import type { ApiEvent, ApiReply } from "../middleware/event.ts";
import { headers } from "../middleware/headers.ts";
import { idempotency } from "../middleware/idempotency.ts";
import { log } from "../middleware/log.ts";
import { problem } from "../middleware/problem.ts";
import { route } from "../middleware/route.ts";
import { dispatch } from "./dispatch.ts";

/** The api Lambda. Middlewares run from top to bottom for the request, and from bottom to top for the reply or an error. */
export const createApi = (deps: () => ServiceDeps) =>
  middy<ApiEvent, ApiReply, Error, Context>(deadline)
    .use(log())
    .use(headers())
    .use(problem())
    .use(route())
    .use(caller())
    .use(body())
    .use(idempotency())
    .handler((event: ApiEvent) => dispatch(event, deps()));

export const handler = createApi(serviceDeps);
