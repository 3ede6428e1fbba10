import { expect, test } from "vitest";
import type { SchedulerChoice } from "../../../../shared/scheduler/registry.ts";
import type { LeasedTrial } from "../../../../shared/schemas/trial.ts";
import { foldIfDue } from "../../../../shared/service/core/fold.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { listTrials } from "../../../../shared/service/trials/read.ts";
import { reportTrial } from "../../../../shared/service/trials/report.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { before, QUERY, TRANSACT } from "../../../support/interleave.ts";
import { ladderSoundness } from "../../../support/ladder-soundness.ts";
import { createMemoryTable } from "../../../support/memory-table/client.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createMemoryTable();

const epochs = { name: "epoch", min: 1, max: 9 };
const setUp = (scheduler: SchedulerChoice, change: Parameters<typeof clientWorld>[1] = {}) =>
  clientWorld(table, { scheduler, budget: { trials: 27, parallel: 4 }, ...change });

/** What a trial comes to after so many epochs: the better ones are better at all of them. */
const accuracyOf = (number: number, epoch: number) => ((number * 7) % 27) / 27 + epoch / 1000;

/** How a worker ends a trial: true when it has been told, or stopped, or paused. */
type Program = (world: ClientWorld, trial: LeasedTrial, epoch: number) => Promise<boolean>;

/** Reports every epoch, and tells when it has come as far as it was told to run. */
const reporting: Program = async ({ deps, study }, { number, attempt, resource }, epoch) => {
  const values = { accuracy: accuracyOf(number, epoch) };
  const { decision } = await reportTrial(deps, study, number, { attempt, step: epoch, values }, noReceipt);
  if (decision !== "continue") return true;
  if (epoch < (resource ?? 0)) return false;
  await tellTrial(deps, study, number, { attempt, values }, noReceipt);
  return true;
};

/** Runs as far as it was told to, and tells: it never reports. */
const telling: Program = async ({ deps, study }, { number, attempt, resource }, epoch) => {
  if (epoch < (resource ?? 0)) return false;
  const values = { accuracy: accuracyOf(number, epoch) };
  await tellTrial(deps, study, number, { attempt, values }, noReceipt);
  return true;
};

/** Four workers that take turns, an epoch each, until the study is finished. @returns epochs run by each trial, by its number. */
const runAll = async (world: ClientWorld, program: Program) => {
  const reached = new Map<number, number>();
  const workers: (LeasedTrial | null)[] = [null, null, null, null];
  for (let turn = 0; turn < 3000; turn++) {
    const w = turn % workers.length;
    world.clock.now += 1000;
    const held = workers[w];
    if (held === null || held === undefined) {
      const { trials, state } = await world.ask(`w${w}`);
      workers[w] = trials[0] ?? null;
      if (state === "finished") return reached;
      continue;
    }
    const epoch = (reached.get(held.number) ?? 0) + 1;
    reached.set(held.number, epoch);
    if (await program(world, held, epoch)) workers[w] = null;
  }
  throw new Error("The study did not finish.");
};

const epochsOf = (reached: ReadonlyMap<number, number>) =>
  [...reached.values()].reduce((sum, n) => sum + n, 0);

