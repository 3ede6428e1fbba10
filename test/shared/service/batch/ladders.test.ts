import { expect, test } from "vitest";
import type { SchedulerChoice } from "../../../../shared/scheduler/registry.ts";
import type { CreateStudyBody } from "../../../../shared/schemas/study.ts";
import type { ReportReply } from "../../../../shared/schemas/trial.ts";
import { settleJob } from "../../../../shared/service/batch/settle.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import type { ApiDeps } from "../../../../shared/service/core/deps.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { reportTrial } from "../../../../shared/service/trials/report.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { HEAD } from "../../../../shared/store/head.ts";
import { memoryWorld, recordedGpuSeconds } from "../../../support/batch.ts";
import { save } from "../../../support/saved.ts";
import { noReceipt } from "../../../support/service.ts";

/** Batch studies whose trials are stopped, paused and resumed by their reports: nobody asks, Hone tops up. */

type World = Awaited<ReturnType<typeof memoryWorld>>;

const epochs = { name: "epoch", min: 1, max: 9 };
const setUp = (scheduler: SchedulerChoice, change: Partial<CreateStudyBody> = {}) =>
  memoryWorld({ scheduler, budget: { trials: 27, parallel: 4 }, ...change });

const accuracyOf = (trial: number, epoch: number) => ((trial * 7) % 27) / 27 + epoch / 1000;

const report = (
  { study, deps }: Pick<World, "study" | "deps">,
  trial: number,
  attempt: number,
  epoch: number,
): Promise<ReportReply> => {
  const values = { accuracy: accuracyOf(trial, epoch) };
  return reportTrial(deps, study, trial, { attempt, step: epoch, values }, noReceipt);
};

/** A process that dies after each report and tell: nothing follows from them, because that would change the head. */
const dying = (world: World): ApiDeps => {
  const deps = world.process();
  const transact = deps.store.transact.bind(deps.store);
  deps.store.transact = (changes) =>
    changes.some(({ name }) => name === HEAD) ? Promise.reject(new Error("died")) : transact(changes);
  return deps;
};

/** A container: it trains from where its trial is to where it shall go, and ends as it is told. */
interface Container {
  readonly trial: number;
  readonly attempt: number;
  readonly goal: number;
  epoch: number;
}

/** A world whose containers train an epoch a turn. */
class Training {
  readonly world: World;
  readonly reached = new Map<number, number>();
  readonly #containers = new Map<string, Container>();
  readonly #deps: ApiDeps;
  most = 0;

  /** @param deps those of the processes that serve its containers. */
  constructor(world: World, deps = world.deps) {
    this.world = world;
    this.#deps = deps;
  }

