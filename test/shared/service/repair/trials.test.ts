import { expect, test } from "vitest";
import { OVERDUE_MS, repairTrials } from "../../../../shared/service/repair/trials.ts";
import { heartbeatTrial } from "../../../../shared/service/trials/report.ts";
import { changeTrial } from "../../../../shared/store/trial.ts";
import { batchWorld, type World } from "../../../support/batch.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { noReceipt } from "../../../support/service.ts";

const running = async (change: Parameters<typeof batchWorld>[0] = {}): Promise<World> => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 }, ...change });
  await world.launch();
  return world;
};

const first = ({ study }: World) => ({ version: 1, study: study.id, trial: 0, attempt: 1 }) as const;

test("the end of a job whose event was lost is found", async () => {
  const world = await running();
  world.batch.fail(world.batch.of(0), { exitCode: 9 });
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: "exit code 9" });
});

test("a container that sends nothing for a whole lease loses its attempt: its job ends, and another attempt begins", async () => {
  const world = await running();
  world.clock.now += 61_000;
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2, attempts: [{ end: "expired" }] });
  expect(world.batch.of(0)).toMatchObject({ status: "FAILED", statusReason: "hone: no heartbeat" });
  await world.settle(world.batch.of(0));
  await world.deliver();
  expect(world.batch.alive()).toHaveLength(1);
  expect((await world.trial(0)).lost).toBe(1);
});

test("a job that Batch has forgotten is an interruption", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  world.batch.forget(world.batch.of(0));
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({ state: "running", attempt: 1 }); // it may only be too new to be seen
  world.clock.now += 61_000;
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({
    state: "queued",
    attempt: 2,
    lost: 1,
    attempts: [{ end: "interrupted" }],
  });
});

test("a server error without a job is tried again, as a new attempt that is not counted as lost", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["lost"];
  expect(await world.deliver()).toEqual([]);
  expect(await world.trial(0)).toMatchObject({ state: "running", job: { phase: "dispatching" } });
  await world.reconcile();
  expect(world.queue.messages).toEqual([]); // not yet: the answer may only be late
  world.clock.now += 61_000;
  await world.reconcile();
  await world.deliver();
  expect(await world.trial(0)).toMatchObject({ attempt: 2, lost: 0, job: { phase: "submitted" } });
  expect(world.batch.alive()).toHaveLength(1);
});

test("a time-out after the job was accepted: it is found by its name, and stays the only one", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["unheard"];
  await world.deliver();
  await world.deliver([first(world)]);
  world.clock.now += 61_000;
  await world.reconcile();
  const { jobId } = world.batch.of(0);
  expect(await world.trial(0)).toMatchObject({ attempt: 1, job: { phase: "submitted", jobId } });
  expect(world.batch.submissions).toBe(1);
  expect(world.batch.alive()).toHaveLength(1);
});

test("a job that shows up after it was given up for lost is of an attempt that is over, and is ended", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["unheard"];
  world.batch.lag = 100_000;
  await world.deliver();
  world.clock.now += 61_000;
  await world.reconcile();
  await world.deliver();
  const names = world.batch.jobs.map((job) => job.jobName);
  expect(new Set(names).size).toBe(2);
  await expect(world.claim(0, 1)).rejects.toMatchObject({ type: "stale-attempt" });
  await world.reconcile();
  expect(world.batch.alive().map((job) => job.environment.HONE_ATTEMPT)).toEqual(["2"]);
});

test("of two jobs for one attempt the oldest is adopted and the other ended", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["twice"];
  await world.deliver();
  const [oldest, twin] = world.batch.jobs;
  world.clock.now += 61_000;
  await repairTrials(world.deps, await world.snapshot());
  expect(await world.trial(0)).toMatchObject({ job: { phase: "submitted", jobId: oldest?.jobId } });
  expect(world.batch.terminations).toEqual([{ jobId: twin?.jobId, reason: "hone: submitted twice" }]);
});

