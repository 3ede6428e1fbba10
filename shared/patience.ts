import { setTimeout as sleep } from "node:timers/promises";

/** Answers of a service that is throttled, restarting or failing: the same request may succeed later. */
const PASSING: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);
const CONFLICT = 409;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const MAX_DOUBLINGS = 10;
const ONE_TRY_MS = 60_000;

export interface Patience {
  /** How long to try, in milliseconds, pauses included; a minute by default. */
  readonly forMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Sends a request to the API, and again while the service says that it is only busy or failing, or when the connection is
 * lost. The pauses grow, are random so that many callers do not come back together, and are never shorter than
 * `Retry-After`. All tries are the same request: give a write an Idempotency-Key, so that it is done once.
 * @returns the last reply: a final one, or one that says that the service is still busy when the time is up.
 * @throws what `fetch` throws when there is no reply: at once if nothing listens there, when the time is up if connections are lost.
 */
export const fetchPatiently = async (
  url: string,
  request: RequestInit,
  { forMs = 60_000, signal }: Patience = {},
): Promise<Response> => {
  const deadline = Date.now() + forMs;
  for (let tries = 0; ; tries++) {
    const outcome = await send(url, request, signal);
    const isFinal = outcome instanceof Response ? !(await mayPass(outcome)) : !isLost(outcome.error);
    const pause = pauseMs(tries, outcome instanceof Response ? retryAfterMs(outcome) : 0, Math.random);
    if (isFinal || Date.now() + pause > deadline) {
      if (outcome instanceof Response) return outcome;
      throw outcome.error;
    }
    if (outcome instanceof Response) await outcome.body?.cancel();
    await sleep(pause, undefined, { ...(signal && { signal }) });
  }
};

const send = async (
  url: string,
  request: RequestInit,
  signal: AbortSignal | undefined,
): Promise<Response | { readonly error: unknown }> => {
  const timeout = AbortSignal.timeout(ONE_TRY_MS);
  try {
    return await fetch(url, { ...request, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  } catch (error) {
    if (signal?.aborted) throw error;
    return { error };
  }
};

/** Also for the one conflict that passes: the same request, with the same key, is in progress. */
const mayPass = async (reply: Response): Promise<boolean> => {
  if (reply.status !== CONFLICT) return PASSING.has(reply.status);
  const problem: unknown = await reply
    .clone()
    .json()
    .catch(() => null);
  return typeof problem === "object" && problem !== null && "retry" in problem && problem.retry === true;
};

/** A connection that was lost, or an answer that was late. That nothing listens there, or nothing can, does not pass while a person waits. */
const isLost = (error: unknown): boolean => {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  return (
    name === "TimeoutError" || /^(ECONNRESET|EPIPE|ETIMEDOUT|EAI_AGAIN|UND_ERR_)/.test(cause?.code ?? "")
  );
};

/**
 * Milliseconds before another try.
 * @param tries how many there were before the one that failed. @param retryAfter what the answer asks for, 0 for nothing.
 * @param uniform draws from [0, 1).
 */
export const pauseMs = (tries: number, retryAfter: number, uniform: () => number): number => {
  const grown = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, MAX_DOUBLINGS));
  return Math.max(grown * (0.5 + uniform() / 2), retryAfter * (1 + uniform() / 5));
};

/** `Retry-After` in milliseconds: seconds, or a date by the service's clock; 0 without one. */
const retryAfterMs = (reply: Response): number => {
  const text = reply.headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return 1000 * Number(text);
  const served = Date.parse(reply.headers.get("date") ?? "");
  return Math.max(0, Date.parse(text) - (Number.isNaN(served) ? Date.now() : served)) || 0;
};
