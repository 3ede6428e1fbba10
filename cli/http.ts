import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Access, readAccess } from "./access.ts";
import { CommandError } from "./command.ts";

const MAX_TRIES = 5;
const TIMEOUT_MS = 60_000;

/** An error of the API (RFC 9457), or of API Gateway, which sends only `message`. */
interface Problem {
  readonly message?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly requestId?: string;
}

/**
 * Calls the API for the caller's team. A write has an Idempotency-Key, so it can be retried when Hone is busy.
 * @param path below `/teams/{team}`.
 * @returns the body of a successful reply. @throws CommandError with the problem.
 */
export const call = async (method: string, path: string, body?: unknown): Promise<string> =>
  (await exchange(method, path, body)).text;

/** Like `call`, with the headers of the reply. */
export const exchange = async (
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly text: string; readonly headers: Headers }> => {
  const { api, team, token }: Access = readAccess();
  const request = {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(method !== "GET" && { "idempotency-key": randomUUID() }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  for (let tries = 1; ; tries++) {
    const reply = await send(`${api}/teams/${team}${path}`, request);
    const text = await reply.text();
    if (reply.ok) return { text, headers: reply.headers };
    const problem = parseProblem(text);
    if (!mayRepeat(reply.status, problem) || tries === MAX_TRIES) throw failure(reply.status, problem);
    await sleep(1000 * Number(reply.headers.get("retry-after") ?? tries));
  }
};

/** Like `call`, for replies that are JSON. */
export const callJson = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
  const text = await call(method, path, body);
  return (text === "" ? null : JSON.parse(text)) as T;
};

const send = async (url: string, request: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const { cause } = error as Error;
    throw new CommandError(`${url} does not answer: ${cause instanceof Error ? cause.message : error}`);
  }
};

const mayRepeat = (status: number, problem: Problem & { retry?: boolean }) =>
  status === 429 || status === 503 || (status === 409 && problem.retry === true);

const parseProblem = (text: string): Problem => {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return { detail: text };
  }
};

const failure = (status: number, problem: Problem): CommandError => {
  const { title = "The call failed", message = "", detail = message, errors = [], requestId } = problem;
  const faults = errors.map((fault) => `\n  ${fault.pointer || "/"}: ${fault.detail}`).join("");
  const id = requestId === undefined ? "" : `\n  request ${requestId}`;
  return new CommandError(`${title} (${status})${faults || `: ${detail}`}${id}`, problem);
};
