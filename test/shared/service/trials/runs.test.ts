import { expect, test } from "vitest";
import type { Evaluation } from "../../../../shared/schemas/evaluation.ts";
import type { LeasedTrial } from "../../../../shared/schemas/trial.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { bestTrials, exportTrials } from "../../../../shared/service/trials/read.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createTestTable();
const replicates = (count: number): Evaluation => ({ type: "replicates", count });
const setUp = (evaluation: Evaluation, trials = 60, change: Parameters<typeof clientWorld>[1] = {}) =>
  clientWorld(table, { evaluation, budget: { trials }, ...change });

const runOf = ({ configuration, instance }: LeasedTrial) => [configuration, instance];

test("a configuration is handed out once a replicate, then comes the next one, whoever asks", async () => {
  const { ask } = await setUp(replicates(3));
  const trials = [];
  for (const [worker, count] of [
    ["w1", 1],
    ["w2", 1],
    ["w3", 4],
    ["w4", 1],
  ] as const) {
    trials.push(...(await ask(worker, count)).trials);
  }
  expect(trials.map(runOf)).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [3, 0],
    [3, 1],
    [3, 2],
    [6, 0],
  ]);
  for (const trial of trials) {
    expect(trial.params).toEqual(trials[trial.configuration ?? -1]?.params);
  }
});

test("all configurations have the same seeds, another for each replicate", async () => {
  const { ask } = await setUp(replicates(3));
  const { trials } = await ask("w1", 9);
  const seeds = trials.map(({ seed }) => seed);
  expect(new Set(seeds).size).toBe(3);
  expect(seeds.slice(3, 6)).toEqual(seeds.slice(0, 3));
  for (const seed of seeds) expect(seed).toBeLessThan(2 ** 31);
});

test("instances have their names, and with several seeds each comes round again with another one", async () => {
  const { ask } = await setUp({ type: "instances", names: ["left", "right"], seeds: 2 });
  const { trials } = await ask("w1", 4);
  expect(trials.map(({ instance, instanceName }) => [instance, instanceName])).toEqual([
    [0, "left"],
    [1, "right"],
    [0, "left"],
    [1, "right"],
  ]);
  expect(new Set(trials.map(({ seed }) => seed)).size).toBe(4);
});

test("the best configuration is the one with the best mean of those that have all results, with its standard error", async () => {
  const { ask, tell, deps, study, read } = await setUp(replicates(2));
  await ask("w1", 6);
  for (const [number, accuracy] of [
    [0, 0.9],
    [1, 0.5],
    [2, 0.8],
    [3, 0.7],
    [4, 1],
  ] as const) {
    await tell(number, accuracy);
  }
  const best = { number: 2, values: { accuracy: 0.75 }, results: 2 };
  expect((await bestTrials(deps, study)).trials).toMatchObject([best]);
  const [shown] = (await read()).best;
  expect(shown?.standardErrors?.accuracy).toBeCloseTo(0.05, 12);
  await tellTrial(deps, study, 5, { attempt: 1, failed: { reason: "diverged" } }, noReceipt);
  expect((await bestTrials(deps, study)).trials).toMatchObject([best]);
});

test("means count folded trials too, and an export says which run each is", async () => {
  const { ask, tell, deps, study, process, snapshot } = await setUp(replicates(4), 200);
  for (let round = 0; round < 25; round++) {
    const { trials } = await ask("w1", 4);
    for (const { number, configuration = 0, instance = 0 } of trials) {
      await tell(number, (configuration === 40 ? 1 : 0.5) + instance / 100);
    }
  }
  expect((await snapshot()).head.segments).toBeGreaterThan(0);
  const cold = process();
  const [best] = (await bestTrials(cold, study)).trials;
  expect(best).toMatchObject({ number: 40, results: 4 });
  expect(best?.values.accuracy).toBeCloseTo(1.015, 12);
  const { trials } = await exportTrials(deps, study);
  expect(trials[41]).toMatchObject({ configuration: 40, instance: 1 });
});

test("an enqueued configuration gets the rest of its runs before a new one is proposed", async () => {
  const { ask, deps, study } = await setUp(replicates(3));
  await addTrials(deps, study, { trials: [{ params: { C: 2, gamma: 0.5 } }] }, noReceipt);
  const { trials } = await ask("w1", 4);
  expect(trials.map(runOf)).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [3, 0],
  ]);
  expect(trials[2]?.params).toEqual({ C: 2, gamma: 0.5 });
});

test("a finite space is exhausted only once every configuration has all its runs", async () => {
  const space = { a: { type: "categorical" as const, choices: ["x", "y"] } };
  const { ask, tell, read } = await setUp(replicates(3), 60, { space });
  const { trials } = await ask("w1", 20);
  expect(trials.map(runOf)).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [3, 0],
    [3, 1],
    [3, 2],
  ]);
  for (const { number } of trials) await tell(number, 0.5);
  await ask("w1");
  expect((await read()).state).toBe("finished");
});

test.each([
  { change: { scheduler: { resource: { name: "epoch", min: 1, max: 9 } } }, pointer: "/scheduler" },
  { change: { repeats: { completed: 1 } }, pointer: "/repeats/completed" },
  { change: { budget: { trials: 2 } }, pointer: "/budget/trials" },
])("what does not go together with several runs is refused: $pointer", async ({ change, pointer }) => {
  await expect(setUp(replicates(3), 60, change)).rejects.toMatchObject({ errors: [{ pointer }] });
});

test("a study without an evaluation says nothing of runs", async () => {
  const { ask, read } = await clientWorld(table);
  expect(Object.keys((await ask("w1")).trials[0] ?? {})).not.toContain("seed");
  expect(Object.keys(await read())).not.toContain("evaluation");
});
