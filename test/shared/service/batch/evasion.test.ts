import { expect, test } from "vitest";
import { endRuns } from "../../../../shared/service/batch/end-runs.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { type MemoryWorld, memoryWorld, recordedGpuSeconds } from "../../../support/batch.ts";
import { moneyFaults } from "../../../support/money-soundness.ts";
import { noReceipt, TEAM } from "../../../support/service.ts";

/**
 * Jobs that would use more than their team is charged for, or more slots than their study has. What is charged is compared with
 * what Batch says of all jobs: one GPU each, from start to stop.
 */

/** GPU seconds of all jobs as Batch has them. */
const usedSeconds = ({ batch, clock }: MemoryWorld): number =>
  batch.jobs.reduce(
    (sum, { startedAt, stoppedAt = clock.now }) =>
      sum + (startedAt === undefined ? 0 : Math.ceil((stoppedAt - startedAt) / 1000)),
    0,
  );

const chargedSeconds = async (world: MemoryWorld): Promise<number> => {
  const { head, trials } = await world.snapshot();
  expect(recordedGpuSeconds(world.study, trials)).toBe(head.gpuSeconds);
  expect(await moneyFaults(world.deps, TEAM, [world.study])).toEqual([]);
  return head.gpuSeconds;
};

/** Some minutes, in which the reconciler comes by, and every lost event is found. */
const pass = async (world: MemoryWorld, minutes = 5) => {
  for (let minute = 0; minute < minutes; minute++) {
    world.clock.now += 60_000;
    await world.reconcile();
    await world.deliver();
    for (const job of world.batch.alive()) if (job.status === "RUNNABLE") world.batch.run(job);
  }
};

const launched = async (trials = 1) => {
  const world = await memoryWorld({ budget: { trials, parallel: 1 } });
  await world.launch();
  return world;
};

test("a job that tells at once and sleeps keeps its slot, is ended soon, and is charged to its end", async () => {
  const world = await launched(3);
  world.clock.now += 4000;
  await world.tellOnly(0, 0.9);
  await world.deliver();
  expect(world.batch.jobs).toHaveLength(1);
  world.clock.now += 59_000;
  await world.reconcile();
  expect(world.batch.terminations).toEqual([]);
  world.clock.now += 2000;
  await world.reconcile();
  expect(world.batch.terminations).toEqual([
    { jobId: world.batch.of(0).jobId, reason: "hone: nobody waits for this job" },
  ]);
  await world.settle(world.batch.of(0));
  expect(await chargedSeconds(world)).toBe(65);
  await world.deliver();
  expect(world.batch.jobs).toHaveLength(2);
  expect(usedSeconds(world)).toBe(65);
});

test("while a job runs on after its tell nothing else runs in its slot, whoever tops up", async () => {
  const world = await launched(3);
  await world.tellOnly(0, 0.9);
  const body = { attempt: 1, values: { accuracy: 0.9 } };
  // Repeated tells, events of a job that runs, and a start again.
  for (let time = 0; time < 3; time++) {
    await tellTrial(world.deps, world.study, 0, body, noReceipt);
    await world.settle(world.batch.of(0));
    await world.start();
    await world.deliver();
  }
  expect(world.batch.alive()).toHaveLength(1);
});

test.each([{ gpuHours: 1.5 }, { dollars: 0.8 }])(
  "a job that runs on after its tell counts in its study's budget, %j, until it has ended; till then the study waits",
  async (limit) => {
    const world = await memoryWorld({ budget: { trials: 3, parallel: 3, ...limit } });
    await world.launch();
    expect(world.batch.jobs).toHaveLength(1);
    world.clock.now += 60_000;
    await world.tellOnly(0, 0.9);
    await world.deliver();
    expect(world.batch.jobs).toHaveLength(1);
    expect((await world.snapshot()).head).toMatchObject({ state: "running", notice: { reserved: 1 } });
    await world.endJob(0);
    await world.deliver();
    expect(world.batch.jobs).toHaveLength(2);
  },
);

test("the next attempt of a trial that fell silent waits for money until its job has ended", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1, gpuHours: 1.5 } });
  await world.launch();
  const terminate = world.batch.terminate.bind(world.batch);
  world.batch.terminate = async () => {};
  world.clock.now += 61_000;
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2, open: [{ attempt: 1 }] });
  await world.deliver();
  expect(world.batch.jobs).toHaveLength(1);
  expect((await world.snapshot()).head.state).toBe("running");
  await terminate(world.batch.of(0).jobId, "hone: no heartbeat");
  await world.settle(world.batch.of(0));
  await world.deliver();
  expect(world.batch.jobs).toHaveLength(2);
});

test("a job that tells a failure, and would get another attempt, ends first", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 }, repeats: { attempts: 3 } });
  await world.launch();
  world.clock.now += 1000;
  await tellTrial(world.deps, world.study, 0, { attempt: 1, failed: { reason: "no" } }, noReceipt);
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2 });
  for (let time = 0; time < 3; time++) await world.deliver();
  expect(world.batch.jobs).toHaveLength(1);
  world.clock.now += 30_000;
  await world.endJob(0);
  await world.deliver();
  expect(world.batch.jobs).toHaveLength(2);
  expect(await chargedSeconds(world)).toBe(31);
});

