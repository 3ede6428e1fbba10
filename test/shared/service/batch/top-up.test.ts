import { expect, test } from "vitest";
import { afterChange } from "../../../../shared/service/batch/after-end.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { topUp } from "../../../../shared/service/batch/top-up.ts";
import type { ServiceDeps } from "../../../../shared/service/core/deps.ts";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { changeHead, HEAD } from "../../../../shared/store/head.ts";
import { ConditionFailed } from "../../../../shared/store/store.ts";
import { batchExecution, batchWorld, halvingScheduler, worldOn } from "../../../support/batch.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { makeStudy, noReceipt } from "../../../support/service.ts";

/** One GPU for up to an hour: each attempt reserves one GPU hour. */
const hour = { executor: { ...batchExecution, gpus: 1, timeoutSeconds: 3600 } };

test("no more trials are dispatched than the GPU hours allow if each used all of its time", async () => {
  const world = await batchWorld({ ...hour, budget: { trials: 10, parallel: 5, gpuHours: 2.5 } });
  await world.start();
  expect(world.queue.messages).toHaveLength(2);
  expect(await readStudy(world.deps, world.study)).toMatchObject({
    state: "running",
    message: expect.stringContaining("The budget of 2.5 GPU hours"),
  });
});

test("the part of the budget that a trial did not use is free again when it ends", async () => {
  const world = await batchWorld({ ...hour, budget: { trials: 10, parallel: 5, gpuHours: 2.5 } });
  await world.launch();
  world.clock.now += 600_000;
  await world.tell(0, 0.5);
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([2]);
});

test("when the budget has no room for one more trial the study pauses and says why; extended, it continues", async () => {
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

test("enqueued configurations go first, and are dispatched at once while there is room", async () => {
  const world = await batchWorld({ budget: { trials: 6, parallel: 2 } });
  await addTrials(world.deps, world.study, { trials: [{ params: { C: 2, gamma: 0.5 } }] }, noReceipt);
  await world.start();
  expect(await world.trial(0)).toMatchObject({ params: { C: 2, gamma: 0.5 }, attempt: 1 });
  await patchStudy(world.deps, world.study, { budget: { parallel: 3 } }, noReceipt);
  await addTrials(world.deps, world.study, { trials: [{ params: { C: 3, gamma: 0.5 } }] }, noReceipt);
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([0, 1, 2]);
});

test("a paused study is not topped up", async () => {
  const world = await batchWorld({ budget: { trials: 3, parallel: 1 } });
  await world.launch();
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  await world.tell(0, 0.5);
  expect(world.queue.messages).toEqual([]);
  await patchStudy(world.deps, world.study, { state: "running" }, noReceipt);
  await afterChange(world.deps, world.study);
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([1]);
});

test("many trials at once fill the parallelism exactly", async () => {
  const world = await batchWorld({ budget: { trials: 250, parallel: 200 } });
  await Promise.all([world.start(), world.start(), world.start()]);
  expect(world.queue.messages).toHaveLength(200);
  expect(new Set(world.queue.messages.map(({ trial }) => trial)).size).toBe(200);
  expect((await readStudy(world.deps, world.study)).trials).toMatchObject({ queued: 200 });
});

test("a study that is not started, of clients, or in rounds is left alone", async () => {
  const world = await batchWorld();
  await topUp(world.deps, world.study);
  const client = await makeStudy(world.deps);
  await topUp(world.deps, client);
  const rounds = await worldOn(world.client, world.tableName, { scheduler: halvingScheduler });
  await rounds.start();
  await topUp(rounds.deps, rounds.study);
  expect([...world.queue.messages, ...rounds.queue.messages]).toEqual([]);
  expect((await rounds.snapshot()).head.next).toBe(0);
});

test("topping up again while everything runs that may changes nothing", async () => {
  const world = await batchWorld();
  await world.start();
  const seen = await world.snapshot();
  await topUp(world.deps, world.study);
  expect(await world.snapshot()).toEqual(seen);
  expect(world.queue.messages).toHaveLength(2);
});

test("trials that a stop put back go first, on their next attempt, and need no new number", async () => {
  const world = await batchWorld();
  await world.launch();
  await stopStudy(world.deps, world.study, {}, noReceipt);
  await patchStudy(world.deps, world.study, { budget: { parallel: 3 } }, noReceipt);
  await world.start();
  expect(world.queue.messages.map(({ trial, attempt }) => [trial, attempt])).toEqual([
    [0, 2],
    [1, 2],
    [2, 1],
  ]);
});

test("no more trials are created than the budget has, and a space that is exhausted ends the study", async () => {
  const world = await batchWorld({
    space: { x: { type: "categorical", choices: ["a", "b", "c"] } },
    algorithm: { name: "grid" },
    budget: { trials: 100, parallel: 10 },
  });
  await world.start();
  expect(world.queue.messages).toHaveLength(3);
  expect((await world.snapshot()).head).toMatchObject({ next: 3, exhausted: true });
});

test("two that top up at once fill the slots once, and each message is sent by whoever created its trial", async () => {
  const world = await batchWorld({ budget: { trials: 10, parallel: 3 } });
  before(world.client, TRANSACT, () => topUp(world.process(), world.study), 2);
  await world.start();
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([0, 1, 2]);
});

test("the notice about the budget is removed as soon as there is room again", async () => {
  const world = await batchWorld({ ...hour, budget: { trials: 10, parallel: 5, gpuHours: 2.5 } });
  await world.start();
  expect((await world.snapshot()).head.notice).toMatchObject({ kind: "spending-limit", paused: false });
  await patchStudy(world.deps, world.study, { budget: { gpuHours: 50 } }, noReceipt);
  expect((await world.snapshot()).head.notice).toBeNull();
  expect(world.queue.messages).toHaveLength(5);
});

test("a study that is deleted is not topped up, and that is no error", async () => {
  const world = await batchWorld();
  await world.start();
  await deleteStudy(world.deps, world.study, noReceipt);
  world.queue.take();
  await topUp(world.deps, world.study);
  expect(world.queue.messages).toEqual([]);
});

/** Every write finds that another one came first. */
const contended = (deps: ServiceDeps): ServiceDeps => {
  deps.store.transact = () => Promise.reject(new ConditionFailed([HEAD]));
  deps.store.pause = async () => {};
  return deps;
};

test("a top-up that others keep winning against leaves it to them", async () => {
  const world = await batchWorld({ budget: { trials: 6, parallel: 2 } });
  await world.start();
  await patchStudy(world.deps, world.study, { budget: { parallel: 3 } }, noReceipt);
  await world.deps.store.update(changeHead((await world.snapshot()).head, { parallel: 5 }));
  await expect(topUp(contended(world.process()), world.study)).resolves.toBeUndefined();
  expect((await world.snapshot()).trials).toHaveLength(3);
});

test("a notice that is only words is removed when trials are handed out again", async () => {
  const world = await batchWorld({ budget: { trials: 6, parallel: 2 } });
  await world.start();
  const notice = { kind: "text", text: "The budget of 1 GPU hours has no room." } as const;
  await world.deps.store.update(changeHead((await world.snapshot()).head, { parallel: 3, notice }));
  await topUp(world.deps, world.study);
  const { head, trials } = await world.snapshot();
  expect(trials).toHaveLength(3);
  expect(head.notice).toBeNull();
});
