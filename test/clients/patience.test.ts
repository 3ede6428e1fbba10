import { execFile } from "node:child_process";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { apiClient } from "../../local/api.ts";
import { fetchPatiently } from "../../shared/patience.ts";
import { hone } from "../support/cli.ts";
import { RUNNER } from "./driver.ts";
import { startPython } from "./python/driver.ts";

/**
 * Every client of ours against a service that is busy or failing: it comes back with the same request and the same
 * Idempotency-Key, no earlier than it is told, and not for ever.
 */

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly key: string | undefined;
  readonly body: string;
  readonly at: number;
}

/** A team's API whose first answers are given, null for a good one; all others are good. */
const flaky = async (bad: readonly (((response: ServerResponse) => void) | null)[]) => {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method = "", url = "" } = request;
    const key = request.headers["idempotency-key"] as string | undefined;
    const one: Seen = { method, url, key, body, at: performance.now() };
    seen.push(one);
    const fault = bad[seen.length - 1];
    if (fault) return fault(response);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(goodAnswer(one)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return { api, seen, env: { HONE_API: api, HONE_TEAM: "acme", HONE_TOKEN: "hone_secret" } };
};

const goodAnswer = ({ url }: Seen): unknown => {
  if (url.endsWith("/ask")) return { trials: [], state: "finished", retryAfter: null };
  if (url.endsWith("/best")) return { trials: [] };
  return { study: "s-1", objectives: [], studies: [], cursor: null };
};

const status =
  (code: number, headers: Record<string, string> = {}, body = "<html>busy</html>") =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end(body);
const lost = (response: ServerResponse) => void response.destroy();
const inProgress = status(409, {}, '{"type": "in-progress", "retry": true}');

/** Requests by what they ask for: all tries of one must be the same request. */
const expectSameTries = (seen: readonly Seen[], writes: number) => {
  const keys = new Set<string>();
  for (const { method, key } of seen) if (method !== "GET") keys.add(String(key));
  expect(keys.has("undefined")).toBe(false);
  expect(keys.size).toBe(writes);
  for (const key of keys) {
    const same = seen.filter((one) => one.key === key);
    expect(new Set(same.map(({ method, url, body }) => `${method} ${url} ${body}`)).size).toBe(1);
  }
};

const run = (program: string, args: readonly string[], env: Record<string, string>) =>
  promisify(execFile)(program, args, { env: { PATH: process.env.PATH, ...env } });

const examples = join(import.meta.dirname, "../../examples");

const clients: Record<string, (env: Record<string, string>, api: string) => Promise<unknown>> = {
  "the runner": (env) => run(RUNNER, ["worker", "--study", "s-1", "--", "true"], env),
  "the command line": (env) => hone(["study", "start", "s-1"], env),
  "the demo": (_, api) =>
    apiClient({ api, team: "acme", token: "t" }, new AbortController().signal)("POST", "/studies", { x: 1 }),
  "the Python client": (env) => startPython([join(examples, "ask_tell.py")], env).ended,
};

// All clients at once, because they mostly wait.
test("every client comes back after 429, 500, 502, 503 and 504, with the same key", async () => {
  const codes = [429, 500, 502, 503, 504];
  await Promise.all(
    Object.entries(clients).map(async ([name, start]) => {
      const { api, seen, env } = await flaky(codes.map((code) => status(code)));
      await start(env, api);
      expect(seen.length, name).toBeGreaterThan(codes.length);
      expectSameTries(seen.slice(0, codes.length + 1), 1);
    }),
  );
}, 60_000);

test("examples/ask-tell.sh comes back after each of them too, by curl's own retries", async () => {
  const codes = [429, 500, 502, 503, 504];
  const { seen, env } = await flaky(codes.flatMap((code) => [status(code), null]));
  await run(join(examples, "ask-tell.sh"), [], env).catch(() => {});
  expectSameTries(seen.slice(0, 2 * codes.length), codes.length);
}, 60_000);

test("every client waits as long as Retry-After says", async () => {
  await Promise.all(
    Object.entries(clients).map(async ([name, start]) => {
      const { api, seen, env } = await flaky([status(503, { "retry-after": "1" })]);
      await start(env, api);
      const [first, second] = seen;
      expect((second?.at ?? 0) - (first?.at ?? 0), name).toBeGreaterThanOrEqual(990);
    }),
  );
}, 30_000);

test("a reply that is lost, and a request that is in progress, are tried again; other conflicts are final", async () => {
  const { api, seen } = await flaky([lost, inProgress, status(502)]);
  const headers = { "idempotency-key": "one" };
  const reply = await fetchPatiently(`${api}/x`, { method: "POST", headers, body: "{}" });
  expect(reply.status).toBe(200);
  expect(seen).toHaveLength(4);
  expectSameTries(seen, 1);
  for (const code of [400, 401, 404, 409, 422, 501]) {
    const final = await flaky([status(code, {}, '{"retry": false}')]);
    const answer = await fetchPatiently(`${final.api}/x`, {});
    expect([answer.status, await answer.text()]).toEqual([code, '{"retry": false}']);
    expect(final.seen).toHaveLength(1);
  }
});

test("the time is bounded: at its end the last reply stands, and no wait goes beyond it", async () => {
  const busy = await flaky(Array.from({ length: 100 }, () => status(503)));
  const began = performance.now();
  expect((await fetchPatiently(`${busy.api}/x`, {}, { forMs: 1500 })).status).toBe(503);
  expect(performance.now() - began).toBeLessThan(1600);
  expect(busy.seen.length).toBeGreaterThan(2);
  const long = await flaky([status(429, { "retry-after": "3600" })]);
  expect((await fetchPatiently(`${long.api}/x`, {}, { forMs: 1500 })).status).toBe(429);
  expect(performance.now() - began).toBeLessThan(2500);
  const gone = await flaky(Array.from({ length: 100 }, () => lost));
  await expect(fetchPatiently(`${gone.api}/x`, {}, { forMs: 300 })).rejects.toThrow();
});

test("a date in Retry-After counts by the service's clock, and waiting ends when the caller gives up", async () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  const dates = { date: new Date(now).toUTCString(), "retry-after": new Date(now + 1000).toUTCString() };
  const { api, seen } = await flaky([status(503, dates)]);
  await fetchPatiently(`${api}/x`, {});
  expect((seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)).toBeGreaterThanOrEqual(990);
  const stop = new AbortController();
  const busy = await flaky(Array.from({ length: 100 }, () => status(503, { "retry-after": "30" })));
  const waiting = fetchPatiently(`${busy.api}/x`, {}, { signal: stop.signal });
  setTimeout(() => stop.abort(), 200);
  await expect(waiting).rejects.toThrow();
});
