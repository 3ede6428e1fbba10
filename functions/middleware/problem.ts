import { problems } from "../../shared/api/problems.ts";
import { DomainError, faultsInWords, Unavailable } from "../../shared/errors.ts";
import { refusalSentence } from "../../shared/sentences/refusals.ts";
import type { Match } from "../api/router.ts";
import { logError } from "../log.ts";
import type { ApiReply, Middleware } from "./event.ts";

/** When to try again after an error that does not say it. */
const RETRY_SECONDS = 2;

/** Answers every error with problem+json (RFC 9457). An error that is not a DomainError is logged, and the caller gets no details. */
export const problem = (): Middleware => ({
  onError: (request) => {
    const { requestId } = request.event.requestContext;
    const error = asDomainError(request.error);
    if (!(error instanceof DomainError)) logError("fault", error, { requestId });
    request.response = toProblem(error, requestId, request.event.match?.gate);
  },
});

/** @param error whatever was thrown. */
export const toProblem = (error: unknown, requestId: string, gate: Match["gate"] = "open"): ApiReply => {
  const known = error instanceof DomainError ? error : null;
  const type = known?.type ?? "internal";
  const { status, title, retry } = problems[type];
  const retryAfter = known?.retryAfter ?? (retry ? RETRY_SECONDS : undefined);
  return {
    statusCode: status,
    headers: {
      "content-type": "application/problem+json",
      ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
      ...(status === 401 && gate !== "iam" && { "www-authenticate": "Bearer" }),
    },
    body: JSON.stringify({
      type,
      title,
      status,
      detail: known?.message ?? refusalSentence({ kind: "internal" }),
      ...(known?.pointer !== undefined && { pointer: known.pointer }),
      ...(known?.errors !== undefined && { errors: faultsInWords(known.errors) }),
      retry,
      ...(retryAfter !== undefined && { retryAfter }),
      requestId,
    }),
  };
};

/** Throttling, time-outs and outages of AWS services become `Unavailable`; the store does that for its own calls. */
const asDomainError = (error: unknown): unknown =>
  error instanceof Error && isTransient(error) ? Object.assign(new Unavailable(), { cause: error }) : error;

const isTransient = (error: Error): boolean => {
  const { $metadata, $retryable, code } = error as {
    $metadata?: { httpStatusCode?: number };
    $retryable?: object;
    code?: string;
  };
  if ($retryable !== undefined || /throttl|TooManyRequests|TimeoutError|SlowDown/i.test(error.name))
    return true;
  const status = $metadata?.httpStatusCode ?? 0;
  return status === 429 || status >= 500 || /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND)/.test(code ?? "");
};
