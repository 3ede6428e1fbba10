import { beforeEach, expect, test } from "vitest";
import type { Caller } from "../../../shared/auth/authorize.ts";
import type { Problem } from "../../../shared/schemas/problem.ts";
import type { CreateStudyBody, Study } from "../../../shared/schemas/study.ts";
import type { AskReply } from "../../../shared/schemas/trial.ts";
import { createTeam } from "../../../shared/service/access/teams.ts";
import { FOLD_AT } from "../../../shared/service/core/fold.ts";
import { loadStudy } from "../../../shared/service/core/load.ts";
import type { Params } from "../../../shared/values.ts";
import { type MemoryWorld, memoryWorld } from "../../support/batch.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { studyBody, TEAM } from "../../support/service.ts";

/** Studies that begin with results of earlier ones, through the whole handler. */

const callerOf = (team: string): Caller => ({
  kind: "token",
  team,
  id: "abcdefghijkl",
  role: "editor",
  study: null,
  member: null,
  granted: null,
});
const OTHER = "rivals";

let world: MemoryWorld;
let call: Gateway;
beforeEach(async () => {
  world = await memoryWorld();
  call = gateway(world.process());
});

const post = <T = Problem>(path: string, body: unknown, team = TEAM) =>
  call<T>("POST", `/v1/teams/${team}/studies${path}`, { caller: callerOf(team), body });
const get = async (study: string) =>
  (await call<Study>("GET", `/v1/teams/${TEAM}/studies/${study}`, { caller: callerOf(TEAM) })).body;

const create = async (change: Partial<CreateStudyBody> = {}, team = TEAM): Promise<Study> => {
  const { status, body } = await post<Study>(
    "",
    studyBody({ algorithm: { name: "tpe", seed: 1 }, ...change }),
    team,
  );
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
};

interface Result {
  readonly params: Params;
  readonly accuracy?: number;
  readonly values?: Readonly<Record<string, number>>;
}

/** A study with finished trials. */
const earlier = async (
  results: readonly Result[],
  change: Partial<CreateStudyBody> = {},
  team = TEAM,
): Promise<string> => {
  const { study } = await create({ name: "earlier", ...change }, team);
  const trials = results.map(({ params, accuracy = 0, values = { accuracy } }) => ({ params, values }));
  expect((await post(`/${study}/trials`, { trials }, team)).status).toBe(201);
  return study;
};

/** Accuracies that are best at C = 1, gamma = 0.01. */
const accurate = (count = 12): Result[] =>
  Array.from({ length: count }, (_, i) => {
    const C = 10 ** (-1 + (i % 4));
    const gamma = 10 ** (-4 + Math.floor(i / 4));
    return { params: { C, gamma }, accuracy: 1 - 0.1 * Math.abs(i - 9) };
  });

const warm = (studies: NonNullable<CreateStudyBody["warmStart"]>["studies"], change = {}) =>
  create({ warmStart: { studies }, ...change });
const taken = (study: Study) => study.warmStart?.studies[0];
const askOne = async (study: string) => (await post<AskReply>(`/${study}/ask`, { count: 1 })).body.trials[0]!;

test("a study begins with the best configurations of an earlier one, and says so, warm and cold", async () => {
  const source = await earlier(accurate());
  const study = await warm([{ study: source }]);
  expect(taken(study)).toEqual({
    ...{ study: source, trials: 12, used: 12, leftOut: [], unknown: [], ignored: [] },
  });
  expect(study.message).toBeNull();
  const first = await askOne(study.study);
  expect(first.params.C).toBeCloseTo(1, 9);
  expect(first.params.gamma).toBeCloseTo(0.01, 9);
  expect(first.why).toBe("among the best of earlier studies");
  expect(first.number).toBe(0);
  call = gateway(world.process());
  expect((await askOne(study.study)).why).not.toBe("among the best of earlier studies");
  const third = await askOne(study.study);
  expect(third.why).toBe("among the best of earlier studies");
  expect(third.params).not.toEqual(first.params);
  expect((await get(study.study)).warmStart).toEqual(study.warmStart);
});

