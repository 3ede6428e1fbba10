import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../../shared/schemas/problem.ts";
import type { Study } from "../../../shared/schemas/study.ts";
import type { AddTrialsReply, AskReply, BestReply, Trial, TrialPage } from "../../../shared/schemas/trial.ts";
import { FOLD_AT } from "../../../shared/service/core/fold.ts";
import { independentNames } from "../../support/algorithms.ts";
import { worldOn } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { createTestTable } from "../../support/emulator.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { studyBody, TEAM } from "../../support/service.ts";

/** Studies with several objectives and outcome constraints, through the whole handler with a real table. */
const editor = callerAs("editor");
const base = `/v1/teams/${TEAM}/studies`;

let call: Gateway;
let coldGateway: () => Promise<Gateway>;
beforeAll(async () => {
  const { client, tableName } = await createTestTable();
  coldGateway = async () => gateway((await worldOn(client, tableName)).deps);
  call = await coldGateway();
});

const accurateAndFast = {
  objectives: [
    { metric: "accuracy", direction: "maximize" },
    { metric: "ms", direction: "minimize" },
  ],
  outcomes: [
    { metric: "size", min: 10, max: 100 },
    { metric: "ms", max: 50 },
  ],
} as const;

const create = async (change: object = {}) => {
  const body = { ...studyBody(), ...accurateAndFast, ...change };
  const created = await call<Study>("POST", base, { caller: editor, body });
  expect(created.status).toBe(201);
  return `${base}/${created.body.study}`;
};
const get = <T>(path: string) => call<T>("GET", path, { caller: editor });
const post = <T = Problem>(path: string, body: object) => call<T>("POST", path, { caller: editor, body });
const tell = <T = Problem>(study: string, number: number, values: object) =>
  post<T>(`${study}/trials/${number}/tell`, { attempt: 1, values });
const numbers = ({ body }: { body: BestReply }) => body.trials.map(({ number }) => number);
const best = async (study: string) => numbers(await get<BestReply>(`${study}/best`));

/** accuracy (more is better), ms (less is better), size (10 to 100), and whether it belongs to the best. */
const results = [
  [0.9, 10, 50, "best"],
  [0.9, 10, 50, "best, a tie"],
  [0.95, 40, 10, "best, on the lower limit"],
  [0.99, 60, 50, "too slow"],
  [0.99, 5, 101, "too large"],
  [0.99, 5, 9.99, "too small"],
  [0.85, 10, 50, "less accurate than 0"],
  [0.9, 11, 50, "slower than 0"],
  [0.5, 1, 100, "best, the fastest, on the upper limit"],
  [0.96, 50, 50, "best, the most accurate, on the limit of ms"],
] as const;
const front = results.flatMap(([, , , place], i) => (place.startsWith("best") ? [i] : []));

test("best is the feasible Pareto set: directions and limits are respected, ties are kept, ordered by number", async () => {
  const study = await create();
  await post(`${study}/ask`, { count: results.length });
  expect(await best(study)).toEqual([]);
  for (const [number, [accuracy, ms, size]] of results.entries()) {
    expect((await tell(study, number, { accuracy, ms, size, epochs: 3 })).status).toBe(200);
  }
  expect(await best(study)).toEqual(front);
  const { body } = await get<BestReply>(`${study}/best`);
  expect(body.trials[2]?.values).toEqual({ accuracy: 0.95, ms: 40, size: 10, epochs: 3 });

  const shown = (await get<Study>(study)).body;
  expect(shown).toMatchObject({ trials: { completed: 10 }, message: null });
  expect(shown).toMatchObject(accurateAndFast);
  expect(shown.best).toEqual(body.trials);
});

test("trials and exports say which trials are feasible", async () => {
  const study = await create();
  await post(`${study}/ask`, { count: 4 });
  await tell(study, 0, { accuracy: 0.9, ms: 10, size: 50 });
  await tell(study, 1, { accuracy: 0.9, ms: 10, size: 101 });
  await tell(study, 2, { accuracy: 0.9, ms: 10, size: "inf" });
  const page = await get<TrialPage>(`${study}/trials`);
  expect(page.body.trials.map(({ state, feasible }) => [state, feasible])).toEqual([
    ["completed", true],
    ["completed", false],
    ["failed", null],
    ["running", null],
  ]);
  expect((await get<Trial>(`${study}/trials/1`)).body.feasible).toBe(false);
  const json = await get<TrialPage>(`${study}/export?format=json`);
  expect(json.body.trials.map(({ feasible }) => feasible)).toEqual([true, false, null]);
  const csv = await get<string>(`${study}/export?format=csv`);
  const [header = "", ...rows] = csv.body.trimEnd().split("\r\n");
  expect(header).toContain("values.accuracy,values.ms,values.size,feasible,algorithm");
  expect(rows.map((row) => row.split(",").slice(5, 9))).toEqual([
    ["0.9", "10", "50", "true"],
    ["0.9", "10", "101", "false"],
    ["", "", "", ""],
  ]);
});

