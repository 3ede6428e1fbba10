import { expect, test } from "vitest";
import { afterChange } from "../../../../shared/service/batch/after-end.ts";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { heartbeatTrial } from "../../../../shared/service/trials/report.ts";
import { activeBatchKey } from "../../../../shared/store/keys.ts";
import { batchWorld, type World } from "../../../support/batch.ts";
import { keyed, makeStudy, noReceipt } from "../../../support/service.ts";

const stop = (world: World, drain = false) => stopStudy(world.deps, world.study, { drain }, noReceipt);

test("a start dispatches as many trials as may run at once; another start changes nothing", async () => {
  const world = await batchWorld();
  expect(await world.start()).toMatchObject({ started: true, state: "running" });
  await world.start();
  expect(world.queue.messages.map(({ trial, attempt }) => [trial, attempt])).toEqual([
    [0, 1],
    [1, 1],
  ]);
  expect(world.batch.definitions.size).toBe(1);
  expect((await world.snapshot()).head.generation).toBe(1);
});

test("ten starts at once start once, with one job definition", async () => {
  const world = await batchWorld();
  await Promise.all(Array.from({ length: 10 }, () => world.start()));
  expect(world.batch.definitions.size).toBe(1);
  expect((await world.snapshot()).head.generation).toBe(1);
  expect(world.queue.messages).toHaveLength(2);
});

test("the same start with its key gives the same answer", async () => {
  const world = await batchWorld();
  const first = await startStudy(world.deps, world.study, keyed("start"));
  await world.deliver();
  expect(await startStudy(world.deps, world.study, keyed("start"))).toEqual(first);
});

test("a start whose messages were not sent stands, and the reconciler sends them", async () => {
  const world = await batchWorld();
  const noQueue = { ...world.deps, queue: { send: () => Promise.reject(new Error("down")) } };
  expect(await startStudy(noQueue, world.study, noReceipt)).toMatchObject({ started: true });
  expect(world.lines).toContainEqual(expect.objectContaining({ event: "follow-up-failed", message: "down" }));
  world.clock.now += 61_000;
  await world.reconcile();
  expect(world.queue.messages).toHaveLength(2);
});

test("a client study, a paused and a finished one are not started", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  const client = await makeStudy(world.deps);
  await expect(startStudy(world.deps, client, noReceipt)).rejects.toMatchObject({ type: "wrong-executor" });
  await expect(stopStudy(world.deps, client, {}, noReceipt)).rejects.toMatchObject({
    type: "wrong-executor",
  });
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  await expect(world.start()).rejects.toMatchObject({ type: "study-not-running" });
  await patchStudy(world.deps, world.study, { state: "running" }, noReceipt);
  await world.launch();
  await world.finish(0, 0.5);
  await world.reconcile();
  await expect(world.start()).rejects.toMatchObject({ type: "study-not-running" });
  await patchStudy(world.deps, world.study, { budget: { trials: 2 } }, noReceipt);
  await world.start();
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([1]);
});

test("a stop ends what runs and puts it back, and a start goes on with the next attempts", async () => {
  const world = await batchWorld();
  await world.launch();
  world.clock.now += 5000;
  expect(await stop(world)).toMatchObject({ started: false });
  expect(world.batch.alive()).toEqual([]);
  expect(await world.trial(0)).toMatchObject({
    state: "queued",
    job: null,
    lost: 0,
    seconds: 5,
    attempts: [{ end: "interrupted" }],
  });
  await expect(heartbeatTrial(world.deps, world.study, 0, { attempt: 1 }, noReceipt)).rejects.toMatchObject({
    type: "stale-attempt",
  });
  await expect(world.tell(0, 0.5)).rejects.toMatchObject({ type: "stale-attempt" });
  for (const job of world.batch.jobs) await world.settle(job);
  expect(world.queue.messages).toEqual([]);

  await world.start();
  expect((await world.snapshot()).head.generation).toBe(2);
  expect(world.queue.messages.map(({ trial, attempt }) => [trial, attempt])).toEqual([
    [0, 2],
    [1, 2],
  ]);
});

test("a stop with drain lets running trials end, and starts no others", async () => {
  const world = await batchWorld();
  await world.start();
  const [one, two] = world.queue.take();
  await world.deliver([one!]);
  world.batch.run(world.batch.of(0));
  await world.claim(0);
  await stop(world, true);
  await world.deliver([two!]);
  expect(world.batch.jobs).toHaveLength(1);
  expect(await world.trial(1)).toMatchObject({ state: "queued", job: null });
  await world.tell(0, 0.5);
  expect(await world.trial(0)).toMatchObject({ state: "completed" });
  expect(world.queue.messages).toEqual([]);
  world.batch.succeed(world.batch.of(0));
  await world.reconcile();
  await world.reconcile();
  expect(await world.deps.store.get(activeBatchKey(world.study.id))).toBeNull();
  expect(world.batch.definitions.size).toBe(1); // it may be started again
});

test("a stop that could not end the jobs stands, and the reconciler ends them", async () => {
  const world = await batchWorld();
  await world.launch();
  const terminate = world.batch.terminate.bind(world.batch);
  world.batch.terminate = () => Promise.reject(new Error("down"));
  expect(await stop(world)).toMatchObject({ started: false });
  world.batch.terminate = terminate;
  expect(world.batch.alive()).toHaveLength(2);
  await world.reconcile();
  expect(world.batch.alive()).toHaveLength(0);
  expect(await world.trial(0)).toMatchObject({ state: "queued", job: null });
  expect(await world.trial(1)).toMatchObject({ state: "queued", job: null });
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