test.each<[string, SchedulerChoice, Program]>([
  ["asha, stopping", { name: "asha", resource: epochs }, reporting],
  ["asha, promotion", { name: "asha", resource: epochs, type: "promotion" }, reporting],
  ["asha, promotion, told", { name: "asha", resource: epochs, type: "promotion" }, telling],
  ["sha", { name: "sha", resource: epochs }, reporting],
  ["sha, told", { name: "sha", resource: epochs }, telling],
  ["hyperband, stopping", { name: "hyperband", resource: epochs }, reporting],
  ["hyperband, promotion", { name: "hyperband", resource: epochs, type: "promotion" }, reporting],
  ["hyperband, synchronous", { name: "hyperband", resource: epochs, type: "synchronous" }, telling],
  ["median", { name: "median", resource: epochs }, reporting],
  ["pasha", { name: "pasha", resource: epochs }, reporting],
  ["freeze-thaw", { name: "freeze-thaw", resource: epochs }, reporting],
  ["freeze-thaw, told", { name: "freeze-thaw", resource: epochs }, telling],
])("%s finds a good trial at a part of the cost, and comes to an end", async (_, scheduler, program) => {
  const world = await setUp(scheduler);
  const reached = await runAll(world, program);
  const study = await world.read();
  expect(reached.size).toBe(27);
  expect(study.state).toBe("finished");
  expect(epochsOf(reached)).toBeLessThan(27 * 9);
  expect(study.best[0]?.values.accuracy).toBeGreaterThan(20 / 27);
});

/** Longer than a lease. */
const OVER = 61_000;

const results = async (world: ClientWorld) => {
  const { trials } = await world.read();
  return trials;
};

test("a stop says where the trial stood, and the trial keeps it", async () => {
  const world = await setUp({ name: "asha", resource: epochs });
  const { trials } = await world.ask("w", 4);
  expect(trials).toMatchObject(Array(4).fill({ resource: 9, reportAt: 1 }));
  for (const [number, accuracy] of [0.5, 0.7, 0.9].entries()) {
    expect(await world.report(number, 1, accuracy)).toMatchObject({ decision: "continue", reportAt: 3 });
  }
  expect(await world.report(3, 2, 0.6)).toMatchObject({
    decision: "stop",
    reason: "rung 0 (epoch 1): 3rd of 4, the first 1 go on (threshold 0.9)",
    reportAt: null,
  });
  expect(await world.detail(3)).toMatchObject({
    state: "pruned",
    values: { accuracy: 0.6 },
    measuredAt: 2,
    decision: { decision: "stop", step: 2, rung: 0, rank: 3, of: 4, goOn: 1, threshold: 0.9 },
  });
});

test("a stop or a pause whose reply was lost is answered again, without a key, to the attempt that got it", async () => {
  for (const type of ["stopping", "promotion"] as const) {
    const world = await setUp({ name: "asha", resource: epochs, type });
    await world.ask("dies", 4);
    world.clock.now += OVER;
    await world.ask("w", 4);
    for (const number of [0, 1, 2]) await world.report(number, 1, 0.9, { attempt: 2 });
    const first = await world.report(3, 1, 0.1, { attempt: 2 });
    expect(first.decision).toBe(type === "stopping" ? "stop" : "pause");
    expect(await world.report(3, 1, 0.1, { attempt: 2 })).toEqual(first);
    await expect(world.report(3, 2, 0.1, { attempt: 2 })).rejects.toMatchObject({ type: "stale-attempt" });
    await expect(world.report(3, 1, 0.1, { attempt: 1 })).rejects.toMatchObject({ type: "stale-attempt" });
  }
});

test("a paused trial is handed out again: its number, another attempt, a larger resource, its checkpoint", async () => {
  const world = await setUp({ name: "asha", resource: epochs, type: "promotion" });
  await world.ask("w", 4);
  for (const number of [0, 1, 2]) {
    await world.report(number, 1, number / 10, { checkpoint: `s3://bucket/${number}` });
  }
  const { trials } = await world.ask("x");
  expect(trials).toMatchObject([
    { number: 2, attempt: 2, resource: 3, reportAt: 3, checkpoint: "s3://bucket/2" },
  ]);
  // Until it reports again, it has the values of the rung below.
  expect(await world.detail(2)).toMatchObject({ state: "running", values: { accuracy: 0.2 }, measuredAt: 1 });
  expect((await world.ask("y")).trials).toMatchObject([{ number: 4, attempt: 1, resource: 1 }]);
});