test("as long as no trial is feasible there is no best one, and the study says why", async () => {
  const study = await create();
  await post(`${study}/ask`, { count: 2 });
  expect((await get<Study>(study)).body.message).toBeNull();
  await tell(study, 0, { accuracy: 0.9, ms: 51, size: 50 });
  const { body } = await get<Study>(study);
  expect(body.best).toEqual([]);
  expect(body.message).toContain("No completed trial is within the limits of `outcomes`");
  await tell(study, 1, { accuracy: 0.1, ms: 50, size: 50 });
  expect((await get<Study>(study)).body).toMatchObject({ best: [{ number: 1 }], message: null });
});

test("a tell with missing metrics is refused with the name and pointer of each, and changes nothing", async () => {
  const study = await create();
  await post(`${study}/ask`, {});
  const { status, body } = await tell(study, 0, { acuracy: 0.9, size: 20 });
  expect([status, body.type]).toEqual([422, "invalid-input"]);
  expect(body.errors).toEqual([
    {
      pointer: "/values/accuracy",
      detail: "The study needs a value for accuracy, an objective; told: acuracy, size.",
    },
    {
      pointer: "/values/ms",
      detail: "The study needs a value for ms, an objective; told: acuracy, size.",
    },
  ]);
  const lacksLimit = await tell(study, 0, { accuracy: 0.9, ms: 3 });
  expect(lacksLimit.body).toMatchObject({
    pointer: "/values/size",
    detail: "The study needs a value for size, an outcome with a limit; told: accuracy, ms.",
  });
  expect((await tell(study, 0, {})).body.detail).toContain("told: nothing.");
  expect((await get<Trial>(`${study}/trials/0`)).body.state).toBe("running");
  expect((await tell(study, 0, { accuracy: 0.9, ms: 3, size: 20 })).status).toBe(200);
});

test("imported trials count for the best, and one with a missing metric is refused with its pointer", async () => {
  const study = await create();
  const params = (i: number) => ({ C: 1 + i, gamma: 0.01 });
  const trials = results.map(([accuracy, ms, size], i) => ({
    params: params(i),
    values: { accuracy, ms, size },
  }));
  const lacking = [...trials, { params: params(99), values: { accuracy: 1, ms: 1 } }];
  const refused = await post(`${study}/trials`, { trials: lacking });
  expect([refused.status, refused.body.pointer]).toEqual([422, "/trials/10/values/size"]);
  const added = await post<AddTrialsReply>(`${study}/trials`, {
    trials: [...trials, { params: params(99) }],
  });
  expect(added.body.trials.map(({ state }) => state)).toEqual([...trials.map(() => "completed"), "queued"]);
  expect(await best(study)).toEqual(front);
  const asked = await post<AskReply>(`${study}/ask`, {});
  expect(asked.body.trials).toMatchObject([{ number: 10, params: params(99), algorithm: "enqueue" }]);
  await tell(study, 10, { accuracy: 0.97, ms: 1, size: 100 });
  // It dominates all others.
  expect(await best(study)).toEqual([10]);
});

test("the Pareto set includes folded trials, in a warm process and in a cold one", async () => {
  const study = await create({ budget: { trials: 1000 } });
  // Accuracy has a price: a front of about one in five, the rest slower by up to 4 ms.
  const values = (i: number) => ({ accuracy: (i % 97) / 97, ms: ((i * 37) % 97) / 3 + (i % 5), size: 50 });
  const told: { number: number; accuracy: number; ms: number }[] = [];
  const importNext = async (count: number) => {
    const trials = Array.from({ length: count }, (_, k) => {
      const i = told.length + k;
      return { params: { C: 1 + i / 10, gamma: 0.01 }, values: values(i) };
    });
    await post(`${study}/trials`, { trials });
    for (let k = 0; k < count; k++) told.push({ number: told.length, ...values(told.length) });
  };
  const expected = () =>
    told
      .filter(
        (a) =>
          !told.some(
            (b) => b.accuracy >= a.accuracy && b.ms <= a.ms && (b.accuracy > a.accuracy || b.ms < a.ms),
          ),
      )
      .map(({ number }) => number);
  for (const count of [FOLD_AT, 3, 60, 100, 1]) {
    await importNext(count);
    const front = expected();
    expect(front.length).toBeGreaterThan(1);
    expect(await best(study)).toEqual(front);
    const cold = await coldGateway();
    expect(numbers(await cold<BestReply>("GET", `${study}/best`, { caller: editor }))).toEqual(front);
  }
});