test("a job that never claims is charged for as long as it ran", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  world.batch.run(world.batch.of(0));
  world.clock.now += 637_000;
  await world.settle(world.batch.succeed(world.batch.of(0)));
  expect(await chargedSeconds(world)).toBe(637);
});

test("what a job did before it claimed is charged, however often it claims", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  world.batch.run(world.batch.of(0));
  for (let time = 0; time < 3; time++) {
    world.clock.now += 200_000;
    await world.claim(0);
  }
  world.clock.now += 10_000;
  await world.tellOnly(0, 0.5);
  await world.endJob(0);
  expect(await chargedSeconds(world)).toBe(610);
  expect(usedSeconds(world)).toBe(610);
});

test("a claim that comes after the end of its attempt changes nothing", async () => {
  const world = await launched();
  world.clock.now += 5000;
  await world.tell(0, 0.5);
  world.clock.now += 5000;
  await expect(world.claim(0)).rejects.toMatchObject({ type: "stale-attempt" });
  expect(await chargedSeconds(world)).toBe(5);
});

test("a job that falls silent and one that is stopped are charged until they have ended", async () => {
  const world = await launched(2);
  const terminate = world.batch.terminate.bind(world.batch);
  // It takes Batch half a minute: the container ignores SIGTERM.
  const slow: string[] = [];
  world.batch.terminate = async (jobId) => void slow.push(jobId);
  world.clock.now += 61_000;
  await world.reconcile();
  expect([...new Set(slow)]).toEqual([world.batch.of(0).jobId]);
  world.clock.now += 30_000;
  await terminate(world.batch.of(0).jobId, "hone: no heartbeat");
  await world.settle(world.batch.of(0));
  expect(await chargedSeconds(world)).toBe(91);

  await world.deliver();
  world.batch.run(world.batch.of(0, 2));
  await world.claim(0, 2);
  world.clock.now += 10_000;
  await stopStudy(world.deps, world.study, {}, noReceipt);
  world.clock.now += 30_000;
  await terminate(world.batch.of(0, 2).jobId, "hone: study stopped");
  await pass(world);
  expect(await chargedSeconds(world)).toBe(131);
  expect(usedSeconds(world)).toBe(131);
});

test("jobs that Hone ended hold no slot, and each is charged when it has ended, in whatever order", async () => {
  const world = await memoryWorld({
    budget: { trials: 1, parallel: 1 },
    lease: { seconds: 60, maxAttempts: 5 },
  });
  await world.launch();
  const terminate = world.batch.terminate.bind(world.batch);
  world.batch.terminate = async () => {};
  for (const attempt of [2, 3]) {
    world.clock.now += 61_000;
    await world.reconcile();
    await world.deliver();
    world.batch.run(world.batch.of(0, attempt));
    await world.claim(0, attempt);
  }
  expect(world.batch.alive()).toHaveLength(3);
  expect((await world.trial(0)).open).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
  world.clock.now += 9000;
  await terminate(world.batch.of(0, 2).jobId, "hone: no heartbeat");
  await world.settle(world.batch.of(0, 2));
  expect((await world.trial(0)).open).toMatchObject([{ attempt: 1 }]);
  expect(await chargedSeconds(world)).toBe(61 + 70);
  world.clock.now += 5000;
  await terminate(world.batch.of(0, 1).jobId, "hone: no heartbeat");
  // An event of a job that has ended before comes again.
  await world.settle(world.batch.of(0, 2));
  await world.settle(world.batch.of(0, 1));
  expect((await world.trial(0)).open).toBeUndefined();
  expect(await chargedSeconds(world)).toBe(136 + 70);
});

test("the end of a job is charged although its event is lost, and a finished study is closed after that", async () => {
  const world = await launched();
  const definition = () => world.batch.definitions.size;
  world.clock.now += 4000;
  await world.tellOnly(0, 0.5);
  await world.reconcile();
  expect(definition()).toBe(1);
  world.clock.now += 20_000;
  world.batch.succeed(world.batch.of(0));
  await pass(world);
  expect(await chargedSeconds(world)).toBe(24);
  expect(definition()).toBe(0);
});

test("a job that Batch has forgotten is waited for no longer", async () => {
  const world = await launched(2);
  await world.tellOnly(0, 0.5);
  world.batch.forget(world.batch.of(0));
  await pass(world, 3);
  expect(world.batch.alive()).toHaveLength(1);
  expect((await world.trial(0)).open).toBeUndefined();
});

test("a deletion ends jobs that run on after their tell, too", async () => {
  const world = await launched();
  await world.tellOnly(0, 0.5);
  expect(await endRuns(world.deps, world.study.id)).toBe(true);
  expect(world.batch.alive()).toEqual([]);
  // Its end comes after all of the study is gone, or on its way.
  await world.settle(world.batch.of(0));
});
