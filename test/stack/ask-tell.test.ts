import { expect, inject, test } from "vitest";
import type { Study } from "../../shared/schemas/study.ts";
import type { AskReply } from "../../shared/schemas/trial.ts";
import { client, until } from "../support/http.ts";
import { studyBody } from "../support/service.ts";

/** The calls of a client, on the deployed stack, only over HTTP. */

const call = client(inject("stack"));

const createStudy = async (change = {}) => {
  const reply = await call<Study>("POST", "/studies", studyBody(change));
  expect(reply.status).toBe(201);
  expect(reply.headers.get("location")).toContain(reply.body.study);
  return reply.body;
};

test("a study is created, asked, told and read", async () => {
  const body = {
    name: "svm-digits",
    space: {
      C: { type: "float", low: 0.01, high: 1000, scale: "log" },
      gamma: { type: "float", low: 1e-5, high: 1, scale: "log" },
    },
    objectives: [{ metric: "accuracy", direction: "maximize" }],
    outcomes: [{ metric: "latencyMs", max: 50 }],
    algorithm: { name: "auto", seed: 1 },
    budget: { trials: 4, parallel: 4 },
    lease: { seconds: 300, maxAttempts: 3 },
    executor: { type: "client" },
  };
  const created = await call<Study>("POST", "/studies", body);
  expect(created.status).toBe(201);
  expect(created.body.study).toMatch(/^svm-digits-[a-z0-9]+$/);
  expect(created.body).toMatchObject({ state: "running", budget: { trials: 4, parallel: 4 } });
  const path = `/studies/${created.body.study}`;

  const asked = await call<AskReply>("POST", `${path}/ask`, { count: 4, worker: "w1" });
  expect(asked.status).toBe(200);
  expect(asked.body).toMatchObject({ state: "running", retryAfter: null });
  expect(asked.body.trials.map((trial) => [trial.number, trial.attempt])).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 1],
  ]);
  for (const trial of asked.body.trials) {
    expect(Object.keys(trial.params)).toEqual(["C", "gamma"]);
    expect(Date.parse(trial.leaseExpires)).toBeGreaterThan(Date.now());
    expect(trial.algorithm.length * trial.why.length).toBeGreaterThan(0);
  }

  const report = await call("POST", `${path}/trials/0/report`, {
    attempt: 1,
    step: 3,
    values: { accuracy: 0.91 },
  });
  expect(report).toMatchObject({ status: 200, body: { decision: "continue" } });

  const values = (n: number) => ({ accuracy: 0.9 + n / 100, latencyMs: n === 3 ? 60 : 10 });
  for (const { number } of asked.body.trials) {
    const told = await call("POST", `${path}/trials/${number}/tell`, { attempt: 1, values: values(number) });
    expect(told).toMatchObject({ status: 200, body: { number, state: "completed" } });
  }
  // Trial 3 is more accurate but too slow.
  expect((await call("GET", `${path}/best`)).body).toEqual({
    trials: [{ number: 2, params: asked.body.trials[2]?.params, values: values(2) }],
  });
  expect((await call("GET", path)).body).toMatchObject({
    state: "finished",
    trials: { completed: 4, running: 0 },
  });
  expect((await call("POST", `${path}/ask`, {})).body).toEqual({
    trials: [],
    state: "finished",
    retryAfter: null,
  });

  const page = await call<{ trials: { number: number }[]; cursor: string | null }>(
    "GET",
    `${path}/trials?limit=3`,
  );
  expect(page.body.trials.map((trial) => trial.number)).toEqual([0, 1, 2]);
  const rest = await call("GET", `${path}/trials?cursor=${page.body.cursor}`);
  expect(rest.body).toMatchObject({ trials: [{ number: 3 }], cursor: null });

  expect((await call("GET", `${path}/lineage`)).status).toBe(200);
  const csv = await call<string>("GET", `${path}/export?format=csv`);
  expect(csv.headers.get("content-type")).toContain("text/csv");
  expect(csv.body.trim().split("\n")).toHaveLength(5);
});

test("a repeated Idempotency-Key gets the same reply, byte for byte; with another body it is refused", async () => {
  const { study } = await createStudy();
  const key = { "idempotency-key": "my-key-1" };
  const first = await call("POST", `/studies/${study}/ask`, { count: 2 }, key);
  const again = await call("POST", `/studies/${study}/ask`, { count: 2 }, key);
  expect(again.body).toEqual(first.body);
  const other = await call("POST", `/studies/${study}/ask`, { count: 3 }, key);
  expect(other).toMatchObject({ status: 422, body: { type: expect.stringContaining("key-reuse") } });
});