test("of two jobs for one attempt the one that is alive is adopted, though the other is older", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["twice"];
  await world.deliver();
  const [oldest, twin] = world.batch.jobs;
  world.batch.fail(oldest!, { exitCode: 1 });
  world.clock.now += 61_000;
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({ attempt: 1, job: { phase: "submitted", jobId: twin?.jobId } });
  expect(world.batch.terminations).toEqual([]);
});

test("two jobs for one attempt that have both ended cost one attempt, and neither is ended again", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["twice"];
  await world.deliver();
  for (const job of world.batch.jobs)
    world.batch.fail(world.batch.run(job), { statusReason: "Host EC2 gone" });
  world.clock.now += 61_000;
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2, lost: 1 });
  expect(world.batch.terminations).toEqual([]);
});

test("a message that was never sent is sent again", async () => {
  const world = await batchWorld();
  world.queue.deaf = true;
  await world.start();
  world.queue.deaf = false;
  await world.reconcile();
  expect(world.queue.messages).toHaveLength(0);
  world.clock.now += 61_000;
  await world.reconcile();
  await world.deliver();
  expect(world.batch.submissions).toBe(2);
});

test("a heartbeat between the reconciler's read and its write keeps the attempt", async () => {
  const world = await running();
  world.clock.now += 61_000;
  before(world.client, TRANSACT, () =>
    heartbeatTrial(world.process(), world.study, 0, { attempt: 1 }, noReceipt),
  );
  await repairTrials(world.deps, await world.snapshot());
  expect(await world.trial(0)).toMatchObject({ state: "running", attempt: 1, lost: 0 });
  expect(world.batch.terminations).toEqual([]);
});

test("a told trial keeps its result when Batch has forgotten its job", async () => {
  const world = await running();
  await world.tell(0, 0.5);
  world.batch.forget(world.batch.of(0));
  world.clock.now += OVERDUE_MS + 1;
  await repairTrials(world.deps, await world.snapshot());
  expect(await world.trial(0)).toMatchObject({ state: "completed", attempt: 1, values: { accuracy: 0.5 } });
});

test("a lease that expires after Batch has forgotten its job ends the attempt, with nothing to end beside it", async () => {
  const world = await running();
  world.batch.forget(world.batch.of(0));
  world.clock.now += 61_000;
  await repairTrials(world.deps, await world.snapshot());
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2, attempts: [{ end: "expired" }] });
  expect(world.batch.terminations).toEqual([]);
});

test("two reconcilers at once lose an attempt once", async () => {
  const world = await running();
  world.clock.now += 61_000;
  const seen = await world.snapshot();
  await Promise.all([repairTrials(world.process(), seen), repairTrials(world.process(), seen)]);
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2, lost: 1 });
  expect((await world.trial(0)).attempts).toHaveLength(1);
  expect((await world.snapshot()).head.gpuSeconds).toBe(61);
});

test("a queued attempt is sent again once a minute has passed since it was queued, not before", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.queue.take();
  world.clock.now += OVERDUE_MS - 1;
  await repairTrials(world.deps, await world.snapshot());
  expect(world.queue.messages).toEqual([]);
  world.clock.now += 1;
  await repairTrials(world.deps, await world.snapshot());
  expect(world.queue.take()).toEqual([{ version: 1, study: world.study.id, trial: 0, attempt: 1 }]);
});

test("an ended trial that a machine still waits for is answered, one that runs is not", async () => {
  const world = await running({ budget: { trials: 2, parallel: 2 } });
  for (const number of [0, 1]) {
    const trial = await world.trial(number);
    const job = { ...trial.job!, taskTokens: [`token-1-${number}`] };
    await world.deps.store.update(changeTrial(trial, { job }));
  }
  world.rounds.broken = true;
  await world.tell(0, 0.5);
  world.rounds.broken = false;
  await repairTrials(world.deps, await world.snapshot());
  expect(world.rounds.resumed.map(({ taskToken }) => taskToken)).toEqual(["token-1-0"]);
});

test("a job that ended while its trial's lease expired counts by its end", async () => {
  const world = await running();
  world.batch.fail(world.batch.of(0), { exitCode: 3 });
  world.clock.now += 61_000;
  await repairTrials(world.deps, await world.snapshot());
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: "exit code 3" });
});