test("a promotion that fails promotes the next one, and the failed one shows no values of the rung below", async () => {
  const world = await setUp(
    { name: "sha", resource: { name: "epoch", min: 1, max: 3 } },
    { budget: { trials: 6, parallel: 6 } },
  );
  await world.ask("w", 6);
  for (let number = 0; number < 6; number++) await world.tell(number, number / 10);
  const fail = (number: number) =>
    tellTrial(
      world.deps,
      world.study,
      number,
      { attempt: 2, failed: { reason: "out of memory" } },
      noReceipt,
    );
  expect((await world.ask("w", 6)).trials.map(({ number }) => number)).toEqual([5, 4]);
  await fail(5);
  await fail(4);
  expect((await world.ask("w", 6)).trials.map(({ number }) => number)).toEqual([3, 2]);
  await fail(3);
  await world.tell(2, 0.25, 2);
  expect(await world.ask("w")).toMatchObject({ trials: [{ number: 1 }] });
  await world.tell(1, 0.1, 2);
  expect(await world.ask("w")).toMatchObject({ trials: [], state: "finished" });
  expect(await world.detail(5)).toMatchObject({ state: "failed", values: null, measuredAt: null });
  expect((await world.read()).best).toMatchObject([{ number: 2, measuredAt: 3 }]);
});

test("when every promoted trial fails, the best is the best of the highest rung that has a result", async () => {
  const world = await setUp(
    { name: "sha", resource: { name: "epoch", min: 1, max: 3 } },
    { budget: { trials: 3, parallel: 3 } },
  );
  await world.ask("w", 3);
  for (let number = 0; number < 3; number++) await world.tell(number, number / 10);
  for (let left = 3; left > 0; left--) {
    const { trials } = await world.ask("w");
    expect(trials).toMatchObject([{ number: left - 1 }]);
    if (left === 1) break;
    await tellTrial(
      world.deps,
      world.study,
      left - 1,
      { attempt: 2, failed: { reason: "out of memory" } },
      noReceipt,
    );
  }
  expect((await world.read()).best).toMatchObject([{ number: 0, measuredAt: 1 }]);
});

test("a promoted trial that its client prunes without a value keeps that of the rung below, and may be told so again", async () => {
  const world = await setUp({ name: "asha", resource: epochs, type: "promotion" });
  await world.ask("w", 3);
  for (let number = 0; number < 3; number++) await world.tell(number, number / 10);
  expect((await world.ask("w")).trials).toMatchObject([{ number: 2, attempt: 2 }]);
  const body = { attempt: 2, pruned: { reason: "plateau" } };
  for (let time = 0; time < 2; time++) {
    const reply = await tellTrial(world.deps, world.study, 2, body, noReceipt);
    expect(reply).toEqual({ number: 2, state: "pruned" });
  }
  expect(await world.trial(2)).toMatchObject({ values: { accuracy: 0.2 } });
});

test("more trials let paused ones go on again", async () => {
  const world = await setUp(
    { name: "asha", resource: { name: "epoch", min: 1, max: 3 }, type: "promotion" },
    { budget: { trials: 4, parallel: 4 } },
  );
  const runTo = async (epoch: number, accuracies: readonly number[]) => {
    for (const accuracy of accuracies) {
      const [trial] = (await world.ask("w")).trials;
      if (trial === undefined) throw new Error("nothing was handed out");
      expect(trial.resource).toBe(epoch);
      await world.tell(trial.number, accuracy, trial.attempt);
    }
  };
  await runTo(1, [0.1, 0.2, 0.3]);
  await runTo(3, [0.3]);
  await runTo(1, [0]);
  expect(await world.detail(0)).toMatchObject({ state: "paused", finished: null });
  expect(await world.ask("w")).toMatchObject({ trials: [], state: "finished" });
  expect(await world.detail(0)).toMatchObject({ state: "pruned", finished: expect.any(String) });
  expect(await results(world)).toMatchObject({ completed: 1, paused: 0, pruned: 3 });
  await patchStudy(world.deps, world.study, { budget: { trials: 6 } }, noReceipt);
  expect(await results(world)).toMatchObject({ completed: 1, paused: 3, pruned: 0 });
  await runTo(1, [0.05, 0.06]);
  expect((await world.ask("w")).trials).toMatchObject([{ number: 1, attempt: 2, resource: 3 }]);
});