test("an owner sets the team's limits of a month, so high that they hold up no other test, and reads them", async () => {
  const limits = { dollars: 1_000_000, trials: 1_000_000 };
  expect((await call("PATCH", "/budget", limits)).body).toMatchObject({ limits });
  expect((await call("GET", "/budget")).body).toMatchObject({ limits, month: expect.stringMatching(/^20/) });
});

test("a study is paused, resumed, extended, listed and deleted", async () => {
  const { study } = await createStudy({ budget: { trials: 1 } });
  const path = `/studies/${study}`;
  expect((await call("PATCH", path, { state: "paused" })).body).toMatchObject({ state: "paused" });
  expect((await call("POST", `${path}/ask`, {})).body).toMatchObject({ trials: [], state: "paused" });
  expect((await call("PATCH", path, { state: "running", budget: { trials: 2 } })).body).toMatchObject({
    state: "running",
    budget: { trials: 2 },
  });
  const listed: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page: { body: { studies: { study: string }[]; cursor: string | null } } = await call(
      "GET",
      `/studies?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    listed.push(...page.body.studies.map((entry) => entry.study));
    cursor = page.body.cursor;
  }
  expect(listed).toContain(study);
  expect(new Set(listed).size).toBe(listed.length);
  expect((await call("DELETE", path)).status).toBe(204);
  expect((await call("GET", path)).status).toBe(404);
  expect((await call("POST", `${path}/ask`, {})).status).toBe(404);
});

test("configurations are enqueued and finished trials imported", async () => {
  const { study } = await createStudy();
  const path = `/studies/${study}`;
  const added = await call("POST", `${path}/trials`, {
    trials: [
      { params: { C: 1, gamma: 0.01 } },
      { params: { C: 10, gamma: 0.1 }, values: { accuracy: 0.97 } },
    ],
  });
  expect(added).toMatchObject({
    status: 201,
    body: {
      trials: [
        { number: 0, state: "queued" },
        { number: 1, state: "completed" },
      ],
    },
  });
  const asked = await call<AskReply>("POST", `${path}/ask`, {});
  expect(asked.body.trials[0]).toMatchObject({ number: 0, params: { C: 1, gamma: 0.01 } });
  expect((await call("GET", `${path}/best`)).body).toMatchObject({ trials: [{ number: 1 }] });
});

test("tokens: a viewer cannot write, a worker cannot create, a revoked token is refused, a secret is shown once", async () => {
  const stack = inject("stack");
  const { study } = await createStudy();
  const token = async (role: string) => {
    const reply = await call<{ id: string; token: string }>("POST", "/tokens", { name: `a-${role}`, role });
    expect(reply.status).toBe(201);
    return { ...reply.body, call: client({ ...stack, token: reply.body.token }) };
  };
  const viewer = await token("viewer");
  expect((await viewer.call("GET", `/studies/${study}`)).status).toBe(200);
  expect((await viewer.call("DELETE", `/studies/${study}`)).status).toBe(403);
  expect((await viewer.call("POST", `/studies/${study}/ask`, {})).status).toBe(403);
  const worker = await token("worker");
  expect((await worker.call("POST", `/studies/${study}/ask`, {})).status).toBe(200);
  expect((await worker.call("GET", `/studies/${study}`)).status).toBe(403);
  expect((await worker.call("POST", "/studies", studyBody())).status).toBe(403);

  expect((await call("GET", "/tokens")).body).not.toHaveProperty("tokens.0.token");
  expect((await call("DELETE", `/tokens/${viewer.id}`)).status).toBe(204);
  const revoked = () => viewer.call("GET", `/studies/${study}`);
  expect(await until(revoked, ({ status }) => status === 401, 60)).toMatchObject({ body: { retry: false } });

  const elsewhere = await client({ ...stack, team: "other-team" })("GET", `/studies/${study}`);
  expect(elsewhere.status).toBe(404);
  for (const [method, path, status] of [
    ["GET", "/studies", 401],
    ["POST", `/studies/${study}/ask`, 401],
    ["PUT", "/studies", 404],
    ["GET", "/nothing", 404],
  ] as const) {
    const reply = await fetch(`${stack.api}/teams/${stack.team}${path}`, { method });
    expect(reply.headers.get("content-type"), path).toBe("application/problem+json");
    expect(await reply.json(), path).toMatchObject({ status, requestId: expect.any(String) });
  }
  const latin = await fetch(`${stack.api}/teams/${stack.team}/studies/${study}/ask`, {
    method: "POST",
    headers: { authorization: `Bearer ${stack.token}`, "content-type": "application/json" },
    body: Buffer.from('{"worker": "M\xfcller"}', "latin1"),
  });
  expect(await latin.json()).toMatchObject({ status: 400, type: "invalid-json" });
  const garbled = await client({ ...stack, token: "hone_nonsense" })("GET", `/studies/${study}`);
  expect(garbled).toMatchObject({ status: 401, body: { status: 401 } });
});