test("a study must name each metric once, with limits that can be met", async () => {
  const [accuracy] = accurateAndFast.objectives;
  const refused = async (change: object) => {
    const body = { ...studyBody(), ...accurateAndFast, ...change };
    const reply = await call("POST", base, { caller: editor, body });
    expect(reply.status).toBe(422);
    return reply.body.errors;
  };
  expect(await refused({ objectives: [accuracy, accuracy] })).toMatchObject([{ pointer: "/objectives" }]);
  expect(await refused({ objectives: [] })).toMatchObject([{ pointer: "/objectives" }]);
  expect(await refused({ outcomes: [{ metric: "size" }] })).toEqual([
    { pointer: "/outcomes/0", detail: "Give `max`, `min` or both." },
  ]);
  expect(await refused({ outcomes: [{ metric: "size", min: 2, max: 1 }] })).toEqual([
    { pointer: "/outcomes/0/min", detail: "min 2 is above max 1. Swap them." },
  ]);
});

test("an option of another algorithm, or one that makes asks too slow, is refused with its pointer", async () => {
  const refused = async (algorithm: object, parameters = 2) => {
    const space = Object.fromEntries(
      Array.from({ length: parameters }, (_, i) => [`p${i}`, { type: "float", low: 0, high: 1 }]),
    );
    const { status, body } = await post(base, { ...studyBody(), space, algorithm });
    return status === 201 ? null : [body.pointer, body.detail];
  };
  expect(await refused({ name: "gp", population: 20 })).toEqual([
    "/algorithm/population",
    'There is no field "population" here. The fields are name, seed, startup.',
  ]);
  expect(await refused({ name: "nsga2", population: 1001 })).toEqual([
    "/algorithm/population",
    expect.stringMatching(/1000/),
  ]);
  expect(await refused({ name: "cmaes" })).toEqual(["/algorithm/name", expect.stringMatching(/"cma-es"/)]);
  expect(await refused({ name: "harmonica" }, 100)).toBeNull();
  expect(await refused({ name: "harmonica" }, 200)).toEqual([
    "/algorithm/degree",
    expect.stringMatching(/400 bits/),
  ]);
  expect(await refused({ name: "harmonica", degree: 2 }, 200)).toBeNull();
  expect(await refused({ name: "harmonica", samples: 10_000 }, 100)).toEqual([
    "/algorithm/degree",
    expect.stringMatching(/10000/),
  ]);
});

const metrics = ["a", "b", "c"] as const;

/** What needs gradients has one objective, and tests of its own. */
const names = independentNames.filter((name) => name !== "gradient");

test.each(names.flatMap((name) => [1, 2, 3].map((count) => [name, count] as const)))(
  "%s runs a study with %i objectives and a limit, and its trials name it",
  async (name, count) => {
    const study = await create({
      algorithm: { name, seed: 1 },
      budget: { trials: 30 },
      objectives: metrics.slice(0, count).map((metric) => ({ metric, direction: "maximize" })),
      outcomes: [{ metric: "limited", max: 1 }],
    });
    for (let i = 0; i < 8; i++) {
      const { status, body } = await post<AskReply>(`${study}/ask`, { count: 3 });
      expect([status, body.trials.length]).toEqual([200, 3]);
      for (const { number, params, algorithm, why } of body.trials) {
        expect(algorithm).toBe(name === "auto" ? "gp" : name);
        expect(why).not.toBe("");
        const c = Math.log10(Number(params.C));
        const gamma = Math.log10(Number(params.gamma));
        await tell(study, number, { a: -(c ** 2), b: gamma, c: -((c + gamma) ** 2), limited: c });
      }
    }
    const { body } = await get<Study>(study);
    expect(body).toMatchObject({ trials: { completed: 24 }, message: null });
    expect(body.best.length).toBeGreaterThanOrEqual(1);
    for (const trial of body.best) expect(trial.values.limited).toBeLessThanOrEqual(1);
    if (count === 1) expect(body.best).toHaveLength(1);
  },
);
