import { expect, test } from "vitest";
import { reconcile } from "../../../../shared/service/repair/reconcile.ts";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { openBatchKey } from "../../../../shared/store/keys.ts";
import { batchWorld, recordedGpuSeconds, type World, worldOn } from "../../../support/batch.ts";
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
  expect(await world.deps.store.get(openBatchKey(world.study.id))).toBeNull();
  expect(await readStudy(world.deps, world.study)).toMatchObject({ state: "finished", started: false });
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

test("what attempts have used is counted once each, whoever ends them, and twice by nobody", async () => {
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
