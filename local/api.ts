import { randomUUID } from "node:crypto";
import { fetchPatiently } from "../shared/patience.ts";
import { LocalError } from "./process.ts";
import type { Stack } from "./stack.ts";

/** Calls the deployed API over HTTP, like any client, again while it is busy. @throws LocalError with the reply's text for an error status. */
export const apiClient =
  ({ api, team, token }: Pick<Stack, "api" | "team" | "token">, signal: AbortSignal) =>
  async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const request = {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(method !== "GET" && { "idempotency-key": randomUUID() }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const response = await fetchPatiently(`${api}/teams/${team}${path}`, request, { signal });
    const text = await response.text();
    if (!response.ok)
      throw new LocalError(`${method} ${path} failed with status ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  };
