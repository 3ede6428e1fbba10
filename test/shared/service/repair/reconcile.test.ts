import { expect, test } from "vitest";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { reconcile } from "../../../../shared/service/repair/reconcile.ts";
import { deleteStudy, SETTLED_MS } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { activateBatch, listActiveBatches } from "../../../../shared/store/active-batch.ts";
import { switchDispatch } from "../../../../shared/store/dispatch-switch.ts";
import { activeBatchKey } from "../../../../shared/store/keys.ts";
import { batchWorld, recordedGpuSeconds, type World, worldOn } from "../../../support/batch.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { noReceipt } from "../../../support/service.ts";

const running = async (change: Parameters<typeof batchWorld>[0] = {}): Promise<World> => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 }, ...change });
  await world.launch();
  return world;
};

test("when all trials are over the study is closed and its job definition given back", async () => {
  const world = await running();
  await world.finish(0, 0.5);
  await world.reconcile();
  expect(world.batch.definitions.size).toBe(0);
  expect(await world.deps.store.get(activeBatchKey(world.study.id))).toBeNull();
  expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "finished", started: false });
});

test("a job definition that could not be deregistered is at the next visit, also when the study ran on meanwhile", async () => {
  const world = await running();
  await world.finish(0, 0.5);
  const deregister = world.batch.deregister.bind(world.batch);
  world.batch.deregister = () => Promise.reject(new Error("died"));
  await world.reconcile();
  world.batch.deregister = deregister;
  const [retired] = world.batch.definitions;
  expect(retired).toBeDefined();
  await patchStudy(world.deps, world.study, { budget: { trials: 2 } }, noReceipt);
  await world.start();
  expect((await world.snapshot()).head.definition).not.toBe(retired);
  await world.deliver();
  await world.finish(1, 0.6);
  await world.reconcile();
  await world.reconcile();
  expect(world.batch.definitions.size).toBe(0);
  expect(await world.deps.store.get(activeBatchKey(world.study.id))).toBeNull();
});

test("a study that is deleted while its jobs run leaves no job, no definition and no item behind", async () => {
  const world = await batchWorld({ budget: { trials: 3, parallel: 3 } });
  await world.start();
  world.batch.faults = ["unheard"];
  await world.deliver();
  await deleteStudy(world.deps, world.study, noReceipt);
  // The job whose id was never heard is found by its name.
  expect(world.batch.alive()).toHaveLength(1);
  await world.reconcile();
  expect(world.batch.alive()).toHaveLength(0);
  expect(world.batch.definitions.size).toBe(0);
  world.clock.now += SETTLED_MS;
  await world.reconcile();
  expect(await world.deps.store.query(`STUDY#${world.study.id}`, " ", "~")).toEqual([]);
  expect(await world.deps.store.query("OPEN", " ", "~")).toEqual([]);
});

test("one study's fault does not keep the others from being repaired", async () => {
  const world = await running();
  const other = await worldOn(world.client, world.tableName, {
    name: "other",
    budget: { trials: 1, parallel: 1 },
  });
  await other.launch();
  other.batch.fail(other.batch.of(0), { exitCode: 9 });
  // `world`'s Batch knows nothing of the other study's job and breaks on its own.
  const describe = other.batch.describe.bind(other.batch);
  other.batch.describe = async (ids) => {
    if (ids.includes(world.batch.of(0).jobId)) throw new Error("broken");
    return describe(ids);
  };
  for (let i = 0; i < 3; i++) await other.reconcile();
  expect(await other.trial(0)).toMatchObject({ state: "failed", reason: "exit code 9" });
  expect(other.lines).toContainEqual(
    expect.objectContaining({ event: "reconcile-failed", study: world.study.id }),
  );
});

test("past its deadline the reconciler begins nothing", async () => {
  const world = await running();
  world.batch.fail(world.batch.of(0), { exitCode: 9 });
  await reconcile(world.deps, world.clock.now);
  expect(await world.trial(0)).toMatchObject({ state: "running" });
});

