import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type ApiProxy, startProxy } from "../../local/proxy.ts";
import { Problem } from "../../shared/schemas/problem.ts";

let proxy: ApiProxy;
let api: Server;
let target: string;

/** An API that replies with the request that it got. */
beforeEach(async () => {
  api = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    outgoing.writeHead(201, { "x-request-id": "r1", "content-type": "application/json" });
    outgoing.end(
      JSON.stringify({
        method: incoming.method,
        url: incoming.url,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString("base64"),
      }),
    );
  });
  await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
  target = `http://127.0.0.1:${(api.address() as AddressInfo).port}/_aws/execute-api/abc/$default`;
  proxy = await startProxy(0, { atOnce: 4, waiting: 100, patienceMs: 10_000 });
});

afterEach(async () => {
  await proxy.stop();
  api.close();
  api.closeAllConnections();
});

/** A request whose path is not normalised by the client. */
const raw = (path: string): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(proxy.api);
    request({ hostname, port, path }, (answer) => {
      let body = "";
      answer.on("data", (chunk) => {
        body += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    })
      .on("error", reject)
      .end();
  });

/** The answer says in words what happened, and when to try again. */
const expectProblem = async (response: Response): Promise<Problem> => {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = Problem.parse(await response.json());
  expect(problem).toMatchObject({ status: response.status, retry: true });
  expect(response.headers.get("retry-after")).toBe(String(problem.retryAfter));
  expect(problem.retryAfter).toBeGreaterThan(0);
  return problem;
};

test("until the stack is deployed, requests are answered with 503", async () => {
  const response = await fetch(`${proxy.api}/healthz`);
  expect(response.status).toBe(503);
  await expectProblem(response);
});

test("method, path, query, headers, body, status and reply are forwarded unchanged", async () => {
  proxy.passTo({ url: target });
  const body = Buffer.from([0, 255, 10, 13, 0]);
  const response = await fetch(`${proxy.api}/teams/acme/studies?limit=2&cursor=a%2Fb`, {
    method: "PATCH",
    headers: { authorization: "Bearer hone_x", "idempotency-key": "k" },
    body,
  });
  expect(response.status).toBe(201);
  expect(response.headers.get("x-request-id")).toBe("r1");
  const seen = (await response.json()) as { headers: IncomingHttpHeaders };
  expect(seen).toMatchObject({
    method: "PATCH",
    url: "/_aws/execute-api/abc/$default/v1/teams/acme/studies?limit=2&cursor=a%2Fb",
    headers: { authorization: "Bearer hone_x", "idempotency-key": "k", host: new URL(target).host },
    body: body.toString("base64"),
  });
});

test("unusual paths reach the API unchanged", async () => {
  proxy.passTo({ url: target });
  const { body } = await raw("/v1/teams/a/../b//studies/%2e%2e/S1");
  expect(JSON.parse(body).url).toBe("/_aws/execute-api/abc/$default/v1/teams/a/../b//studies/%2e%2e/S1");
});

test("when the emulator is gone, the reply is a 502 with the reason", async () => {
  proxy.passTo({ url: "http://127.0.0.1:1" });
  const response = await fetch(`${proxy.api}/healthz`);
  expect(response.status).toBe(502);
  expect(await expectProblem(response)).toMatchObject({ detail: expect.stringContaining("ECONNREFUSED") });
});

/** An API whose requests stay open until the test ends them, and that counts them. */
const slowApi = async (respond: (outgoing: ServerResponse) => void = (outgoing) => outgoing.end("done")) => {
  const open: ServerResponse[] = [];
  let [seen, most] = [0, 0];
  api.removeAllListeners("request");
  api.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    incoming.resume();
    seen++;
    open.push(outgoing);
    most = Math.max(most, open.length);
  });
  const end = (): void => {
    const next = open.shift();
    if (next !== undefined) respond(next);
  };
  return {
    seen: () => seen,
    open: () => open.length,
    most: () => most,
    end,
    /** Ends each request some time after it came. */
    endAll: () => {
      const timer = setInterval(end, 2);
      return () => clearInterval(timer);
    },
  };
};

const bounded = async (atOnce: number, waiting: number, patienceMs = 10_000) => {
  await proxy.stop();
  proxy = await startProxy(0, { atOnce, waiting, patienceMs });
  proxy.passTo({ url: target });
};

const post = (signal?: AbortSignal) =>
  fetch(`${proxy.api}/teams/acme/studies`, { method: "POST", body: "{}", ...(signal && { signal }) });

test("however many ask at once, the API sees only as many as it can take, and all are answered", async () => {
  const slow = await slowApi();
  await bounded(3, 100);
  const stop = slow.endAll();
  const answers = await Promise.all(Array.from({ length: 60 }, () => post()));
  stop();
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(slow.most()).toBe(3);
});

test("requests get their turn in the order in which they came", async () => {
  const slow = await slowApi();
  await bounded(1, 100);
  const order: number[] = [];
  const answers: Promise<unknown>[] = [];
  for (let i = 0; i < 6; i++) {
    answers.push(post().then(() => order.push(i)));
    await sleep(20);
  }
  const stop = slow.endAll();
  await Promise.all(answers);
  stop();
  expect(order).toEqual([0, 1, 2, 3, 4, 5]);
});

