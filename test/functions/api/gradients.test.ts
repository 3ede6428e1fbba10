import { beforeAll, expect, test } from "vitest";
import type { Problem } from "../../../shared/schemas/problem.ts";
import type { CreateStudyBody, Study } from "../../../shared/schemas/study.ts";
import type { AskReply, BestReply, Gradients, TrialDetail } from "../../../shared/schemas/trial.ts";
import { FOLD_AT } from "../../../shared/service/core/fold.ts";
import { memoryWorld } from "../../support/batch.ts";
import { callerAs } from "../../support/callers.ts";
import { type Gateway, gateway } from "../../support/gateway.ts";
import { studyBody, TEAM } from "../../support/service.ts";

const caller = callerAs("editor");
const base = `/v1/teams/${TEAM}/studies`;

let call: Gateway;
beforeAll(async () => {
  call = gateway((await memoryWorld()).deps);
});

const DESCENT: Partial<CreateStudyBody> = {
  space: {
    lr: { type: "float", low: 1e-4, high: 1, scale: "log" },
    x: { type: "float", low: -4, high: 4 },
    kind: { type: "categorical", choices: ["a", "b"] },
  },
  objectives: [{ metric: "loss", direction: "minimize", gradients: true }],
  algorithm: { name: "gradient", seed: 1 },
  budget: { trials: 400, parallel: 1 },
};

const create = async (change: object = {}): Promise<string> => {
  const body = studyBody({ ...DESCENT, ...change });
  return `${base}/${(await call<Study>("POST", base, { caller, body })).body.study}`;
};
const ask = async (study: string) => {
  const { trials } = (await call<AskReply>("POST", `${study}/ask`, { caller, body: {} })).body;
  return trials[0]!;
};
const tell = (study: string, number: number, body: object) =>
  call<Problem>("POST", `${study}/trials/${number}/tell`, { caller, body: { attempt: 1, ...body } });

/** The loss (ln lr + 3)^2 + (x - 1)^2, and its derivatives. */
const lossAt = ({ lr, x }: { lr: number; x: number }) => (Math.log(lr) + 3) ** 2 + (x - 1) ** 2;
const raw = ({ lr, x }: { lr: number; x: number }): Gradients => ({
  metric: "loss",
  space: "raw",
  values: { lr: (2 * (Math.log(lr) + 3)) / lr, x: 2 * (x - 1) },
});
const transformed = ({ lr, x }: { lr: number; x: number }): Gradients => ({
  metric: "loss",
  space: "transformed",
  values: { lr: 2 * (Math.log(lr) + 3), x: 2 * (x - 1) },
});

/** Tells trial after trial with its gradients. @returns the configurations. */
const descend = async (study: string, trials: number, gradientsAt: typeof raw, sign = 1) => {
  const seen: { lr: number; x: number }[] = [];
  for (let n = 0; n < trials; n++) {
    const trial = await ask(study);
    const params = trial.params as { lr: number; x: number };
    seen.push(params);
    const { values, ...rest } = gradientsAt(params);
    const signed = Object.fromEntries(Object.entries(values).map(([name, g]) => [name, sign * g]));
    const told = await tell(study, trial.number, {
      values: { loss: sign * lossAt(params) },
      gradients: { ...rest, values: signed },
    });
    expect(told.status).toBe(200);
  }
  return seen;
};

test("told gradients lead to the minimum, the same way whether by values or by positions on a scale", async () => {
  const byValue = await descend(await create(), 20, raw);
  const byScale = await descend(await create(), 20, transformed);
  expect(Math.min(...byValue.map(lossAt))).toBeLessThan(1e-3);
  for (const [n, { lr, x }] of byValue.entries()) {
    expect(byScale[n]!.lr).toBeCloseTo(lr, 9);
    expect(byScale[n]!.x).toBeCloseTo(x, 9);
  }
});

test("of an objective that is maximised they lead upwards", async () => {
  const objectives = [{ metric: "loss", direction: "maximize", gradients: true }];
  const seen = await descend(await create({ objectives }), 20, raw, -1);
  expect(Math.min(...seen.map(lossAt))).toBeLessThan(1e-3);
});

test("auto goes along gradients where they are told, and says why", async () => {
  const study = await create({ algorithm: { name: "auto", seed: 1 } });
  const seen = await descend(study, 20, raw);
  expect(Math.min(...seen.map(lossAt))).toBeLessThan(1e-3);
  const { algorithm, why } = (await call<TrialDetail>("GET", `${study}/trials/1`, { caller })).body;
  expect({ algorithm, why }).toEqual({
    algorithm: "gradient",
    why: "step 1 along the gradient (gradients are told)",
  });
});

