import { expect, test } from "vitest";
import { settleJob } from "../../../../shared/service/batch/settle.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { ConditionFailed } from "../../../../shared/store/store.ts";
import { TRIAL } from "../../../../shared/store/trial.ts";
import { batchWorld, type World } from "../../../support/batch.ts";
import { Crash, injectFaults } from "../../../support/faults.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { noReceipt } from "../../../support/service.ts";

const running = async (change: Parameters<typeof batchWorld>[0] = {}): Promise<World> => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 }, ...change });
  await world.launch();
  return world;
};

const HOST_GONE = { statusReason: "Host EC2 (instance i-0abc) terminated." };

test("a container that exits 0 without telling a result fails its trial, and the reason says so", async () => {
  const world = await running();
  await world.settle(world.batch.succeed(world.batch.of(0)));
  expect(await world.trial(0)).toMatchObject({
    state: "failed",
    reason: expect.stringMatching(/^no-result/),
  });
});

test("a container that tells and then exits 1 has completed its trial", async () => {
  const world = await running();
  await world.tell(0, 0.9);
  await world.settle(world.batch.fail(world.batch.of(0), { exitCode: 1 }));
  expect(await world.trial(0)).toMatchObject({ state: "completed", values: { accuracy: 0.9 } });
});

test("a container that runs out of memory fails its trial and is not tried again", async () => {
  const world = await running();
  const reason = "OutOfMemoryError: Container killed due to memory usage";
  await world.settle(world.batch.fail(world.batch.of(0), { exitCode: 137, reason }));
  expect(await world.trial(0)).toMatchObject({ state: "failed", attempt: 1 });
  expect((await world.trial(0)).reason).toContain("memory");
  expect(world.queue.messages).toEqual([]);
});

test("a job that Batch ends for its time fails its trial as timed out", async () => {
  const world = await running();
  const statusReason = "Job attempt duration exceeded timeout";
  await world.settle(world.batch.fail(world.batch.of(0), { statusReason, exitCode: 143 }));
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: expect.stringMatching(/^timeout/) });
});

test("a program that fails without output fails its trial with its exit code", async () => {
  const world = await running();
  await world.settle(world.batch.fail(world.batch.of(0), { exitCode: 3 }));
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: "exit code 3" });
});

test.each([
  ["a reclaimed machine", HOST_GONE],
  ["a container that asks for another attempt", { exitCode: 75 }],
  ["a container that was terminated", { exitCode: 143 }],
])("%s is an interruption: the next attempt of the same trial is sent", async (_, end) => {
  const world = await running();
  const before = await world.trial(0);
  await world.settle(world.batch.fail(world.batch.of(0), end));
  expect(await world.trial(0)).toMatchObject({
    state: "queued",
    attempt: 2,
    lost: 1,
    params: before.params,
    attempts: [{ attempt: 1, end: "interrupted" }],
  });
  await expect(world.tell(0, 0.1)).rejects.toMatchObject({ type: "stale-attempt" });
  await world.deliver();
  await world.finish(0, 0.8, 2);
  expect(await world.trial(0)).toMatchObject({ state: "completed", attempt: 2, values: { accuracy: 0.8 } });
});

test("a trial that is interrupted on its last attempt fails with the reason", async () => {
  const world = await running();
  for (let attempt = 1; attempt <= 3; attempt++) {
    await world.settle(world.batch.fail(world.batch.of(0, attempt), HOST_GONE));
    await world.deliver();
  }
  expect(await world.trial(0)).toMatchObject({ state: "failed", attempt: 3 });
  expect((await world.trial(0)).reason).toMatch(/^All 3 attempts were lost.*The instance was lost/);
  expect(world.batch.submissions).toBe(3);
});

test("a machine that is reclaimed before the claim is an interruption too", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  await world.settle(world.batch.fail(world.batch.of(0), HOST_GONE));
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2 });
});

test("the loser of a claim exits 0, and that changes nothing", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["twice"];
  await world.deliver();
  const [winner, loser] = world.batch.jobs.map((job) => world.batch.run(job));
  await world.claim(0);
  await world.settle(world.batch.succeed(loser!));
  expect(await world.trial(0)).toMatchObject({ state: "running", job: { jobId: winner?.jobId } });
});

test("events doubled, out of order, and late change nothing", async () => {
  const world = await running();
  const job = world.batch.of(0);
  const asRunning = { ...job };
  await world.settle(asRunning);
  const ended = world.batch.fail(job, HOST_GONE);
  await Promise.all([world.settle(ended), world.settle(ended), world.settle(ended)]);
  await world.settle({ ...asRunning, status: "STARTING" });
  await world.settle(asRunning);
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 2, lost: 1 });
  expect((await world.trial(0)).attempts).toHaveLength(1);
  await world.deliver();
  await world.settle(ended);
  expect(await world.trial(0)).toMatchObject({ state: "running", attempt: 2 });
});

test("an end event that arrives before the start event is final", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["unheard"];
  await world.deliver();
  const job = world.batch.run(world.batch.of(0));
  const asRunning = { ...job };
  await world.claim(0);
  await world.tell(0, 0.7);
  await world.settle(world.batch.succeed(job));
  await world.settle(asRunning);
  expect(await world.trial(0)).toMatchObject({ state: "completed", values: { accuracy: 0.7 } });
});

test("an event of a job whose submission was unclear makes it known", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["unheard"];
  await world.deliver();
  await world.settle(world.batch.of(0));
  expect(await world.trial(0)).toMatchObject({ job: { phase: "submitted", jobId: world.batch.of(0).jobId } });
});

