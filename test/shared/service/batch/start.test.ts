import { expect, test } from "vitest";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { batchWorld } from "../../../support/batch.ts";
import { keyed, makeStudy, noReceipt } from "../../../support/service.ts";

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
