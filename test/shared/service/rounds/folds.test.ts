import { expect, test } from "vitest";
import type { CreateStudyBody } from "../../../../shared/schemas/study.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { failRounds } from "../../../../shared/service/rounds/fail.ts";
import { openFold, planFolds } from "../../../../shared/service/rounds/folds.ts";
import { BRACKETS_PER_EXECUTION, planBrackets } from "../../../../shared/service/rounds/plan.ts";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { findHead } from "../../../../shared/store/head.ts";
import { foldsOf } from "../../../../shared/study/parts.ts";
import { batchExecution, type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { noReceipt } from "../../../support/service.ts";

/** Nested cross-validation that Hone runs itself, in steps that the state machines take. */

const evaluation = {
  type: "nested-cv",
  samples: 60,
  outer: { folds: 2, kind: "plain" },
  inner: { folds: 2, together: true },
} as const;

const FOLDS = 2;
const PARTS = 2 * FOLDS;

const nestedWorld = async (change: Partial<CreateStudyBody> = {}): Promise<MemoryWorld> => {
  const world = await memoryWorld({ evaluation, budget: { trials: 3, parallel: 2 }, ...change });
  await world.start();
  return world;
};

const at = (world: MemoryWorld, fold: number, generation = 1) => ({
  study: world.study.id,
  generation,
  fold,
});

const study = (world: MemoryWorld) => readStudy(world.deps, world.study);

/** A machine waits for the part that it was told to wait for. */
const awaitPart = async (world: MemoryWorld, part: string, token: string) => {
  world.rounds.waiting.add(token);
  const again = await world.deliver([{ version: 1, study: part, taskToken: token }]);
  expect(again).toEqual([]);
};

/** All jobs that are alive come to a result: the accuracy is the better, the higher the number. */
const runJobs = async (world: MemoryWorld) => {
  await world.deliver();
  for (const job of world.batch.alive()) {
    const number = Number(job.environment.HONE_TRIAL);
    await world.finish(number, number / 100, Number(job.environment.HONE_ATTEMPT));
  }
};

const runUntil = async (world: MemoryWorld, token: string) => {
  for (let turn = 0; world.rounds.waiting.has(token); turn++) {
    if (turn > 20) throw new Error(`Nobody answered ${token}.`);
    await runJobs(world);
  }
};

const runFold = async (world: MemoryWorld, fold: number) => {
  const search = await openFold(world.deps, at(world, fold));
  expect(search).toMatchObject({ next: "wait", part: `${world.study.id}.${fold}` });
  await awaitPart(world, search.part, `search-${fold}`);
  await runUntil(world, `search-${fold}`);
  const refit = await openFold(world.deps, at(world, fold));
  expect(refit).toMatchObject({ next: "wait", part: `${world.study.id}.${FOLDS + fold}` });
  await awaitPart(world, refit.part, `refit-${fold}`);
  await runUntil(world, `refit-${fold}`);
  return openFold(world.deps, at(world, fold));
};

test("a start leads to one execution for all folds, and each fold is searched, refitted, and then over", async () => {
  const world = await nestedWorld();
  expect([...world.rounds.executions]).toEqual([[`${world.study.id}-1`, "running"]]);
  expect(world.queue.take()).toEqual([]);
  expect(await planFolds(world.deps, at(world, 0))).toMatchObject({
    folds: [{ fold: 0 }, { fold: 1 }],
  });
  expect(await runFold(world, 0)).toMatchObject({ next: "done" });
  expect(await planFolds(world.deps, at(world, 0))).toMatchObject({ folds: [{ fold: 1 }] });
  expect(await study(world)).toMatchObject({ state: "running", nested: { scored: 1 } });
  expect(await runFold(world, 1)).toMatchObject({ next: "done" });
  expect(await planFolds(world.deps, at(world, 0))).toEqual({ folds: [] });
  const { state, trials, nested, spent } = await study(world);
  expect(state).toBe("finished");
  expect(trials).toMatchObject({ completed: 2 * (3 + 1), failed: 0 });
  // Of each search the last is best, as its number is highest.
  expect(nested?.folds.map(({ winner }) => winner)).toEqual([2 * PARTS, 2 * PARTS + 1]);
  expect(nested?.folds.map(({ outerScore }) => outerScore)).toEqual([0.02, 0.03]);
  expect(spent).toMatchObject({ gpuHours: 0, vcpuHours: 0 });
  world.rounds.executions.set(`${world.study.id}-1`, "ended");
  await world.reconcile();
  expect((await study(world)).started).toBe(false);
  expect(world.batch.definitions.size).toBe(0);
});

test("no more jobs of a search run at once than the budget allows, and each knows its study, number and fold", async () => {
  const world = await nestedWorld();
  await openFold(world.deps, at(world, 0));
  await openFold(world.deps, at(world, 1));
  await world.deliver();
  const jobs = world.batch.alive();
  expect(jobs.map(({ environment }) => environment.HONE_STUDY)).toEqual(
    Array.from({ length: 4 }, () => world.study.id),
  );
  const numbers = jobs.map(({ environment }) => Number(environment.HONE_TRIAL));
  expect(numbers.sort((a, b) => a - b)).toEqual([0, 1, PARTS, PARTS + 1]);
  const claimed = await world.claim(PARTS + 1);
  expect(claimed).toMatchObject({
    number: PARTS + 1,
    split: { phase: "search", outer: 1, inner: null, samples: 60 },
  });
  expect(await world.claim(1)).toMatchObject({ split: { outer: 1 } });
});

test("a search in rounds gets a machine of its own, and one that is started again makes the one before void", async () => {
  const scheduler = {
    name: "sha",
    resource: { name: "epoch", min: 1, max: 9 },
    eta: 3,
  } as const;
  const world = await nestedWorld({ scheduler, budget: { trials: 9, parallel: 9 } });
  const first = await openFold(world.deps, at(world, 1));
  expect(first).toMatchObject({ next: "rounds", part: `${world.study.id}.1` });
  const second = await openFold(world.deps, at(world, 1));
  expect(second.generation).toBe(first.generation + 1);
  await failRounds(world.deps, { study: first.part, generation: first.generation, reason: "old" });
  expect(await study(world)).toMatchObject({ started: true, message: null });
  await failRounds(world.deps, { study: second.part, generation: second.generation, rung: 0, reason: "new" });
  expect(await study(world)).toMatchObject({ started: false, state: "ready" });
  expect((await study(world)).message).toContain("failed at rung 0 (new)");
  expect(await openFold(world.deps, at(world, 1))).toMatchObject({ next: "done" });
});

test("a search of very many brackets begins another execution, which its fold's machine starts", async () => {
  const scheduler = { name: "sha", resource: { name: "epoch", min: 1, max: 9 }, eta: 3 } as const;
  const world = await nestedWorld({ scheduler, budget: { trials: 9, parallel: 9 } });
  const { part, generation } = await openFold(world.deps, at(world, 0));
  const before = [...world.rounds.executions.keys()];
  const begun = BRACKETS_PER_EXECUTION;
  expect(await planBrackets(world.deps, { study: part, generation, bracket: 0, begun })).toMatchObject({
    done: true,
  });
  expect([...world.rounds.executions.keys()]).toEqual(before);
  expect((await openFold(world.deps, at(world, 0))).generation).toBeGreaterThan(generation + 1);
});

test("a refit trains as far as the longest trial of the study", async () => {
  const scheduler = { name: "asha", resource: { name: "epoch", min: 1, max: 9 }, eta: 3 } as const;
  const world = await nestedWorld({ scheduler, budget: { trials: 1, parallel: 1 } });
  const search = await openFold(world.deps, at(world, 0));
  await awaitPart(world, search.part, "search");
  await runUntil(world, "search");
  await openFold(world.deps, at(world, 0));
  await world.deliver();
  expect(await world.claim(FOLDS)).toMatchObject({ resource: 9, split: { phase: "refit", inner: null } });
});

test("a stopped study ends the executions and jobs of all folds, and goes on where it was", async () => {
  const world = await nestedWorld();
  for (const fold of [0, 1]) await openFold(world.deps, at(world, fold));
  await world.deliver();
  const started = world.batch.alive().length;
  await stopStudy(world.deps, world.study, {}, noReceipt);
  expect(started).toBe(4);
  expect(world.batch.alive()).toEqual([]);
  expect(world.rounds.stopped).toEqual([
    `${world.study.id}-1-0`,
    `${world.study.id}-1-1`,
    `${world.study.id}-1`,
  ]);
  expect((await study(world)).trials).toMatchObject({ queued: 4, running: 0 });
  expect(await openFold(world.deps, at(world, 0))).toMatchObject({ next: "done" });
  await world.start();
  expect(await openFold(world.deps, at(world, 0))).toMatchObject({ next: "done" });
  expect(await planFolds(world.deps, at(world, 0))).toEqual({ folds: [] });
  const search = await openFold(world.deps, at(world, 0, 2));
  await awaitPart(world, search.part, "search");
  await runUntil(world, "search");
  expect((await study(world)).nested?.folds[0]).toMatchObject({ trials: 3, state: "refit" });
});

test("a study that drains keeps its running trials, and their results", async () => {
  const world = await nestedWorld();
  await openFold(world.deps, at(world, 0));
  await world.deliver();
  await stopStudy(world.deps, world.study, { drain: true }, noReceipt);
  expect(world.batch.alive()).toHaveLength(2);
  await runJobs(world);
  expect(world.queue.take()).toEqual([]);
  await world.reconcile();
  expect((await study(world)).trials).toMatchObject({ completed: 2, running: 0, queued: 0 });
});

test("a paused study dispatches nothing in any fold until it is resumed", async () => {
  const world = await nestedWorld();
  for (const fold of [0, 1]) await openFold(world.deps, at(world, fold));
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  await world.deliver();
  expect(world.batch.alive()).toEqual([]);
  expect((await study(world)).state).toBe("paused");
  await patchStudy(world.deps, world.study, { state: "running" }, noReceipt);
  world.clock.now += 120_000;
  await world.reconcile();
  await world.deliver();
  expect(world.batch.alive()).toHaveLength(4);
});

test("the budget of searches that run is not changed, and that of finished ones is used by the next start", async () => {
  const world = await nestedWorld({ budget: { trials: 1, parallel: 1 } });
  const more = { budget: { trials: 2 } };
  await expect(patchStudy(world.deps, world.study, more, noReceipt)).rejects.toMatchObject({
    facts: { kind: "folds-begun" },
  });
  for (const fold of [0, 1]) await runFold(world, fold);
  world.rounds.executions.set(`${world.study.id}-1`, "ended");
  await world.reconcile();
  await patchStudy(world.deps, world.study, more, noReceipt);
  expect((await study(world)).state).toBe("ready");
  await world.start();
  const search = await openFold(world.deps, at(world, 1, 2));
  await awaitPart(world, search.part, "again");
  await runUntil(world, "again");
  expect((await study(world)).nested?.folds).toMatchObject([{ trials: 1 }, { trials: 2, state: "refit" }]);
});

test("an image that cannot be run pauses all folds, and says so once", async () => {
  const world = await nestedWorld();
  for (const fold of [0, 1]) await openFold(world.deps, at(world, fold));
  world.batch.faults = ["rejected"];
  await world.deliver();
  expect(world.batch.alive()).toEqual([]);
  const { state, message } = await study(world);
  expect(state).toBe("paused");
  expect(message?.match(/does not find the study's job definition/g)).toHaveLength(1);
});

test("whatever was lost, the reconciler sends it again, answers, and starts the machine", async () => {
  const world = await nestedWorld();
  world.rounds.executions.clear();
  world.queue.deaf = true;
  const search = await openFold(world.deps, at(world, 0));
  world.queue.deaf = false;
  await awaitPart(world, search.part, "search");
  world.clock.now += 120_000;
  await world.reconcile();
  expect(world.rounds.executions.get(`${world.study.id}-1`)).toBe("running");
  const answer = world.rounds.resume.bind(world.rounds);
  world.rounds.broken = true;
  for (let turn = 0; turn < 4; turn++) await runJobs(world);
  expect(world.rounds.waiting.has("search")).toBe(true);
  world.rounds.broken = false;
  world.rounds.resume = answer;
  await world.reconcile();
  expect(world.rounds.waiting.has("search")).toBe(false);
});

test("a study without folds, or one that is gone, has none to plan or open", async () => {
  const world = await memoryWorld();
  await world.start();
  for (const study of [world.study.id, "gone-abc123"]) {
    const address = { study, generation: 1, fold: 0 };
    expect(await planFolds(world.deps, address)).toEqual({ folds: [] });
    expect(await openFold(world.deps, address)).toMatchObject({ next: "done" });
  }
});

test("a token that comes after the end is answered at once", async () => {
  const world = await nestedWorld();
  const search = await openFold(world.deps, at(world, 0));
  for (let turn = 0; turn < 4; turn++) await runJobs(world);
  await awaitPart(world, search.part, "late");
  expect(world.rounds.waiting.has("late")).toBe(false);
});

test("a job that nobody waits for is ended, one of a fold that runs is not", async () => {
  const world = await nestedWorld();
  await openFold(world.deps, at(world, 1));
  await world.deliver();
  await world.reconcile();
  expect(world.batch.alive()).toHaveLength(2);
  await deleteStudy(world.deps, world.study, noReceipt);
  expect(world.batch.alive()).toEqual([]);
});

test("money is shared among the folds, one attempt of each kept for the refit", async () => {
  const budget = { trials: 3, parallel: 3, gpuHours: 6 };
  const world = await nestedWorld({ budget });
  await openFold(world.deps, at(world, 0));
  await world.deliver();
  // A share of three GPU hours less one for the refit leaves room for two attempts of an hour each.
  expect(world.batch.alive()).toHaveLength(2);
  const { executor } = world.study.spec;
  expect(executor).toMatchObject({ gpus: 1, timeoutSeconds: 3600 });
  await expect(memoryWorld({ evaluation, budget: { ...budget, gpuHours: 3 } })).rejects.toMatchObject({
    errors: [{ pointer: "/budget/gpuHours", fault: { kind: "spending-below-folds", least: 4 } }],
  });
});

test("a refit may not spend what a job of its search may still use that has told and runs on", async () => {
  const world = await nestedWorld({ budget: { trials: 2, parallel: 2, gpuHours: 12 } });
  const search = await openFold(world.deps, at(world, 0));
  await awaitPart(world, search.part, "search-0");
  await world.deliver();
  const numbers = world.batch.alive().map(({ environment }) => Number(environment.HONE_TRIAL));
  for (const job of world.batch.alive()) world.batch.run(job);
  for (const number of numbers) await world.claim(number);
  world.clock.now += 1800_000;
  await world.tell(numbers[0]!, 0.5);
  await world.tellOnly(numbers[1]!, 0.6);
  const refit = await openFold(world.deps, at(world, 0));
  // Of a share of six GPU hours one is spent, and half an hour is set aside for the job that sleeps.
  expect(refit).toMatchObject({ next: "wait", part: `${world.study.id}.${FOLDS}` });
  expect((await findHead(world.deps.store, `${world.study.id}.${FOLDS}`))?.gpuHours).toBeCloseTo(4.5, 9);
});

test("a study whose searches have spent their shares is paused, and goes on with more", async () => {
  const world = await nestedWorld({ budget: { trials: 3, parallel: 3, gpuHours: 4 } });
  for (const fold of [0, 1]) await openFold(world.deps, at(world, fold));
  await world.deliver();
  for (const job of world.batch.alive()) {
    world.batch.run(job);
    await world.claim(Number(job.environment.HONE_TRIAL));
  }
  world.clock.now += 1800_000;
  for (const number of [0, 1]) await world.tell(number, 0.5);
  expect(await study(world)).toMatchObject({ state: "paused", spent: { gpuHours: 1 } });
  expect((await study(world)).message).toContain("GPU hours");
  const more = { state: "running", budget: { gpuHours: 100 } } as const;
  expect(await patchStudy(world.deps, world.study, more, noReceipt)).toMatchObject({
    state: "running",
    message: null,
  });
  expect(world.queue.take()).toHaveLength(4);
});

test("the state machine has as many slots as a study may have folds", async () => {
  const most = { ...evaluation, samples: 400, outer: { folds: 40, kind: "plain" } } as const;
  const world = await nestedWorld({ evaluation: most });
  const { folds } = await planFolds(world.deps, at(world, 0));
  expect(folds).toHaveLength(40);
  expect(world.study.spec.nested && foldsOf(world.study.spec.nested)).toBe(40);
  await expect(
    memoryWorld({ evaluation: { ...most, outer: { folds: 41, kind: "plain" } }, executor: batchExecution }),
  ).rejects.toMatchObject({ errors: [{ fault: { kind: "too-many-folds" } }] });
});
