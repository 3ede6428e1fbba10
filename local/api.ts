import { LocalError } from "./process.ts";
import type { Stack } from "./stack.ts";

/** Calls the deployed API over HTTP, like any client. @throws LocalError with the reply's text for an error status. */
export const apiClient =
  ({ api, team, token }: Pick<Stack, "api" | "team" | "token">, signal: AbortSignal) =>
  async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${api}/teams/${team}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal,
    });
    const text = await response.text();
    if (!response.ok)
      throw new LocalError(`${method} ${path} failed with status ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  };
