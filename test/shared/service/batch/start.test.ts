import { expect, test } from "vitest";
import { Conflict } from "../../../../shared/errors.ts";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { SETTLED_MS } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { listActiveBatches } from "../../../../shared/store/active-batch.ts";
import { changeHead } from "../../../../shared/store/head.ts";
import { activeBatchKey } from "../../../../shared/store/keys.ts";
import { batchWorld, halvingScheduler, type World } from "../../../support/batch.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { keyed, makeStudy, noReceipt } from "../../../support/service.ts";

/** The reconciler's visits until whatever starts have left behind is cleared away. */
const clearUp = async (world: World): Promise<void> => {
  world.clock.now += SETTLED_MS;
  await world.reconcile();
};

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

test("ten starts at once start once, and in the end there is one job definition", async () => {
  const world = await batchWorld();
  await Promise.all(Array.from({ length: 10 }, () => world.start()));
  const { head } = await world.snapshot();
  expect(head.generation).toBe(1);
  expect(world.queue.messages).toHaveLength(2);
  await clearUp(world);
  expect([...world.batch.definitions]).toEqual([head.definition]);
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

test("a start says which start of the study it is, keeps the job definition, and removes the notice", async () => {
  const world = await batchWorld();
  await world.start();
  await stopStudy(world.deps, world.study, {}, noReceipt);
  const { head } = await world.snapshot();
  await world.deps.store.transact([changeHead(head, { notice: { kind: "rounds-ended" } })]);
  expect(await world.start()).toMatchObject({ started: true, message: null });
  expect((await world.snapshot()).head).toMatchObject({ generation: 2, definition: head.definition });
  expect(world.batch.definitions.size).toBe(1);
});

test("a study whose image Batch refuses is not started", async () => {
  const world = await batchWorld();
  const refusal = new Conflict({ kind: "batch-refuses" });
  const batch = Object.assign(Object.create(world.batch), { register: () => Promise.reject(refusal) });
  await expect(startStudy({ ...world.deps, batch }, world.study, noReceipt)).rejects.toBe(refusal);
  expect((await world.snapshot()).head).toMatchObject({ started: false, generation: 0 });
  expect(await world.deps.store.get(activeBatchKey(world.study.id))).toBeNull();
});

test("a started study is visited by the reconciler", async () => {
  const world = await batchWorld();
  await world.start();
  expect(await listActiveBatches(world.deps.store)).toEqual([{ study: world.study.id, drain: false }]);
});

test("a study in rounds begins with its state machine: one per start, and the one before it ends", async () => {
  const world = await batchWorld({ scheduler: halvingScheduler });
  await world.start();
  await world.start();
  const name = (generation: number) => `${world.study.id}-${generation}`;
  expect([...world.rounds.executions]).toEqual([[name(1), "running"]]);
  expect(world.queue.messages).toEqual([]);
  // Its stop could not reach Step Functions.
  const stop = world.rounds.stop.bind(world.rounds);
  world.rounds.stop = () => Promise.reject(new Error("down"));
  await stopStudy(world.deps, world.study, {}, noReceipt);
  world.rounds.stop = stop;
  await world.start();
  expect([...world.rounds.executions]).toEqual([
    [name(1), "ended"],
    [name(2), "running"],
  ]);
});

test("a start that loses its head to another change starts all the same, once", async () => {
  const world = await batchWorld();
  before(world.client, TRANSACT, () =>
    patchStudy(world.process(), world.study, { budget: { parallel: 1 } }, noReceipt),
  );
  expect(await world.start()).toMatchObject({ started: true, budget: { parallel: 1 } });
  expect(world.batch.definitions.size).toBe(1);
  expect(world.queue.messages).toHaveLength(1);
});

test("a start that is refused on another try leaves no job definition behind in the end", async () => {
  const world = await batchWorld();
  // Paused between the registration and the commit: the plan is stale, and the next one refuses.
  before(world.client, TRANSACT, () =>
    patchStudy(world.process(), world.study, { state: "paused" }, noReceipt),
  );
  await expect(world.start()).rejects.toMatchObject({ type: "study-not-running" });
  await clearUp(world);
  expect(world.batch.definitions.size).toBe(0);
  await patchStudy(world.deps, world.study, { state: "running" }, noReceipt);
  expect(await world.start()).toMatchObject({ started: true });
  expect(world.batch.definitions.size).toBe(1);
});
