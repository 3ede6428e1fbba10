import { expect, test } from "vitest";
import { endRuns } from "../../../../shared/service/batch/end-runs.ts";
import { changeHead } from "../../../../shared/store/head.ts";
import { halvingScheduler, worldOn } from "../../../support/batch.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { Machine } from "../../../support/machine.ts";
import { makeStudy } from "../../../support/service.ts";

const { client, tableName } = await createTestTable();
const launched = async () => {
  const world = await worldOn(client, tableName, { budget: { trials: 3, parallel: 3 } });
  await world.launch();
  return world;
};

test("a study that was never started, or is gone, has nothing to end", async () => {
  const world = await worldOn(client, tableName);
  expect(await endRuns(world.deps, world.study.id)).toBe(true);
  expect(await endRuns(world.deps, (await makeStudy(world.deps)).id)).toBe(true);
  expect(await endRuns(world.deps, "no-such-study")).toBe(true);
  expect(world.batch.terminations).toEqual([]);
});

test("its jobs end and its job definition is given back; repeating it is harmless", async () => {
  const world = await launched();
  for (let i = 0; i < 2; i++) expect(await endRuns(world.deps, world.study.id)).toBe(true);
  expect(world.batch.alive()).toEqual([]);
  expect(world.batch.definitions.size).toBe(0);
  expect(world.batch.terminations[0]?.reason).toBe("hone: study deleted");
});

test("its rounds end, so that nobody waits for an answer", async () => {
  const world = await worldOn(client, tableName, {
    scheduler: halvingScheduler,
    budget: { trials: 3, parallel: 3 },
  });
  await world.start();
  const machine = new Machine(world);
  machine.send((await machine.open(0)).trials);
  expect(await endRuns(world.deps, world.study.id)).toBe(true);
  expect(world.rounds.executions.get(`${world.study.id}-1`)).toBe("ended");
  expect(world.rounds.waiting.size).toBe(0);
});

test("no more jobs end in one call than is allowed, and the job definition stays until all have", async () => {
  const world = await launched();
  expect(await endRuns(world.deps, world.study.id, 2)).toBe(false);
  expect(world.batch.alive()).toHaveLength(1);
  expect(world.batch.definitions.size).toBe(1);
  expect(await endRuns(world.deps, world.study.id)).toBe(true);
});

test("a job whose trial has ended is left to end by itself", async () => {
  const world = await launched();
  await world.tell(0, 0.5);
  await endRuns(world.deps, world.study.id);
  expect(world.batch.terminations.map(({ jobId }) => jobId)).toEqual(
    [1, 2].map((n) => world.batch.of(n).jobId),
  );
});

test("what cannot be ended is left for another call, and logged", async () => {
  const world = await launched();
  world.batch.terminate = () => Promise.reject(new TypeError("down"));
  expect(await endRuns(world.deps, world.study.id)).toBe(false);
  expect(world.lines).toContainEqual({ event: "end-runs-failed", study: world.study.id, error: "TypeError" });
  expect(world.batch.definitions.size).toBe(1);
});

test("a job definition that was retired and not yet deregistered is deregistered", async () => {
  const world = await launched();
  const { head } = await world.snapshot();
  const retired = head.definition;
  await world.deps.store.update(changeHead(head, { definition: "", retired }));
  expect(await endRuns(world.deps, world.study.id)).toBe(true);
  expect(world.batch.definitions.size).toBe(0);
});