test("gp learns from told gradients, and an algorithm that cannot is refused with those that can", async () => {
  const study = await create({ algorithm: { name: "gp", seed: 1 } });
  const seen = await descend(study, 12, transformed);
  expect(Math.min(...seen.map(lossAt))).toBeLessThan(1e-3);
  const { why } = (await call<TrialDetail>("GET", `${study}/trials/11`, { caller })).body;
  expect(why).toContain("from gradients too");
  const body = studyBody({ ...DESCENT, algorithm: { name: "tpe" } });
  expect((await call<Problem>("POST", base, { caller, body })).body).toMatchObject({
    pointer: "/objectives/0/gradients",
    detail: expect.stringContaining("Choose gradient, gp or auto"),
  });
});

test("a choice is relaxed by one weight a choice, and the largest weight names it", async () => {
  const logits = ["linear", "poly", "rbf"];
  // The loss of each choice alone; a mixture has the mean, weighted by the softmax.
  const losses = [0.9, 0.2, 0.6];
  const study = await create({
    space: Object.fromEntries(logits.map((name) => [name, { type: "float", low: -3, high: 3 }])),
  });
  for (let n = 0; n < 12; n++) {
    const { number, params } = await ask(study);
    const powers = logits.map((name) => Math.exp(Number(params[name])));
    const total = powers.reduce((a, b) => a + b);
    const shares = powers.map((power) => power / total);
    const loss = shares.reduce((sum, share, k) => sum + share * losses[k]!, 0);
    const values = Object.fromEntries(logits.map((name, k) => [name, shares[k]! * (losses[k]! - loss)]));
    await tell(study, number, { values: { loss }, gradients: { metric: "loss", space: "raw", values } });
  }
  const { trials } = (await call<BestReply>("GET", `${study}/best`, { caller })).body;
  const [{ params }] = trials as [BestReply["trials"][number]];
  const largest = Object.entries(params).sort(([, a], [, b]) => Number(b) - Number(a))[0]![0];
  expect(largest).toBe("poly");
  expect(Number(params.poly)).toBeCloseTo(3, 6);
});

test("a step names its parent and hands out its checkpoint; without one, only the point", async () => {
  const study = await create({ algorithm: { name: "gradient", method: "adam", seed: 1 } });
  const first = await ask(study);
  expect(first).toMatchObject({ parent: null, checkpoint: null });
  const params = first.params as { lr: number; x: number };
  const told = { values: { loss: lossAt(params) }, gradients: raw(params) };
  await tell(study, first.number, { ...told, checkpoint: "s3://own/0" });
  const second = await ask(study);
  expect(second).toMatchObject({ parent: 0, checkpoint: "s3://own/0", algorithm: "gradient" });
  await tell(study, second.number, { values: { loss: 1 }, gradients: raw(params) });
  expect(await ask(study)).toMatchObject({ parent: 1, checkpoint: null });
});

test("gradients are shown as they were told, before and after their trial is folded", async () => {
  const study = await create({ algorithm: { name: "gradient", method: "adam", seed: 1 } });
  const read = async () => (await call<TrialDetail>("GET", `${study}/trials/0`, { caller })).body.gradients;
  const [first] = await descend(study, 1, raw);
  expect(await read()).toEqual(raw(first!));
  await descend(study, FOLD_AT + 20, raw);
  expect(await read()).toEqual(raw(first!));
  // The optimiser's state is replayed from folded trials too.
  expect(await ask(study)).toMatchObject({ parent: FOLD_AT + 20 });
});

test("gradients have columns of CSV where they are told, digit for digit, and nowhere else", async () => {
  const study = await create();
  const seen = [...(await descend(study, 2, raw)), ...(await descend(study, 1, transformed))];
  const { number } = await ask(study);
  await tell(study, number, { values: { loss: 3 } });
  const csvOf = async (path: string) =>
    (await call<string>("GET", `${path}/export?format=csv`, { caller })).body.trim().split("\r\n");
  const [header = "", ...rows] = await csvOf(study);
  const cells = rows.map((row) => {
    const values = row.split(",");
    return Object.fromEntries(header.split(",").map((name, i) => [name, values[i]]));
  });
  const wanted = [raw(seen[0]!), raw(seen[1]!), transformed(seen[2]!)];
  for (const [i, { space, values }] of wanted.entries()) {
    expect(cells[i]).toMatchObject({
      "gradients.space": space,
      "gradients.values.lr": String(values.lr),
      "gradients.values.x": String(values.x),
    });
  }
  expect(cells[3]).toMatchObject({ "gradients.space": "", "gradients.values.lr": "" });
  expect(header).not.toContain("gradients.values.kind");
  const plain = await create({
    objectives: [{ metric: "loss", direction: "minimize" }],
    algorithm: { name: "random" },
  });
  expect((await csvOf(plain))[0]).not.toContain("gradients");
});