test("studies of several objectives stop by their fronts, feasible trials first", async () => {
  const world = await setUp(
    { name: "asha", resource: epochs },
    {
      objectives: [
        { metric: "accuracy", direction: "maximize" },
        { metric: "ms", direction: "minimize" },
      ],
      outcomes: [{ metric: "mb", max: 10 }],
    },
  );
  await world.ask("w", 4);
  const report = (number: number, accuracy: number, ms: number, mb: number) =>
    reportTrial(
      world.deps,
      world.study,
      number,
      { attempt: 1, step: 1, values: { accuracy, ms, mb } },
      noReceipt,
    );
  for (const number of [0, 1]) await report(number, 0.5, 50, 5);
  // It dominates both.
  expect(await report(2, 0.6, 40, 5)).toMatchObject({ decision: "continue" });
  // Better in everything, but too large.
  expect(await report(3, 0.9, 10, 11)).toMatchObject({
    decision: "stop",
    reason: "rung 0 (epoch 1): 4th of 4, the first 1 go on",
  });
});

test("paused trials are folded, go on from their segment, and are counted once", async () => {
  const world = await setUp(
    { name: "asha", resource: { name: "epoch", min: 1, max: 3 }, type: "promotion" },
    { budget: { trials: 400, parallel: 400 } },
  );
  for (let i = 0; i < 4; i++) await world.ask(undefined, 50);
  for (let number = 0; number < 199; number++) await world.tell(number, 1 - number / 1000);
  for (let i = 0; i < 4; i++) {
    const seen = await world.snapshot();
    await foldIfDue(world.deps, world.study, seen);
  }
  const { head, trials } = await world.snapshot();
  expect(head.segments).toBe(1);
  expect(trials.some(({ number }) => number === 0)).toBe(false);
  expect(await results(world)).toMatchObject({ paused: 199, running: 1 });
  const next = await world.ask("x", 3);
  expect(next.trials.map(({ number }) => number)).toEqual([0, 1, 2]);
  expect(await results(world)).toMatchObject({ paused: 196, running: 4 });
  for (const number of [0, 1, 2]) await world.tell(number, 1, 2);
  expect(await results(world)).toMatchObject({ paused: 196, running: 1, completed: 3 });
  expect((await world.read()).best).toMatchObject([{ number: 0, values: { accuracy: 1 }, measuredAt: 3 }]);
  expect((await listTrials(world.deps, world.study, { limit: 3 })).trials).toMatchObject([
    { number: 0, state: "completed" },
    { number: 1, state: "completed" },
    { number: 2, state: "completed" },
  ]);
});

test("a sweep that comes late does not take away a trial that has gone on meanwhile", async () => {
  const world = await setUp(
    { name: "asha", resource: { name: "epoch", min: 1, max: 3 }, type: "promotion" },
    { budget: { trials: 400, parallel: 400 } },
  );
  for (let i = 0; i < 2; i++) await world.ask(undefined, 50);
  for (let number = 0; number < 99; number++) await world.tell(number, 1 - number / 1000);
  const seen = await world.snapshot();
  // The first transaction names the segment, the next ones take what it holds out of the tail.
  const asked = async () => {
    expect((await world.ask("x", 2)).trials.map(({ number }) => number)).toEqual([0, 1]);
  };
  before(world.client, TRANSACT, asked, 2);
  await foldIfDue(world.process(), world.study, seen);
  expect(await world.trial(0)).toMatchObject({ state: "running", attempt: 2 });
  await world.tell(0, 1, 2);
  expect(await results(world)).toMatchObject({ completed: 1, running: 2, paused: 97 });
});

