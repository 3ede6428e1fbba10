/**
 * A plain client of the HTTP API, as someone who never saw our code would write it.
 */
export interface Reply<T = unknown> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface Access {
  /** Base URL up to and including `/v1`. */
  readonly api: string;
  readonly team: string;
  readonly token: string;
}

export const client =
  ({ api, team, token }: Access) =>
  async <T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply<T>> => {
    const text = typeof body === "string" ? body : body === undefined ? undefined : JSON.stringify(body);
    const reply = await fetch(`${api}/teams/${team}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(text !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(text !== undefined && { body: text }),
    });
    const answer = await reply.text();
    const isJson = answer !== "" && (reply.headers.get("content-type") ?? "").includes("json");
    return {
      status: reply.status,
      headers: reply.headers,
      body: (isJson ? JSON.parse(answer) : answer) as T,
    };
  };

/** Asks again and again until `done` holds. */
export const until = async <T>(
  read: () => Promise<T>,
  done: (value: T) => boolean,
  seconds: number,
): Promise<T> => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await read();
    if (done(value)) return value;
    if (Date.now() > end)
      throw new Error(`Still not so after ${seconds} s: ${JSON.stringify(value).slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};
