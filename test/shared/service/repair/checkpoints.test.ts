import { expect, test } from "vitest";
import type { Upload } from "../../../../shared/schemas/trial.ts";
import { noteChange } from "../../../../shared/service/core/listing.ts";
import { collectCheckpoints } from "../../../../shared/service/repair/checkpoints.ts";
import { reconcile } from "../../../../shared/service/repair/reconcile.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { markDeleting } from "../../../../shared/store/head.ts";
import { changeTrial } from "../../../../shared/store/trial.ts";
import { batchExecution, halvingScheduler, type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { Machine } from "../../../support/machine.ts";
import { save, upload } from "../../../support/saved.ts";
import { noReceipt } from "../../../support/service.ts";

const OVER = 61_000;
const FOREVER = Number.POSITIVE_INFINITY;

const client = () =>
  memoryWorld({
    executor: { type: "client" },
    budget: { trials: 9 },
    lease: { seconds: 60, maxAttempts: 3 },
  });

const left = (world: MemoryWorld, ...uploads: readonly Upload[]) =>
  uploads.map((each) => world.checkpoints.has(each));

test("what somebody may still need stays, over many pages; the rest goes", async () => {
  const world = await client();
  await askTrials(world.deps, world.study, { worker: "w1", count: 6 }, noReceipt);
  const held = [];
  for (let trial = 0; trial < 6; trial++) held.push(await save(world, trial));
  world.clock.now += 1000;
  const coming = await upload(world, 0);
  await world.tell(5, 0.5);
  expect(left(world, ...held)).toEqual([true, true, true, true, true, false]);
  await collectCheckpoints(world.process(), FOREVER);
  expect(left(world, coming, ...held)).toEqual([true, true, true, true, true, true, false]);
});

test("what a lost attempt uploaded and did not commit goes when another attempt has the trial", async () => {
  const world = await client();
  await askTrials(world.deps, world.study, { worker: "w1" }, noReceipt);
  const saved = await save(world, 0);
  world.clock.now += 1000;
  const lost = await upload(world, 0);
  await collectCheckpoints(world.process(), FOREVER);
  expect(left(world, saved, lost)).toEqual([true, true]);
  world.clock.now += OVER;
  await askTrials(world.deps, world.study, { worker: "w2" }, noReceipt);
  await collectCheckpoints(world.process(), FOREVER);
  expect(left(world, saved, lost)).toEqual([true, false]);
  expect(await world.trial(0)).toMatchObject({ attempt: 2, checkpoint: saved.checkpoint });
});

test("a trial that waits at its rung keeps its checkpoint, and one that was pruned there does not", async () => {
  const world = await memoryWorld({
    executor: batchExecution,
    budget: { trials: 3, parallel: 3 },
    scheduler: { ...halvingScheduler, resource: { name: "epoch", min: 1, max: 3 } },
  });
  await world.start();
  const machine = new Machine(world);
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  const saved = [];
  for (const trial of [0, 1, 2]) {
    world.batch.run(world.batch.of(trial));
    await world.claim(trial);
    saved.push(await save(world, trial));
    await world.tell(trial, trial);
  }
  await collectCheckpoints(world.process(), FOREVER);
  expect(left(world, ...saved)).toEqual([true, true, true]);
  await machine.close(0);
  // Should the best one fail, another takes its place.
  await collectCheckpoints(world.process(), FOREVER);
  expect(left(world, ...saved)).toEqual([true, true, true]);
  machine.send((await machine.open(1)).trials);
  await world.deliver();
  await world.finish(2, 0.5, 2);
  await machine.close(1);
  await collectCheckpoints(world.process(), FOREVER);
  expect(left(world, ...saved)).toEqual([false, false, false]);
});

test("the objects of a study that is gone, or is being deleted, go; what is no checkpoint stays", async () => {
  const world = await client();
  await askTrials(world.deps, world.study, {}, noReceipt);
  await save(world, 0);
  world.checkpoints.keys.add("checkpoints/acme/gone-7k2m/0/1-5-0123456789abcdef");
  world.checkpoints.keys.add("checkpoints/acme/notes.txt");
  await world.deps.store.update(markDeleting(world.study.id));
  await collectCheckpoints(world.process(), FOREVER);
  expect([...world.checkpoints.keys]).toEqual(["checkpoints/acme/notes.txt"]);
});

test("a fault in one study does not keep the checkpoints of the others", async () => {
  const world = await client();
  for (const study of ["aaa", "bbb"])
    world.checkpoints.keys.add(`checkpoints/acme/${study}/0/1-5-0123456789abcdef`);
  const remove = world.checkpoints.remove.bind(world.checkpoints);
  world.checkpoints.remove = (key) =>
    key.includes("/aaa/") ? Promise.reject(new Error("down")) : remove(key);
  await collectCheckpoints(world.process(), FOREVER);
  expect([...world.checkpoints.keys]).toEqual(["checkpoints/acme/aaa/0/1-5-0123456789abcdef"]);
  expect(world.lines).toContainEqual(expect.objectContaining({ event: "follow-up-failed", study: "aaa" }));
});

test("nothing is looked at beyond the deadline", async () => {
  const world = await client();
  world.checkpoints.keys.add("checkpoints/acme/gone-7k2m/0/1-5-0123456789abcdef");
  await collectCheckpoints(world.process(), world.clock.now);
  expect(world.checkpoints.lists).toBe(0);
});

test("the reconciler collects what a crash left, and asks the bucket nothing while nobody uses Hone", async () => {
  const world = await client();
  await askTrials(world.deps, world.study, {}, noReceipt);
  const saved = await save(world, 0);
  // As a tell that died after its commit leaves it.
  const ended = { state: "failed" as const, finished: world.clock.now };
  await world.deps.store.transact([changeTrial(await world.trial(0), ended)]);
  await reconcile(world.process(), FOREVER);
  expect([world.checkpoints.lists, ...left(world, saved)]).toEqual([0, true]);
  await noteChange(world.process(), world.study.id);
  await reconcile(world.process(), FOREVER);
  expect(left(world, saved)).toEqual([false]);
});