test.each(["auto", "gp", "tpe", "smac", "rbf", "cma-es", "evolution", "nsga2", "harmonica"] as const)(
  "%s begins with the best configuration of an earlier study",
  async (name) => {
    const source = await earlier(accurate());
    const study = await warm([{ study: source }], { algorithm: { name, seed: 1 } });
    expect((await askOne(study.study)).params.C).toBeCloseTo(1, 9);
  },
);

test.each(["random", "sobol", "grid"] as const)(
  "%s learns nothing from other studies, so a warm start is refused",
  async (name) => {
    const source = await earlier(accurate());
    const body = studyBody({ algorithm: { name }, warmStart: { studies: [{ study: source }] } });
    expect(await post("", body)).toMatchObject({
      status: 422,
      body: { pointer: "/warmStart", detail: expect.stringContaining(name) },
    });
  },
);

test("what was taken stays when the earlier study is deleted, and a new one can no longer name it", async () => {
  const source = await earlier(accurate());
  const study = await warm([{ study: source }]);
  const path = `/v1/teams/${TEAM}/studies/${source}`;
  expect((await call("DELETE", path, { caller: callerOf(TEAM) })).status).toBe(204);
  call = gateway(world.process());
  expect((await askOne(study.study)).params.C).toBeCloseTo(1, 9);
  const body = studyBody({ algorithm: { name: "tpe" }, warmStart: { studies: [{ study: source }] } });
  expect(await post("", body)).toMatchObject({ status: 404, body: { type: "study-not-found" } });
});

test("a repeated creation answers the same although the earlier study was deleted meanwhile", async () => {
  const source = await earlier(accurate());
  const body = studyBody({ algorithm: { name: "tpe" }, warmStart: { studies: [{ study: source }] } });
  const headers = { "idempotency-key": "nightly-1" };
  const send = () =>
    call<Study>("POST", `/v1/teams/${TEAM}/studies`, { caller: callerOf(TEAM), body, headers });
  const first = await send();
  await call("DELETE", `/v1/teams/${TEAM}/studies/${source}`, { caller: callerOf(TEAM) });
  expect(await send()).toMatchObject({ status: 201, body: first.body });
});

test("a study of another team is not found, like one that does not exist", async () => {
  await createTeam(world.deps, OTHER);
  const foreign = await earlier(accurate(), {}, OTHER);
  const answers = [];
  for (const study of [foreign, "earlier-nobody"]) {
    const body = studyBody({ algorithm: { name: "tpe" }, warmStart: { studies: [{ study }] } });
    const { status, body: problem } = await post("", body);
    const { requestId: _, ...rest } = problem as Problem & { requestId?: string };
    answers.push(
      JSON.stringify({ status, rest })
        .replaceAll(study, "ID")
        .replaceAll(/req-?\w+/g, ""),
    );
  }
  expect(answers[0]).toContain("404");
  expect(answers[0]).toBe(answers[1]);
});

test("parameters may be renamed, added, removed, of another range, type and scale", async () => {
  const source = await earlier(
    [
      { params: { cost: 1, width: 1e-3, kernel: "rbf", steps: 3, shrinking: true }, accuracy: 0.9 },
      { params: { cost: 1, width: 1e-3, kernel: "rbf", steps: 3, shrinking: false }, accuracy: 0.7 },
      { params: { cost: 5000, width: 1e-3, kernel: "rbf", steps: 3, shrinking: true }, accuracy: 0.99 },
      { params: { cost: 2, width: 1e-3, kernel: "poly", steps: 3, shrinking: true }, accuracy: 0.98 },
      { params: { cost: 4, width: 1e-2, kernel: "linear", steps: 9, shrinking: true }, accuracy: 0.8 },
    ],
    {
      space: {
        cost: { type: "float", low: 0.01, high: 10_000 },
        width: { type: "float", low: 1e-5, high: 1, scale: "log" },
        kernel: { type: "categorical", choices: ["rbf", "poly", "linear"] },
        steps: { type: "ordinal", choices: [3, 9] },
        shrinking: { type: "categorical", choices: [true, false] },
      },
    },
  );
  const study = await warm(
    [{ study: source, rename: { cost: "C", width: "gamma" }, assume: { degree: 3 } }],
    {
      space: {
        C: { type: "float", low: 0.01, high: 1000, scale: "log" },
        gamma: { type: "float", low: 1e-5, high: 1, scale: "log" },
        kernel: { type: "categorical", choices: ["rbf", "linear"] },
        steps: { type: "int", low: 1, high: 9, step: 2 },
        degree: { type: "int", low: 1, high: 5 },
        tolerance: { type: "float", low: 0, high: 1 },
      },
    },
  );
  expect(taken(study)).toMatchObject({
    trials: 5,
    used: 2,
    unknown: ["tolerance"],
    ignored: ["shrinking"],
    leftOut: [
      { reason: "repeated", trials: 1 },
      { reason: "out-of-range", trials: 1, parameters: ["C"] },
      { reason: "other-choice", trials: 1, parameters: ["kernel"] },
    ],
  });
  expect(taken(study)?.leftOut[1]?.detail).toBe("1 trial beyond the bounds of C.");
  // The mean of 0.9 and 0.7 is as good as 0.8: the first of both comes first.
  const { params } = await askOne(study.study);
  expect(params).toMatchObject({ kernel: "rbf", steps: 3, degree: 3, tolerance: 0.5 });
  expect(params.C).toBeCloseTo(1, 9);
});