  /** Delivers messages and starts the jobs that were submitted. */
  async dispatch(): Promise<void> {
    const { world } = this;
    await world.deliver();
    for (const job of world.batch.alive()) {
      if (this.#containers.has(job.jobId)) continue;
      world.batch.run(job);
      const [trial, attempt] = [Number(job.environment.HONE_TRIAL), Number(job.environment.HONE_ATTEMPT)];
      const { resource } = await world.claim(trial, attempt);
      const epoch = this.reached.get(trial) ?? 0;
      this.#containers.set(job.jobId, { trial, attempt, goal: resource ?? 0, epoch });
    }
    this.most = Math.max(this.most, world.batch.alive().length);
  }

  /** Every job that runs trains an epoch and reports it; one that has come to its goal tells. */
  async turn(): Promise<void> {
    const { world } = this;
    await this.dispatch();
    world.clock.now += 1000;
    for (const job of world.batch.alive()) {
      const container = this.#containers.get(job.jobId);
      if (container === undefined) continue;
      const { trial, attempt, goal } = container;
      const epoch = ++container.epoch;
      this.reached.set(trial, epoch);
      const { study } = world;
      const { decision } = await report({ study, deps: this.#deps }, trial, attempt, epoch);
      if (decision === "continue" && epoch < goal) continue;
      if (decision === "continue") {
        const body = { attempt, values: { accuracy: accuracyOf(trial, epoch) } };
        await tellTrial(this.#deps, study, trial, body, noReceipt);
      }
      world.batch.succeed(job);
      await settleJob(this.#deps, { ...job });
    }
  }

  /** Trains until the study is finished. @param each what else happens in a turn. */
  async toEnd(each: (turn: number) => Promise<void> = async () => {}): Promise<void> {
    for (let turn = 0; turn < 400; turn++) {
      await this.turn();
      await each(turn);
      if ((await readStudy(this.world.deps, this.world.study)).state === "finished") return;
    }
    throw new Error("The study did not finish.");
  }
}

const trained = ({ reached }: Training) => [...reached.values()].reduce((sum, epoch) => sum + epoch, 0);

const kinds: [string, SchedulerChoice][] = [
  ["asha, stopping", { name: "asha", resource: epochs }],
  ["asha, promotion", { name: "asha", resource: epochs, type: "promotion" }],
  ["pasha", { name: "pasha", resource: epochs }],
  ["hyperband, stopping", { name: "hyperband", resource: epochs }],
  ["hyperband, promotion", { name: "hyperband", resource: epochs, type: "promotion" }],
  ["freeze-thaw", { name: "freeze-thaw", resource: epochs }],
  ["median", { name: "median", resource: epochs }],
];

test.each(kinds)(
  "%s runs to its end at a part of the cost, and never more jobs than it may",
  async (_, scheduler) => {
    const training = new Training(await setUp(scheduler));
    const { world } = training;
    await world.start();
    await training.toEnd();
    expect(training.reached.size).toBe(27);
    expect(trained(training)).toBeLessThan(27 * 9);
    expect(training.most).toBeLessThanOrEqual(4);
    const read = await readStudy(world.deps, world.study);
    expect(read.best[0]?.values.accuracy).toBeGreaterThan(20 / 27);
    const { head, trials } = await world.snapshot();
    expect(head.gpuSeconds).toBe(recordedGpuSeconds(world.study, trials));
    await world.reconcile();
    expect(world.batch.alive()).toEqual([]);
    expect(world.batch.definitions.size).toBe(0);
  },
);

test.each(kinds)(
  "%s comes to its end when every follow-up dies: the reconciler does it",
  async (_, scheduler) => {
    const world = await setUp(scheduler);
    const training = new Training(world, dying(world));
    await world.start();
    await training.toEnd(async () => {
      world.clock.now += 1000;
      await world.reconcile();
    });
    expect(training.reached.size).toBe(27);
    expect(training.most).toBeLessThanOrEqual(4);
  },
);

test.each(kinds)("%s goes on after a stop and a start, with what it had", async (_, scheduler) => {
  const training = new Training(await setUp(scheduler));
  const { world } = training;
  await world.start();
  await training.toEnd(async (turn) => {
    if (turn % 7 !== 3) return;
    await stopStudy(world.deps, world.study, {}, noReceipt);
    expect(world.batch.alive()).toEqual([]);
    await world.start();
  });
  expect(training.reached.size).toBe(27);
  expect(training.most).toBeLessThanOrEqual(4);
});

test("with freeze-thaw a study ends when too little is left to gain, and leaves no job", async () => {
  const budget = { trials: 200, parallel: 4 };
  const scheduler = { name: "freeze-thaw", resource: epochs, leastGain: 0.9 } as const;
  const training = new Training(await setUp(scheduler, { budget }));
  const { world } = training;
  await world.start();
  await training.toEnd();
  expect(training.reached.size).toBeLessThan(200);
  expect(training.reached.values()).toContain(9);
  const { message, trials } = await readStudy(world.deps, world.study);
  expect(message).toMatch(/^The study ended after \d+ trials: .* less than its `leastGain` of 90%\.$/);
  const all = Object.values(trials).reduce((sum, count) => sum + count, 0);
  expect(message).toContain(`after ${all} trials`);
  expect(trials).toMatchObject({ queued: 0, running: 0, paused: 0 });
  await world.reconcile();
  expect(world.queue.messages).toEqual([]);
  expect(world.batch.alive()).toEqual([]);
  await stopStudy(world.deps, world.study, {}, noReceipt);
  await expect(world.start()).rejects.toMatchObject({ facts: { kind: "not-worth-more" } });
});

const promotion: SchedulerChoice = {
  name: "asha",
  resource: { name: "epoch", min: 1, max: 3 },
  eta: 3,
  type: "promotion",
};

/** Three trials that run side by side, claimed by their containers. */
const threeTrials = async (scheduler = promotion, budget: Partial<CreateStudyBody["budget"]> = {}) => {
  const world = await setUp(scheduler, { budget: { trials: 4, parallel: 3, ...budget } });
  await world.launch();
  return world;
};

/** The same, and its job ends. */
const pauseAndEnd = async (...how: Parameters<typeof pause>) => {
  const reply = await pause(...how);
  const [world, trial] = how;
  await world.endJob(trial);
  return reply;
};

/** Best is trial 0, then 1, then 2. */
const pause = (world: World, trial: number, checkpoint?: string) =>
  reportTrial(
    world.deps,
    world.study,
    trial,
    {
      attempt: 1,
      step: 1,
      values: { accuracy: 1 - trial / 10 },
      ...(checkpoint !== undefined && { checkpoint }),
    },
    noReceipt,
  );

test("a paused trial is resumed by a top-up, with its larger resource and the checkpoint of its report", async () => {
  const world = await threeTrials();
  const saved = await save(world, 0);
  expect(await pauseAndEnd(world, 0, saved.checkpoint)).toMatchObject({ decision: "pause" });
  await pauseAndEnd(world, 1);
  await pauseAndEnd(world, 2);
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2, resource: 3 });
  await world.deliver();
  world.batch.run(world.batch.of(0, 2));
  expect(await world.claim(0, 2)).toMatchObject({ resource: 3, checkpoint: saved.checkpoint });
});

test("an interrupted attempt of a resumed trial goes on from the last checkpoint that was committed", async () => {
  const world = await threeTrials();
  const first = await save(world, 0);
  await pauseAndEnd(world, 0, first.checkpoint);
  await pauseAndEnd(world, 1);
  await pauseAndEnd(world, 2);
  await world.deliver();
  const job = world.batch.run(world.batch.of(0, 2));
  await world.claim(0, 2);
  const second = await save(world, 0, 2);
  await world.settle(world.batch.fail(job, { statusReason: "Host EC2 (instance i-1) terminated." }));
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 3, resource: 3, lost: 1 });
  await world.deliver();
  world.batch.run(world.batch.of(0, 3));
  expect(await world.claim(0, 3)).toMatchObject({ resource: 3, checkpoint: second.checkpoint });
});

test("a job that was told to stop or to pause may end by itself; one that does not is ended, and counted as it ran", async () => {
  for (const scheduler of [promotion, { ...promotion, type: "stopping" } as const]) {
    const world = await threeTrials(scheduler);
    world.clock.now += 20_000;
    for (const trial of [0, 1, 2]) await pause(world, trial);
    const ended = (await world.snapshot()).trials.find(
      ({ state }) => state === "paused" || state === "pruned",
    );
    const job = world.batch.of(ended?.number ?? -1);
    world.clock.now += 30_000;
    await world.reconcile();
    expect(world.batch.terminations.map(({ jobId }) => jobId)).not.toContain(job.jobId);
    // Nothing else runs in its place meanwhile.
    expect(world.batch.alive()).toHaveLength(3);
    expect(world.queue.messages).toEqual([]);
    world.clock.now += 100_000;
    await world.reconcile();
    expect(world.batch.terminations.map(({ jobId }) => jobId)).toContain(job.jobId);
    await world.settle(job);
    expect(await world.trial(ended?.number ?? -1)).toMatchObject({ seconds: 150 });
    await world.settle(job);
    const { head, trials } = await world.snapshot();
    expect(head.gpuSeconds).toBe(recordedGpuSeconds(world.study, trials));
  }
});

test("a container that goes on after it was told to stop can neither report nor tell any more", async () => {
  const world = await threeTrials({ ...promotion, type: "stopping" });
  for (const trial of [0, 1, 2]) await pause(world, trial);
  expect(await world.trial(2)).toMatchObject({ state: "pruned" });
  await expect(report(world, 2, 1, 2)).rejects.toMatchObject({ type: "stale-attempt" });
  const body = { attempt: 1, values: { accuracy: 1 } };
  await expect(tellTrial(world.deps, world.study, 2, body, noReceipt)).rejects.toMatchObject({
    type: "already-told",
  });
  expect(await world.trial(2)).toMatchObject({ state: "pruned", values: { accuracy: 0.8 } });
});

test("a limit of spending holds for resumed trials, too: the study pauses, and goes on when it is extended", async () => {
  const world = await threeTrials(promotion, { trials: 3, gpuHours: 3 });
  world.clock.now += 3_000_000;
  for (const trial of [0, 1, 2]) {
    await pauseAndEnd(world, trial);
  }
  expect(await readStudy(world.deps, world.study)).toMatchObject({
    state: "paused",
    trials: { paused: 3 },
    message: expect.stringContaining("The budget of 3 GPU hours"),
  });
  await patchStudy(world.deps, world.study, { state: "running", budget: { gpuHours: 9 } }, noReceipt);
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2, resource: 3 });
});

test("a study of which no trial goes on any more is finished, by the reconciler if need be", async () => {
  const world = await setUp(promotion, { budget: { trials: 3, parallel: 3 } });
  await world.launch();
  for (const trial of [0, 1, 2]) await pauseAndEnd(world, trial);
  await world.deliver();
  world.batch.run(world.batch.of(0, 2));
  await world.claim(0, 2);
  const body = { attempt: 2, values: { accuracy: 0.9 } };
  await tellTrial(dying(world), world.study, 0, body, noReceipt);
  world.batch.succeed(world.batch.of(0, 2));
  const shown = () => readStudy(world.deps, world.study);
  expect(await shown()).toMatchObject({ state: "running", trials: { completed: 1, paused: 2 } });
  await world.reconcile();
  expect(await shown()).toMatchObject({ state: "finished", trials: { completed: 1, pruned: 2, paused: 0 } });
});