const single = { lease: { seconds: 60, maxAttempts: 1 } };

test("an ask that ends lost trials and resumes paused ones of one rung writes each table once", async () => {
  const world = await setUp(
    { name: "asha", resource: { name: "epoch", min: 1, max: 3 }, type: "promotion" },
    { ...single, budget: { trials: 12, parallel: 6 } },
  );
  await world.ask("dies", 2);
  await world.ask("w", 4);
  for (const number of [2, 3, 4, 5]) await world.tell(number, number / 10);
  world.clock.now += OVER;
  expect((await world.ask("x")).trials).toMatchObject([{ number: 5, attempt: 2, resource: 3 }]);
  expect(await results(world)).toMatchObject({ failed: 2, paused: 3, running: 1 });
});

test("a promoted trial whose worker is lost at the end promotes the next before the study is finished", async () => {
  const world = await setUp(
    { name: "asha", resource: { name: "epoch", min: 1, max: 3 }, type: "promotion" },
    { ...single, budget: { trials: 6, parallel: 6 } },
  );
  await world.ask("w", 6);
  for (let number = 0; number < 6; number++) await world.tell(number, number / 10);
  expect((await world.ask("w")).trials).toMatchObject([{ number: 5, attempt: 2 }]);
  await world.tell(5, 0.9, 2);
  expect((await world.ask("dies")).trials).toMatchObject([{ number: 4, attempt: 2 }]);
  world.clock.now += OVER;
  expect(await world.ask("w")).toMatchObject({ trials: [], state: "running" });
  expect((await world.ask("w")).trials).toMatchObject([{ number: 3, attempt: 2, resource: 3 }]);
});

test("as many lost trials as there may be at once are ended by asks that fit into their transactions", async () => {
  const world = await setUp(
    { name: "asha", resource: { name: "epoch", min: 1, max: 9 }, type: "promotion" },
    { ...single, budget: { trials: 400, parallel: 400 } },
  );
  for (let i = 0; i < 5; i++) await world.ask(undefined, 90);
  const { trials } = await world.snapshot();
  for (const { number } of trials.slice(0, 200)) await world.tell(number, number / 1000);
  const given = await world.ask(undefined, 90);
  expect(given.trials.filter(({ attempt }) => attempt === 2)).toHaveLength(45);
  world.clock.now += OVER;
  for (let i = 0; i < 10; i++) await world.ask(undefined, 1);
  // None is left to end: a read would end those that asks have not.
  const running = (await world.snapshot()).trials.filter(({ state }) => state === "running");
  expect(running.length).toBeLessThanOrEqual(10);
});

test("a trial that was resumed while an ask looked is not taken for the end of the study", async () => {
  const world = await setUp(
    { name: "asha", resource: { name: "epoch", min: 1, max: 9 }, type: "promotion" },
    { budget: { trials: 3, parallel: 3 } },
  );
  await world.ask("w", 3);
  for (let number = 0; number < 3; number++) await world.tell(number, number / 10);
  // Between its read of the trials and its read of the rungs another ask takes the one that goes on.
  let other: unknown;
  before(
    world.client,
    QUERY,
    async () => {
      other = await askTrials(world.process(), world.study, { worker: "first" }, noReceipt);
    },
    2,
  );
  const second = await askTrials(world.process(), world.study, { worker: "second" }, noReceipt);
  expect(other).toMatchObject({ trials: [{ number: 2, attempt: 2, resource: 3 }] });
  expect(second).toMatchObject({ trials: [], state: "running" });
  await world.tell(2, 0.3, 2);
  expect((await world.ask("w")).trials).toMatchObject([{ number: 2, attempt: 3, resource: 9 }]);
});