test("a study whose results are all of no use is named in the message, and the search begins as without it", async () => {
  const source = await earlier(accurate());
  const wide = {
    C: { type: "float", low: 5000, high: 9000 },
    gamma: { type: "float", low: 0, high: 1 },
  } as const;
  const study = await warm([{ study: source }], { space: wide });
  expect(taken(study)).toMatchObject({ used: 0, leftOut: [{ reason: "out-of-range", trials: 12 }] });
  expect(study.message).toContain(source);
  expect((await askOne(study.study)).why).toBe("initial design");
});

test("failed, unfinished, stopped and infeasible trials are left out, each with its reason", async () => {
  const { study: source } = await create({
    name: "ladder",
    scheduler: { name: "asha", resource: { name: "epoch", min: 1, max: 9 } },
    outcomes: [{ metric: "ms", max: 100 }],
  });
  const trials = (await post<AskReply>(`/${source}/ask`, { count: 6 })).body.trials;
  const tell = (i: number, body: object) =>
    post(`/${source}/trials/${trials[i]!.number}/tell`, { attempt: 1, ...body });
  await tell(0, { values: { accuracy: 0.9, ms: 20 } });
  await tell(1, { values: { accuracy: 0.8, ms: 20 } });
  await tell(2, { failed: { reason: "out of memory" } });
  await tell(3, { pruned: { reason: "no progress" }, values: { accuracy: 0.1, ms: 20 } });
  await tell(4, { values: { accuracy: 0.95, ms: 60 } });
  const study = await warm([{ study: source }], { outcomes: [{ metric: "ms", max: 50 }] });
  expect(taken(study)).toMatchObject({ trials: 6, used: 2 });
  const reasons = taken(study)?.leftOut.map(({ reason, trials }) => [reason, trials]);
  expect(Object.fromEntries(reasons ?? [])).toEqual({ failed: 1, unfinished: 1, stopped: 1, infeasible: 1 });
});

test("objectives may have another name there, but never another direction", async () => {
  const source = await earlier(accurate());
  const loss = { objectives: [{ metric: "loss", direction: "minimize" }] } as const;
  const score = { objectives: [{ metric: "score", direction: "maximize" }] } as const;
  const body = (studies: object[], change: object) => ({
    ...studyBody({ algorithm: { name: "tpe" } }),
    ...change,
    warmStart: { studies },
  });
  expect(await post("", body([{ study: source }], score))).toMatchObject({
    status: 422,
    body: { pointer: "/warmStart/studies/0", detail: expect.stringContaining("accuracy (maximize)") },
  });
  expect(await post("", body([{ study: source, metrics: { accuracy: "loss" } }], loss))).toMatchObject({
    status: 422,
  });
  const study = await warm([{ study: source, metrics: { accuracy: "score" } }], score);
  expect(taken(study)?.used).toBe(12);
});

