import { expect, test } from "vitest";
import { haltChanges, stopStudy } from "../../../../shared/service/batch/stop.ts";
import { heartbeatTrial } from "../../../../shared/service/trials/report.ts";
import { activeBatchKey } from "../../../../shared/store/keys.ts";
import { batchWorld, memoryWorld, type World } from "../../../support/batch.ts";
import { before } from "../../../support/interleave.ts";
import { keyed, makeStudy, noReceipt } from "../../../support/service.ts";
import { headOf } from "../../../support/study.ts";

const stop = (world: World, drain = false) => stopStudy(world.deps, world.study, { drain }, noReceipt);

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

test("a study that was never started is stopped without a change", async () => {
  const world = await batchWorld();
  const { head } = await world.snapshot();
  expect(await stop(world)).toMatchObject({ started: false });
  expect((await world.snapshot()).head).toEqual(head);
  expect(await world.deps.store.get(activeBatchKey(world.study.id))).toBeNull();
});

test("the same stop with its key stops once", async () => {
  const world = await batchWorld();
  await world.start();
  const first = await stopStudy(world.deps, world.study, {}, keyed("stop"));
  await world.start();
  expect(await stopStudy(world.deps, world.study, {}, keyed("stop"))).toEqual(first);
  expect((await world.snapshot()).head).toMatchObject({ started: true, generation: 2 });
});

test("a stop after one that lets trials drain ends them", async () => {
  const world = await batchWorld();
  await world.launch();
  await stop(world, true);
  expect(world.batch.alive()).toHaveLength(2);
  await stop(world);
  expect(world.batch.alive()).toEqual([]);
  expect(await world.trial(0)).toMatchObject({ state: "queued", job: null });
});

test("a study that is started again while its stop unwinds keeps its trials", async () => {
  const world = await batchWorld();
  await world.start();
  // The first query plans the stop, the second reads what is to be put back.
  before(world.client, "QueryCommand", () => world.start(), 2);
  await stop(world);
  expect((await world.snapshot()).head).toMatchObject({ started: true, generation: 2 });
  expect(await world.trial(0)).toMatchObject({ state: "queued", job: { phase: "queued" } });
});

test("the clients of a study are not stopped", async () => {
  const world = await batchWorld();
  const client = await makeStudy(world.deps);
  await expect(stopStudy(world.deps, client, {}, noReceipt)).rejects.toMatchObject({
    type: "wrong-executor",
    facts: { kind: "stop-of-client" },
  });
});

test("a halt records what happens to running trials, and a notice; a study that was never started is not changed", async () => {
  const { study } = await memoryWorld();
  expect(haltChanges(study, headOf({ generation: 0 }), true)).toEqual([]);
  const [head, active] = haltChanges(study, headOf({ generation: 3, rev: 5, started: true }), true, {
    kind: "rounds-ended",
  });
  expect(head).toMatchObject({
    update: { set: { started: false, rev: 6, notice: '{"kind":"rounds-ended"}' } },
    when: { values: { rev: 5 } },
  });
  expect(active).toMatchObject({ put: { drain: true } });
});
