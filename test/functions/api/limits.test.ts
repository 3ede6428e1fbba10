import fc from "fast-check";
import { expect, test } from "vitest";
import type { Study } from "../../../shared/schemas/study.ts";
import type { AskReply } from "../../../shared/schemas/trial.ts";
import { toJson } from "../../../shared/store/json.ts";
import { batchExecution, worldOn } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { createMemoryTable } from "../../support/memory-table/client.ts";
import { studyBody, TEAM } from "../../support/service.ts";

/**
 * Studies at the edges of what a body may hold, and every route on them, with and without an Idempotency-Key: what cannot be
 * stored or answered is refused at its creation or at its request in words that name the limit, and nothing that was accepted
 * ends in a fault of ours. The table in this process has DynamoDB's limits (400 KB, 4 MB, 100 actions).
 */

const editor = callerAs("editor");
const base = `/v1/teams/${TEAM}/studies`;
const BODY_BYTES = 256 * 1024;

const setUp = async () => {
  const { client, tableName } = createMemoryTable();
  return { call: gateway((await worldOn(client, tableName)).deps) };
};

/** A fault of ours, or advice to send the same again. */
const expectHonest = async (reply: ReturnType<Gateway>) => {
  const { status, body } = await reply;
  const { type, detail } = body as { type?: string; detail?: string };
  expect([status, type, detail]).not.toEqual([expect.toSatisfy((code: number) => code >= 500), type, detail]);
  return { status, body };
};

let keys = 0;
/** Sends a write without a key, then one with a key twice: the repeat is answered as the first was. */
const write = async (call: Gateway, method: string, path: string, body: unknown) => {
  const plain = await expectHonest(call(method, path, { caller: editor, body }));
  const headers = { "idempotency-key": `edge-${keys++}` };
  const first = await expectHonest(call(method, path, { caller: editor, body, headers }));
  const repeat = await expectHonest(call(method, path, { caller: editor, body, headers }));
  if (first.status < 300) expect(repeat).toEqual(first);
  return plain;
};

/** Every route of a client study, with values as large as a body takes. */
const runEveryRoute = async (call: Gateway, study: string, metrics: object) => {
  const at = `${base}/${study}`;
  const get = (path: string) => expectHonest(call("GET", `${at}${path}`, { caller: editor }));
  const asked = await write(call, "POST", `${at}/ask`, { count: 100, worker: "w1" });
  expect(asked.status).toBe(200);
  const { trials } = asked.body as AskReply;
  expect(trials.length).toBeGreaterThan(0);
  for (const { number, attempt } of trials.slice(0, 3)) {
    await write(call, "POST", `${at}/trials/${number}/report`, {
      attempt,
      step: 1,
      values: metrics,
      checkpoint: "\u0001".repeat(1024),
    });
    await write(call, "POST", `${at}/trials/${number}/heartbeat`, { attempt });
    const told = await write(call, "POST", `${at}/trials/${number}/tell`, { attempt, values: metrics });
    expect(told.status).toBe(200);
    await get(`/trials/${number}`);
  }
  const params = trials[0]?.params ?? {};
  const many = Array.from(
    { length: Math.max(1, Math.floor(200_000 / JSON.stringify(params).length)) },
    () => ({
      params,
      values: { accuracy: 1 },
    }),
  );
  await write(call, "POST", `${at}/trials`, { trials: many.slice(0, 500) });
  await write(call, "POST", `${at}/trials`, { trials: [{ params }] });
  await write(call, "PATCH", at, { state: "paused" });
  await write(call, "PATCH", at, { state: "running" });
  for (const path of ["", "/trials", "/trials?limit=3", "/best", "/export?format=json", "/export?format=csv"])
    await get(path);
  return asked;
};

const wide = (count: number, parameter: object) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, parameter]));
const metricsOf = (count: number, value: number) =>
  Object.fromEntries([["accuracy", 1], ...Array.from({ length: count }, (_, i) => [`m${i}`, value])]);