test("what each attempt has used is counted once, whoever ends it", async () => {
  const world = await batchWorld({ budget: { trials: 4, parallel: 4 } });
  await world.launch();
  world.clock.now += 10_500;
  await world.tell(0, 0.5);
  await world.tell(0, 0.5);
  await world.settle(world.batch.succeed(world.batch.of(0)));
  world.clock.now += 10_000;
  const gone = world.batch.fail(world.batch.of(1), { statusReason: "Host EC2 (instance i-1) terminated." });
  await Promise.all([world.settle(gone), world.settle(gone)]);
  const failed = world.batch.fail(world.batch.of(2), { exitCode: 2 });
  await Promise.all([world.settle(failed), world.reconcile()]);
  world.clock.now += 40_000;
  await world.reconcile(); // trial 3 has expired
  const { head, trials } = await world.snapshot();
  expect(head.gpuSeconds).toBe(11 + 21 + 21 + 61);
  expect(head.vcpuSeconds).toBe(2 * head.gpuSeconds);
  expect(recordedGpuSeconds(world.study, trials)).toBe(head.gpuSeconds);
});

test("what it did is logged: how many studies it had to visit, how many it did, and the faults", async () => {
  const world = await running();
  await world.reconcile();
  expect(world.lines).toContainEqual({ event: "reconciled", tasks: 1, done: 1, faults: 0 });
  world.batch.describe = () => Promise.reject(new Error("down"));
  await world.reconcile();
  expect(world.lines).toContainEqual({ event: "reconciled", tasks: 1, done: 1, faults: 1 });
});

test("each time it begins with another study, so that all get their turn before the deadline", async () => {
  const one = await running({ name: "aaa" });
  const two = await worldOn(one.client, one.tableName, { name: "bbb", budget: { trials: 1, parallel: 1 } });
  await two.launch();
  const visited: (string | undefined)[] = [];
  for (const random of [0, 255]) {
    const deadline = one.clock.now + 1000;
    const describe = async (ids: readonly string[]) => {
      visited.push(ids[0]);
      one.clock.now = deadline;
      return [];
    };
    const batch = Object.assign(Object.create(one.batch), { describe });
    await reconcile(
      { ...one.deps, batch, randomBytes: (count) => new Uint8Array(count).fill(random) },
      deadline,
    );
  }
  expect(visited).toEqual([one.batch.of(0).jobId, two.batch.of(0).jobId]);
});

test("while dispatching is switched off it ends what ended, and sends nothing", async () => {
  const world = await running({ budget: { trials: 3, parallel: 2 } });
  await world.deps.store.transact([switchDispatch(false)]);
  world.batch.fail(world.batch.of(0), { exitCode: 9 });
  world.queue.take();
  world.clock.now += 30_000;
  await world.reconcile();
  expect(await world.trial(0)).toMatchObject({ state: "failed" });
  world.queue.take();
  world.clock.now += 61_000;
  await world.claim(1);
  await world.reconcile();
  expect(world.queue.messages).toEqual([]);
});

test("a study of which nothing is left is visited no more", async () => {
  const world = await batchWorld();
  await world.deps.store.transact([activateBatch("no-such-study")]);
  await world.reconcile();
  expect(await listActiveBatches(world.deps.store)).toEqual([]);
});

test("a stopped study is visited until its trials are put back, and keeps its job definition", async () => {
  const world = await running();
  const terminate = world.batch.terminate.bind(world.batch);
  world.batch.terminate = () => Promise.reject(new Error("down"));
  await stopStudy(world.deps, world.study, {}, noReceipt);
  world.batch.terminate = terminate;
  // Its job is ended, its end is charged, and then nothing is left of it.
  for (let visit = 0; visit < 3; visit++) await world.reconcile();
  expect(world.batch.alive()).toEqual([]);
  expect(await listActiveBatches(world.deps.store)).toEqual([]);
  expect(world.batch.definitions.size).toBe(1);
});

test("a finished study that is extended while it is being closed goes on", async () => {
  const world = await running();
  await world.finish(0, 0.5);
  before(world.client, TRANSACT, () =>
    patchStudy(world.process(), world.study, { budget: { trials: 2 } }, noReceipt),
  );
  await world.reconcile();
  expect((await world.snapshot()).head).toMatchObject({ started: true, trials: 2 });
  expect(world.batch.definitions.size).toBe(1);
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([1]);
});
