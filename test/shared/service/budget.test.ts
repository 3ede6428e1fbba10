import { expect, test } from "vitest";
import { openRung } from "../../../shared/service/rounds/halving.ts";
import { patchStudy } from "../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../shared/service/studies/read.ts";
import { batchExecution, batchWorld, halvingScheduler } from "../../support/batch.ts";
import { noReceipt } from "../../support/service.ts";

/** One GPU for up to an hour: each attempt reserves one GPU hour. */
const hour = { executor: { ...batchExecution, gpus: 1, timeoutSeconds: 3600 } };

test("no more trials are let go than the GPU hours allow if each used all of its time", async () => {
  const world = await batchWorld({ ...hour, budget: { trials: 10, parallel: 5, gpuHours: 2.5 } });
  await world.start();
  expect(world.queue.messages).toHaveLength(2);
  expect(await readStudy(world.deps, world.study)).toMatchObject({
    state: "running",
    message: expect.stringContaining("The budget of 2.5 GPU hours"),
  });
});

test("what a trial does not use comes free when it ends", async () => {
  const world = await batchWorld({ ...hour, budget: { trials: 10, parallel: 5, gpuHours: 2.5 } });
  await world.launch();
  world.clock.now += 600_000;
  await world.tell(0, 0.5);
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([2]);
});

test("when the money does not reach for one more trial the study pauses and says why; extended it goes on", async () => {
  const world = await batchWorld({ ...hour, budget: { trials: 10, parallel: 5, gpuHours: 1.2 } });
  await world.launch();
  world.clock.now += 1_800_000;
  await world.tell(0, 0.5);
  const paused = await readStudy(world.deps, world.study);
  expect(paused).toMatchObject({ state: "paused", spent: { gpuHours: 0.5 } });
  expect(paused.message).toBe(
    "The budget of 1.2 GPU hours has no room for another trial: 0.50 spent, and one may take 1.00 (0 in progress). Extend it and resume the study.",
  );
  await patchStudy(world.deps, world.study, { state: "running", budget: { gpuHours: 50 } }, noReceipt);
  await world.reconcile();
  expect(world.queue.messages).toHaveLength(5);
  expect((await readStudy(world.deps, world.study)).message).toBeNull();
});

test("dollars bound a study without GPUs too", async () => {
  const executor = { ...batchExecution, gpus: 0, vcpus: 4, timeoutSeconds: 3600 };
  const world = await batchWorld({ executor, budget: { trials: 10, parallel: 5, dollars: 0.17 } });
  await world.start();
  // 4 vCPUs for an hour at $0.02 are 8 cents.
  expect(world.queue.messages).toHaveLength(2);
});

test("an interrupted attempt that the money reaches for no more is held, and the study pauses", async () => {
  const world = await batchWorld({ ...hour, budget: { trials: 1, parallel: 1, gpuHours: 1 } });
  await world.launch();
  world.clock.now += 60_000;
  await world.settle(
    world.batch.fail(world.batch.of(0), { statusReason: "Host EC2 (instance i-1) terminated." }),
  );
  await world.deliver();
  expect(world.batch.submissions).toBe(1);
  expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "paused" });
  await patchStudy(world.deps, world.study, { state: "running", budget: { gpuHours: 2 } }, noReceipt);
  world.clock.now += 61_000;
  await world.reconcile();
  await world.deliver();
  expect(world.batch.submissions).toBe(2);
});

test("two dispatchers at once do not let two attempts go on the money of one", async () => {
  const world = await batchWorld({
    ...hour,
    scheduler: halvingScheduler,
    budget: { trials: 4, parallel: 4, gpuHours: 1.5 },
  });
  await world.start();
  const { trials } = await openRung(world.deps, {
    study: world.study.id,
    generation: 1,
    bracket: 0,
    rung: 0,
  });
  const messages = trials.map(({ trial, attempt }) => ({
    version: 1 as const,
    study: world.study.id,
    trial,
    attempt,
    taskToken: `token-${trial}`,
  }));
  await Promise.all(messages.map((message) => world.deliver([message])));
  expect(world.batch.submissions).toBe(1);
});