test("the same tell again is answered, one with other gradients or without is refused", async () => {
  const study = await create();
  const { number, params } = await ask(study);
  const told = { values: { loss: 1 }, gradients: raw(params as { lr: number; x: number }) };
  expect((await tell(study, number, told)).status).toBe(200);
  expect((await tell(study, number, told)).status).toBe(200);
  const others = [
    { values: { loss: 1 } },
    { ...told, gradients: { ...told.gradients, space: "transformed" } },
    { ...told, gradients: { ...told.gradients, values: { x: 3 } } },
  ];
  for (const other of others) expect(await tell(study, number, other)).toMatchObject({ status: 409 });
});

test("gradients told after a tell without them are refused, not dropped", async () => {
  const study = await create();
  const { number, params } = await ask(study);
  expect((await tell(study, number, { values: { loss: 1 } })).status).toBe(200);
  const late = { values: { loss: 1 }, gradients: raw(params as { lr: number; x: number }) };
  expect(await tell(study, number, late)).toMatchObject({ status: 409, body: { type: "already-told" } });
});

const ofX = { metric: "loss", space: "raw", values: { x: 1 } };

test.each<[string, object, string]>([
  ["of another metric", { ...ofX, metric: "accuracy" }, "/gradients/metric"],
  ["by a parameter that does not exist", { ...ofX, values: { y: 1 } }, "/gradients/values/y"],
  ["by a choice", { ...ofX, values: { kind: 1 } }, "/gradients/values/kind"],
  ["in a space of their own", { ...ofX, space: "unit" }, "/gradients/space"],
  ["as text", { ...ofX, values: { x: "1" } }, "/gradients/values/x"],
])("gradients %s are refused", async (_, gradients, pointer) => {
  const study = await create();
  const { number } = await ask(study);
  const { status, body } = await tell(study, number, { values: { loss: 1 }, gradients });
  expect(status).toBe(422);
  expect(body.errors?.map((error) => error.pointer)).toEqual([pointer]);
});

test.each<[string, object]>([
  ["a failure", { failed: { reason: "diverged" } }],
  ["a trial that its program pruned", { pruned: { reason: "no progress" }, values: { loss: 1 } }],
])("gradients with %s are refused", async (_, end) => {
  const study = await create();
  const { number } = await ask(study);
  expect(await tell(study, number, { ...end, gradients: ofX })).toMatchObject({ status: 422 });
});

test("a study whose objective does not say so takes no gradients", async () => {
  const objectives = [{ metric: "accuracy", direction: "maximize" }];
  const study = await create({ objectives, algorithm: { name: "random" } });
  const { number } = await ask(study);
  const told = { values: { accuracy: 1 }, gradients: { ...ofX, metric: "accuracy" } };
  const { status, body } = await tell(study, number, told);
  expect(status).toBe(422);
  expect(body.errors).toMatchObject([{ pointer: "/gradients" }]);
});

test.each<[string, object, string]>([
  [
    "of several objectives",
    { objectives: [...(DESCENT.objectives ?? []), { metric: "ms", direction: "minimize" }] },
    "/objectives/0/gradients",
  ],
  ["for an algorithm that does not use them", { algorithm: { name: "tpe" } }, "/objectives/0/gradients"],
  ["of several runs", { evaluation: { type: "replicates", count: 3 } }, "/objectives/0/gradients"],
  ["that never come", { objectives: [{ metric: "loss", direction: "minimize" }] }, "/objectives/0/gradients"],
])("a study with gradients %s is refused", async (_, change, pointer) => {
  const body = studyBody({ ...DESCENT, ...change });
  const reply = await call<Problem>("POST", base, { caller, body });
  expect(reply.status).toBe(422);
  expect(reply.body.errors?.map((error) => error.pointer)).toContain(pointer);
});