test("jobs that are not ours, or of a study that is not known, are left alone", async () => {
  const world = await running();
  const job = world.batch.fail({ ...world.batch.of(0) }, { exitCode: 1 });
  await world.settle({ ...job, jobName: "nightly-report" });
  await world.settle({ ...job, jobName: "hone-no-such-study-0-1" });
  await world.settle({ ...job, jobName: `hone-${world.study.id}-99-1` });
  expect(await world.trial(0)).toMatchObject({ state: "running" });
});

test("when a trial ends the next one is on its way, by its tell or by its job's event", async () => {
  const world = await batchWorld({ budget: { trials: 3, parallel: 1 } });
  await world.launch();
  await world.tell(0, 0.5);
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([1]);
  await world.deliver();
  await world.settle(world.batch.fail(world.batch.run(world.batch.of(1)), { exitCode: 1 }));
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([2]);
});

test("a result that is told between an event's read and its write is kept", async () => {
  const world = await running();
  before(world.client, TRANSACT, () => world.tell(0, 0.9));
  await world.settle(world.batch.fail(world.batch.of(0), { exitCode: 1 }));
  expect(await world.trial(0)).toMatchObject({ state: "completed", values: { accuracy: 0.9 } });
});

test("a claim between the event of another job for the attempt and its write decides whose end counts", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["twice"];
  await world.deliver();
  const [winner, loser] = world.batch.jobs.map((job) => world.batch.run(job));
  before(world.client, TRANSACT, () => world.claim(0));
  await world.settle(world.batch.fail(loser!, { exitCode: 1 }));
  expect(await world.trial(0)).toMatchObject({ state: "running", job: { jobId: winner?.jobId } });
});

test("an attempt that nobody claimed is charged for as long as its job ran", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  const job = world.batch.run(world.batch.of(0));
  world.clock.now += 30_000;
  await world.settle(world.batch.fail(job, HOST_GONE));
  expect(await world.trial(0)).toMatchObject({ seconds: 30 });
  expect((await world.snapshot()).head.gpuSeconds).toBe(30);
});

test("an attempt is charged for as long as its job ran, before its claim too, however late the event", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  const job = world.batch.run(world.batch.of(0));
  world.clock.now += 10_000;
  await world.claim(0);
  world.clock.now += 30_000;
  world.batch.fail(job, { exitCode: 1 });
  world.clock.now += 100_000;
  await world.settle(job);
  expect(await world.trial(0)).toMatchObject({ state: "failed", seconds: 40 });
  expect((await world.snapshot()).head.gpuSeconds).toBe(40);
});

test("a job that goes on after its trial was told is charged for that, once it has ended, to its end", async () => {
  const world = await running();
  const job = world.batch.of(0);
  world.clock.now += 20_000;
  await world.tellOnly(0, 0.9);
  world.clock.now += 100_000;
  await world.settle(job);
  expect((await world.snapshot()).head.gpuSeconds).toBe(20);
  world.clock.now += 50_000;
  world.batch.succeed(job);
  world.clock.now += 40_000;
  for (let time = 0; time < 2; time++) await world.settle(job);
  expect(await world.trial(0)).toMatchObject({ state: "completed", seconds: 170 });
  expect((await world.snapshot()).head.gpuSeconds).toBe(170);
});

test("the end of a job whose trial was told does what the tell may have left undone", async () => {
  const world = await running({ budget: { trials: 2, parallel: 1 } });
  const body = { attempt: 1, values: { accuracy: 0.5 } };
  // The process dies right after its tell.
  world.clock.now += 5000;
  const revive = injectFaults(world.client, (command) => (command === TRANSACT ? "crash-after" : "none"));
  await expect(tellTrial(world.process(), world.study, 0, body, noReceipt)).rejects.toThrow(Crash);
  revive();
  expect(world.queue.messages).toEqual([]);
  await world.settle(world.batch.succeed(world.batch.of(0)));
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([1]);
});

test("an event of an earlier attempt does not end the current one, whose job is not known yet", async () => {
  const world = await running();
  const first = world.batch.fail(world.batch.of(0), HOST_GONE);
  await world.settle(first);
  world.batch.faults = ["unheard"];
  await world.deliver();
  const dispatching = await world.trial(0);
  expect(dispatching).toMatchObject({ attempt: 2, job: { phase: "dispatching", jobId: null } });
  await world.settle(first);
  expect(await world.trial(0)).toEqual(dispatching);
});

test("of two jobs the one that claims decides, also when the machine of the other goes away just then", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["twice"];
  await world.deliver();
  const [winner, loser] = world.batch.jobs.map((job) => world.batch.run(job));
  before(world.client, TRANSACT, () => world.claim(0));
  await world.settle(world.batch.fail(loser!, HOST_GONE));
  expect(await world.trial(0)).toMatchObject({ state: "running", attempt: 1, job: { jobId: winner?.jobId } });
});

test("an event of a job that runs leaves the claim as it is", async () => {
  const world = await running();
  const claimed = await world.trial(0);
  await world.settle(world.batch.of(0));
  expect(await world.trial(0)).toEqual(claimed);
});

test("the end of a job whose trial keeps changing is left to the reconciler", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  const job = world.batch.fail(world.batch.of(0), { exitCode: 1 });
  const deps = world.process();
  deps.store.transact = () => Promise.reject(new ConditionFailed([TRIAL]));
  deps.store.pause = async () => {};
  await expect(settleJob(deps, { ...job })).resolves.toBeUndefined();
  expect(await world.trial(0)).toMatchObject({ state: "running" });
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: "exit code 1" });
});