test("with several objectives the first trials are of the earlier studies' front", async () => {
  const two: Pick<CreateStudyBody, "objectives"> = {
    objectives: [
      { metric: "accuracy", direction: "maximize" },
      { metric: "ms", direction: "minimize" },
    ],
  };
  const at = (C: number, accuracy: number, ms: number): Result => ({
    params: { C, gamma: 0.01 },
    values: { accuracy, ms },
  });
  const source = await earlier([at(0.1, 0.9, 50), at(1, 0.5, 1), at(10, 0.4, 60), at(100, 0.3, 70)], two);
  const study = await warm([{ study: source }], { ...two, algorithm: { name: "auto", seed: 1 } });
  const asked = [await askOne(study.study), await askOne(study.study), await askOne(study.study)];
  const starts = asked.filter(({ why }) => why.startsWith("among the best of earlier studies"));
  const sorted = starts.map(({ params }) => params.C as number).sort((a, b) => a - b);
  expect(sorted[0]).toBeCloseTo(0.1, 9);
  expect(sorted[1]).toBeCloseTo(1, 9);
});

const faulty: [string, (source: string) => object, string][] = [
  [
    "a parameter that the earlier study has not",
    (study) => ({ study, rename: { cost: "C" } }),
    "/rename/cost",
  ],
  ["a name that this study has not", (study) => ({ study, rename: { C: "cost" } }), "/rename/C"],
  ["two that become one", (study) => ({ study, rename: { C: "gamma", gamma: "gamma" } }), "/rename/gamma"],
  ["a value that is known", (study) => ({ study, assume: { C: 1 } }), "/assume/C"],
  ["a value of nothing", (study) => ({ study, assume: { depth: 1 } }), "/assume/depth"],
];
test.each(faulty)("%s is refused at its place", async (_, entry, pointer) => {
  const source = await earlier(accurate());
  const body = { ...studyBody({ algorithm: { name: "tpe" } }), warmStart: { studies: [entry(source)] } };
  expect(await post("", body)).toMatchObject({
    status: 422,
    body: { pointer: `/warmStart/studies/0${pointer}` },
  });
});

test("nothing in common, the same study twice and nested cross-validation are refused", async () => {
  const source = await earlier(accurate());
  const other = await earlier([{ params: { x: 1 }, accuracy: 1 }], {
    name: "other",
    space: { x: { type: "float", low: 0, high: 1 } },
  });
  const body = (studies: object[], change: object = {}) => ({
    ...studyBody({ algorithm: { name: "tpe" } }),
    ...change,
    warmStart: { studies },
  });
  expect(await post("", body([{ study: other }]))).toMatchObject({
    status: 422,
    body: { pointer: "/warmStart/studies/0" },
  });
  expect(await post("", body([{ study: source }, { study: source }]))).toMatchObject({
    status: 422,
    body: { pointer: "/warmStart/studies/1/study" },
  });
  const nested = {
    evaluation: { type: "nested-cv", samples: 100, outer: { folds: 2 }, inner: { folds: 3 } },
  };
  expect(await post("", body([{ study: source }], nested))).toMatchObject({
    status: 422,
    body: { pointer: "/warmStart" },
  });
  const { study: folds } = await create({ name: "folds", ...(nested as Partial<CreateStudyBody>) });
  expect(await post("", body([{ study: folds }]))).toMatchObject({
    status: 422,
    body: { pointer: "/warmStart/studies/0/study" },
  });
});

test("of a large study a sample is taken, its best among it, and an ask reads no more for it", async () => {
  const many = Array.from({ length: 3 * FOLD_AT }, (_, i): Result => {
    const C = 0.01 * 1.05 ** i;
    return { params: { C, gamma: 0.01 }, accuracy: i === 7 ? 2 : i / 1000 };
  });
  const source = await earlier(many, { budget: { trials: 1000 } });
  const study = await warm([{ study: source }]);
  const shown = taken(study);
  expect(shown).toMatchObject({ trials: many.length, used: 100 });
  expect(shown?.leftOut).toMatchObject([{ reason: "sampled", trials: many.length - 100 }]);
  expect((await askOne(study.study)).params.C).toBeCloseTo(0.01 * 1.05 ** 7, 9);
  const loaded = await loadStudy(world.process(), TEAM, study.study);
  expect(loaded.earlier?.[0]?.n).toBe(100);
});