/** Spaces about as large as a body: many numbers, long choices, numbers that are short in the body and long in JSON. */
const spaces = {
  "150 floats": wide(150, { type: "float", low: 0, high: 1 }),
  "1,000 floats": wide(1000, { type: "float", low: 0, high: 1 }),
  "900 categoricals of 150 characters": wide(900, { type: "categorical", choices: ["x".repeat(150), "y"] }),
  "200 categoricals of 250 characters outside ASCII": wide(200, {
    type: "categorical",
    choices: ["ü".repeat(250), "\u0001".repeat(20)],
  }),
  "choices that grow when they are written again": wide(30, {
    type: "categorical",
    choices: Array.from({ length: 900 }, (_, i) => Number(`${i + 1}e18`)),
  }),
};

test.each(Object.keys(spaces) as (keyof typeof spaces)[])(
  "every route of a study of %s answers, and none with a fault of ours",
  async (name) => {
    const { call } = await setUp();
    // Numbers in their shortest form, as a client may send them.
    const body = toJson(studyBody({ space: spaces[name], budget: { trials: 1000 } } as object));
    const { status, body: study } = await expectHonest(call("POST", base, { caller: editor, body }));
    expect(status).toBe(201);
    await runEveryRoute(call, (study as Study).study, metricsOf(2999, 0.1 + 0.2));
  },
  120_000,
);

test("a front of a hundred trials of 200 floats is described, and its pause is repeated", async () => {
  const { call } = await setUp();
  const objectives = [
    { metric: "accuracy", direction: "maximize" },
    { metric: "ms", direction: "minimize" },
  ];
  const space = wide(200, { type: "float", low: 0, high: 1 });
  const body = studyBody({ space, objectives, budget: { trials: 1000 } } as object);
  const { study } = (await call<Study>("POST", base, { caller: editor, body })).body;
  const params = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`p${i}`, 1 / 3]));
  for (let i = 0; i < 100; i += 25) {
    const trials = Array.from({ length: 25 }, (_, j) => ({ params, values: { accuracy: i + j, ms: i + j } }));
    expect((await write(call, "POST", `${base}/${study}/trials`, { trials })).status).toBe(201);
  }
  const paused = await write(call, "PATCH", `${base}/${study}`, { state: "paused" });
  expect((paused.body as Study).best.length).toBe(100);
});

test("a study shows as many of its best trials as a reply has room for", async () => {
  const { call } = await setUp();
  const objectives = [
    { metric: "accuracy", direction: "maximize" },
    { metric: "ms", direction: "minimize" },
  ];
  const space = spaces["900 categoricals of 150 characters"];
  const body = studyBody({ space, objectives, budget: { trials: 1000 } } as object);
  const { study } = (await call<Study>("POST", base, { caller: editor, body })).body;
  const params = Object.fromEntries(Object.keys(space).map((name) => [name, "x".repeat(150)]));
  for (let i = 0; i < 40; i++) {
    const trials = [{ params, values: { accuracy: i, ms: i } }];
    expect((await call("POST", `${base}/${study}/trials`, { caller: editor, body: { trials } })).status).toBe(
      201,
    );
  }
  const shown = await call<Study>("GET", `${base}/${study}`, { caller: editor });
  expect(shown.status).toBe(200);
  expect(shown.body.best.length).toBeGreaterThan(3);
  expect(shown.body.best.length).toBeLessThan(40);
  expect(shown.body.best[0]?.params).toEqual(params);
});

