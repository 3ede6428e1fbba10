import { Agent, request } from "node:http";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { Answer, Leased, Target } from "./target.ts";

export interface Access {
  /** Base URL up to and including `/v1`. */
  readonly api: string;
  readonly team: string;
  readonly token: string;
}

/** A new study behind the HTTP API. A connection that breaks counts as status 0. */
export const overHttp = async ({ api, team, token }: Access, body: CreateStudyBody): Promise<Target> => {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  const post = <T>(path: string, json: unknown): Promise<Answer<T>> => {
    const text = JSON.stringify(json);
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    };
    return new Promise((resolve) => {
      const lost = () => resolve({ status: 0, retryAfter: null, body: null });
      const url = new URL(`${api}/teams/${team}/studies${path}`);
      request(url, { method: "POST", agent, headers }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on("error", lost).on("data", (chunk: Buffer) => chunks.push(chunk));
        reply.on("end", () => {
          const status = reply.statusCode ?? 0;
          const after = reply.headers["retry-after"];
          resolve({
            status,
            retryAfter: after === undefined ? null : Number(after),
            body: status < 300 ? JSON.parse(Buffer.concat(chunks).toString()) : null,
          });
        });
      })
        .on("error", lost)
        .end(text);
    });
  };
  const nothing = <T>({ status, retryAfter }: Answer<T>) => ({ status, retryAfter, body: null });

  const created = await post<{ study: string }>("", body);
  if (created.body === null) throw new Error(`The study could not be created: status ${created.status}.`);
  const path = `/${created.body.study}`;
  return {
    ask: async (worker, count = 1) => {
      const answer = await post<{ trials: readonly Leased[] }>(`${path}/ask`, { worker, count });
      return { ...answer, body: answer.body?.trials ?? null };
    },
    tell: async ({ number, attempt }, values) =>
      nothing(await post(`${path}/trials/${number}/tell`, { attempt, values })),
    report: async ({ number, attempt }, step, values) =>
      nothing(await post(`${path}/trials/${number}/report`, { attempt, step, values })),
    add: async (trials) => nothing(await post(`${path}/trials`, { trials })),
    cost: () => null,
  };
};
