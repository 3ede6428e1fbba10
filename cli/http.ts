import { randomUUID } from "node:crypto";
import { fetchPatiently } from "../shared/patience.ts";
import { type Access, readAccess } from "./access.ts";
import { CommandError } from "./command.ts";

/** An error of the API (RFC 9457), or of API Gateway, which sends only `message`. */
interface Problem {
  readonly message?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  readonly requestId?: string;
}

/**
 * Calls the API for the caller's team, for up to a minute while Hone is busy. A write has an Idempotency-Key, so it is done
 * once.
 * @param path below `/teams/{team}`.
 * @param placeOf words where in the caller's file a JSON pointer points.
 * @returns the body of a successful reply. @throws CommandError with the problem.
 */
export const call = async (
  method: string,
  path: string,
  body?: unknown,
  placeOf?: PlaceOf,
): Promise<string> => (await exchange(method, path, body, placeOf)).text;

type PlaceOf = (pointer: string) => string;

/** Like `call`, with the headers of the reply. */
export const exchange = async (
  method: string,
  path: string,
  body?: unknown,
  placeOf: PlaceOf = (pointer) => pointer || "/",
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
  const reply = await send(`${api}/teams/${team}${path}`, request);
  const text = await reply.text();
  if (reply.ok) return { text, headers: reply.headers };
  throw failure(reply.status, parseProblem(text), placeOf);
};

/** Like `call`, for replies that are JSON. */
export const callJson = async <T>(
  method: string,
  path: string,
  body?: unknown,
  placeOf?: PlaceOf,
): Promise<T> => {
  const text = await call(method, path, body, placeOf);
  return (text === "" ? null : JSON.parse(text)) as T;
};

/** All pages of a list. */
export async function* pages<T extends { readonly cursor?: string | null }>(
  path: string,
  query = "",
): AsyncGenerator<T> {
  let cursor: string | null | undefined = "";
  while (cursor != null) {
    const from: string =
      cursor === "" ? "" : `${query === "" ? "?" : "&"}cursor=${encodeURIComponent(cursor)}`;
    const page: T = await callJson<T>("GET", `${path}${query}${from}`);
    yield page;
    cursor = page.cursor;
  }
}

const send = async (url: string, request: RequestInit): Promise<Response> => {
  try {
    return await fetchPatiently(url, request);
  } catch (error) {
    const { cause } = error as Error;
    throw new CommandError(`${url} does not answer: ${cause instanceof Error ? cause.message : error}`);
  }
};

const parseProblem = (text: string): Problem => {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return { detail: text };
  }
};

const failure = (status: number, problem: Problem, placeOf: PlaceOf): CommandError => {
  const { title = "The call failed", message = "", detail = message, errors = [], requestId } = problem;
  const faults = errors.map((fault) => `\n  ${placeOf(fault.pointer)}: ${fault.detail}`).join("");
  const id = requestId === undefined ? "" : `\n  request ${requestId}`;
  return new CommandError(`${title} (${status})${faults || `: ${detail}`}${id}`, problem);
};