test("any space and any metrics of a body can be asked for and told", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        parameters: fc.integer({ min: 1, max: 1000 }),
        choice: fc.integer({ min: 0, max: 256 }),
        metrics: fc.integer({ min: 1, max: 2999 }),
        nameLength: fc.integer({ min: 4, max: 60 }),
        count: fc.integer({ min: 1, max: 100 }),
      }),
      async ({ parameters, choice, metrics, nameLength, count }) => {
        const { call } = await setUp();
        const parameter =
          choice === 0
            ? { type: "float", low: 0, high: 1 }
            : { type: "categorical", choices: ["a", "c".repeat(choice)] };
        const most = Math.floor((BODY_BYTES - 2000) / (JSON.stringify(parameter).length + 8));
        const body = studyBody({ space: wide(Math.min(parameters, most), parameter) } as object);
        const created = await expectHonest(call("POST", base, { caller: editor, body }));
        expect(created.status).toBe(201);
        const at = `${base}/${(created.body as Study).study}`;
        const asked = await write(call, "POST", `${at}/ask`, { count });
        const [trial] = (asked.body as AskReply).trials;
        const named = Array.from({ length: metrics }, (_, i) => [`${i}`.padStart(nameLength, "m"), 1e300]);
        const fitting = named.slice(0, Math.floor((BODY_BYTES - 200) / (nameLength + 10)));
        const values = { ...Object.fromEntries(fitting), accuracy: 1 };
        const told = await write(call, "POST", `${at}/trials/${trial?.number}/tell`, { attempt: 1, values });
        expect(told.status).toBe(200);
      },
    ),
    { numRuns: 8 },
  );
}, 120_000);

test("more metrics than a trial can hold are refused with the limit, whatever tells them", async () => {
  const { call } = await setUp();
  const { study } = (await call<Study>("POST", base, { caller: editor, body: studyBody() })).body;
  await call("POST", `${base}/${study}/ask`, { caller: editor });
  const values = metricsOf(3000, 1);
  for (const [path, body] of [
    ["/trials/0/tell", { attempt: 1, values }],
    ["/trials/0/report", { attempt: 1, step: 1, values }],
    ["/trials", { trials: [{ params: { C: 1, gamma: 0.1 }, values }] }],
  ] as const) {
    const reply = await call("POST", `${base}/${study}${path}`, { caller: editor, body });
    expect([reply.status, (reply.body as { detail: string }).detail]).toEqual([
      422,
      expect.stringContaining("3000 metrics"),
    ]);
  }
});

test("ninety queued and forty-nine finished trials go into one transaction", async () => {
  const { call } = await setUp();
  const { study } = (
    await call<Study>("POST", base, { caller: editor, body: studyBody({ budget: { trials: 1000 } }) })
  ).body;
  const params = { C: 1, gamma: 0.1 };
  const queued = Array.from({ length: 90 }, () => ({ params }));
  const finished = Array.from({ length: 49 }, (_, i) => ({ params, values: { accuracy: i } }));
  const reply = await write(call, "POST", `${base}/${study}/trials`, { trials: [...queued, ...finished] });
  expect(reply.status).toBe(201);
});

test("a batch study of large configurations starts forty trials, or says at its creation why not", async () => {
  const { call } = await setUp();
  const create = (executor: object, space: object) =>
    call<Study>("POST", base, {
      caller: editor,
      body: studyBody({
        budget: { trials: 100, parallel: 40 },
        space,
        executor: { ...batchExecution, ...executor },
      } as object),
    });
  const { body } = await create({}, spaces["900 categoricals of 150 characters"]);
  const started = await write(call, "POST", `${base}/${body.study}/start`, {});
  expect(started.body).toMatchObject({ started: true, message: null });
  const { trials } = (await call<Study>("GET", `${base}/${body.study}`, { caller: editor })).body;
  expect(trials.queued + trials.running).toBe(40);

  const refused = await create(
    { environment: { BIG: "x".repeat(4096), ...bigEnvironment() } },
    { x: spaces["150 floats"].p0 },
  );
  expect(refused).toMatchObject({ status: 422, body: { pointer: "/executor", type: "invalid-input" } });
});

const bigEnvironment = () =>
  Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`BIG_${i}`, "y".repeat(4000)]));