test("a request beyond the queue is refused at once: 429, with a time to come back, and the API never sees it", async () => {
  const slow = await slowApi();
  await bounded(2, 3);
  const waiting = Array.from({ length: 5 }, () => post());
  await vi.waitFor(() => expect(slow.seen()).toBe(2));
  await sleep(50);
  const refused = await post();
  expect(refused.status).toBe(429);
  expect(await expectProblem(refused)).toMatchObject({ type: "rate-limited" });
  const stop = slow.endAll();
  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  stop();
  expect(slow.seen()).toBe(5);
});

test("a request that has waited too long is refused with 429, and the next ones get its place", async () => {
  const slow = await slowApi();
  await bounded(1, 1, 100);
  const first = post();
  await vi.waitFor(() => expect(slow.seen()).toBe(1));
  const refused = await post();
  expect(refused.status).toBe(429);
  await expectProblem(refused);
  const next = post();
  slow.end();
  expect((await first).status).toBe(200);
  await vi.waitFor(() => expect(slow.seen()).toBe(2));
  slow.end();
  expect((await next).status).toBe(200);
});

test("a client that goes away while it waits gives its place to others, and the API never sees its request", async () => {
  const slow = await slowApi();
  await bounded(1, 1);
  const first = post();
  await vi.waitFor(() => expect(slow.seen()).toBe(1));
  const goes = new AbortController();
  const gone = post(goes.signal);
  await sleep(50);
  goes.abort();
  await expect(gone).rejects.toThrow();
  await sleep(50);
  const next = post();
  await sleep(50);
  slow.end();
  await vi.waitFor(() => expect(slow.seen()).toBe(2));
  slow.end();
  expect([(await first).status, (await next).status]).toEqual([200, 200]);
  expect(slow.seen()).toBe(2);
});

test("a client that goes away while the API works on its request keeps its place until the API is done", async () => {
  const slow = await slowApi((outgoing) => outgoing.end("x".repeat(1_000_000))); // more than a socket holds
  await bounded(1, 1);
  const goes = new AbortController();
  const gone = post(goes.signal);
  await vi.waitFor(() => expect(slow.seen()).toBe(1));
  goes.abort();
  await expect(gone).rejects.toThrow();
  const next = post();
  await sleep(100);
  expect(slow.seen()).toBe(1);
  slow.end();
  await vi.waitFor(() => expect(slow.seen()).toBe(2));
  slow.end();
  expect((await next).status).toBe(200);
});

test("places are never lost, whatever becomes of the requests", async () => {
  let turn = 0;
  const slow = await slowApi((outgoing) => {
    const what = turn++ % 4;
    if (what === 0) outgoing.destroy();
    else if (what === 1)
      outgoing.writeHead(200, { "content-length": 10 }).write("half", () => outgoing.destroy());
    else if (what === 2) outgoing.writeHead(500).end("no");
    else outgoing.end("done");
  });
  await bounded(3, 200);
  const stop = slow.endAll();
  await Promise.allSettled(
    Array.from({ length: 120 }, async (_, i) => {
      const goes = new AbortController();
      if (i % 3 === 0) setTimeout(() => goes.abort(), i);
      await (await post(goes.signal)).text();
    }),
  );
  await vi.waitFor(() => expect(slow.open()).toBe(0));
  stop();
  const before = slow.seen();
  const again = Array.from({ length: 4 }, async () => (await post()).text());
  await vi.waitFor(() => expect(slow.seen()).toBe(before + 3));
  await sleep(50);
  expect(slow.seen()).toBe(before + 3);
  const stopAgain = slow.endAll();
  await Promise.allSettled(again);
  stopAgain();
});

test("a client that goes away in the middle of an answer gives its place to others", async () => {
  const slow = await slowApi((outgoing) => outgoing.end("x".repeat(10_000_000))); // more than the sockets hold
  await bounded(1, 1);
  const goes = new AbortController();
  const begun = post(goes.signal);
  await vi.waitFor(() => expect(slow.seen()).toBe(1));
  slow.end();
  await begun;
  goes.abort();
  const next = post();
  await vi.waitFor(() => expect(slow.seen()).toBe(2), 5000);
  slow.end();
  expect(await (await next).text()).toHaveLength(10_000_000);
});

test.each([
  [429, '{"__type":"TooManyRequestsException"}'],
  [500, '{"message":"Internal Server Error"}'],
  [502, '{"errorMessage":"Task timed out after 25.00 seconds"}'],
  [503, ""],
])(
  "what the emulator answers by itself with %i becomes a problem with a time to come back",
  async (status, body) => {
    const slow = await slowApi((outgoing) =>
      outgoing.writeHead(status, { "content-type": "application/json" }).end(body),
    );
    await bounded(1, 1);
    const stop = slow.endAll();
    const response = await post();
    stop();
    expect(response.status).toBe(status);
    await expectProblem(response);
  },
);

test("Hone's own problems and all other answers are passed on as they are", async () => {
  const answers: [number, string, string][] = [
    [503, "application/problem+json", '{"type":"unavailable"}'],
    [404, "application/json", '{"message":"Not Found"}'],
    [401, "application/json", '{"message":"Unauthorized"}'],
  ];
  for (const [status, type, body] of answers) {
    const slow = await slowApi((outgoing) =>
      outgoing.writeHead(status, { "content-type": type, "retry-after": "7" }).end(body),
    );
    await bounded(1, 1);
    const stop = slow.endAll();
    const response = await post();
    stop();
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
      status,
      type,
      body,
    ]);
    expect(response.headers.get("retry-after")).toBe("7");
  }
});