test("the last trial that goes on, taken while another ask looked, keeps the study open: should it fail, the next goes on", async () => {
  const world = await setUp(
    { name: "asha", resource: { name: "epoch", min: 1, max: 3 }, type: "promotion" },
    { budget: { trials: 6, parallel: 6 } },
  );
  await world.ask("w", 6);
  for (let number = 0; number < 6; number++) await world.tell(number, number / 10);
  expect((await world.ask("w")).trials).toMatchObject([{ number: 5, attempt: 2 }]);
  await world.tell(5, 0.9, 2);
  // Between its read of the trials and its read of the rungs.
  before(
    world.client,
    QUERY,
    () => askTrials(world.process(), world.study, { worker: "first" }, noReceipt),
    2,
  );
  const second = await askTrials(world.process(), world.study, { worker: "second" }, noReceipt);
  expect(second).toMatchObject({ trials: [], state: "running" });
  expect(await world.trial(4)).toMatchObject({ state: "running", attempt: 2, worker: "first" });
  expect((await world.snapshot()).head.settled).toBe(false);
  const body = { attempt: 2, failed: { reason: "out of memory" } };
  await tellTrial(world.deps, world.study, 4, body, noReceipt);
  expect((await world.ask("w")).trials).toMatchObject([{ number: 3, attempt: 2, resource: 3 }]);
});

test("a trial that went on and waits at the next rung by the time the rungs are read goes on once, from there", async () => {
  const world = await setUp(
    { name: "asha", resource: epochs, type: "promotion" },
    { budget: { trials: 12, parallel: 12 } },
  );
  await world.ask("w", 12);
  for (let number = 0; number < 9; number++) await world.tell(number, number / 10);
  const first = await world.ask("w2", 2);
  expect(first.trials.map(({ number }) => number)).toEqual([8, 7]);
  for (const number of [8, 7]) await world.tell(number, number / 10, 2);
  // The last one that is among the best goes on after the trials were read, and comes to the second rung as the best of three.
  before(
    world.client,
    QUERY,
    async () => {
      const { trials } = await askTrials(world.process(), world.study, {}, noReceipt);
      expect(trials.map(({ number }) => number)).toEqual([6]);
      await world.tell(6, 0.95, 2);
    },
    2,
  );
  const { trials } = await askTrials(world.process(), world.study, {}, noReceipt);
  expect(trials.filter(({ number }) => number === 6)).toEqual([]);
  expect((await world.ask("x")).trials).toMatchObject([{ number: 6, attempt: 3, resource: 9 }]);
});

test("of two reports of a trial at once, at two rungs, the later one is compared with what the first has made of it", async () => {
  for (const [first, second] of [
    [1, 3],
    [3, 1],
  ] as const) {
    const world = await setUp({ name: "asha", resource: epochs });
    await world.ask();
    before(world.client, TRANSACT, () =>
      reportTrial(
        world.process(),
        world.study,
        0,
        { attempt: 1, step: first, values: { accuracy: 0.5 } },
        noReceipt,
      ),
    );
    await world.report(0, second, 0.6);
    expect(await ladderSoundness(world.process(), world.study)).toEqual([]);
    // The third rung comes after both, whichever was first.
    expect(await world.trial(0)).toMatchObject({ state: "running", rung: 2 });
  }
});

test("imports leave a finished study finished, and enqueued trials open it again", async () => {
  const world = await setUp(
    { name: "sha", resource: { name: "epoch", min: 1, max: 3 } },
    { budget: { trials: 3, parallel: 3 } },
  );
  await runAll(world, telling);
  const params = { C: 1, gamma: 0.1 };
  await addTrials(world.deps, world.study, { trials: [{ params, values: { accuracy: 0.1 } }] }, noReceipt);
  expect((await world.read()).state).toBe("finished");
  await patchStudy(world.deps, world.study, { budget: { trials: 4 } }, noReceipt);
  await addTrials(world.deps, world.study, { trials: [{ params }] }, noReceipt);
  expect(await world.read()).toMatchObject({ state: "running", trials: { queued: 1 } });
});
