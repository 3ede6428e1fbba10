import { expect, test } from "vitest";
import { putBack } from "../../../../shared/service/batch/put-back.ts";
import { type World, worldOn } from "../../../support/batch.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";

const { client, tableName } = await createTestTable();

/** Trials 0 and 1 run, trial 2 waits for its job. */
const running = async (): Promise<World> => {
  const world = await worldOn(client, tableName, { budget: { trials: 6, parallel: 3 } });
  await world.start();
  const messages = world.queue.take();
  await world.deliver(messages.slice(0, 2));
  for (const trial of [0, 1]) {
    world.batch.run(world.batch.of(trial));
    await world.claim(trial);
  }
  return world;
};

const states = async ({ snapshot }: World) =>
  (await snapshot()).trials.map(({ state, job }) => [state, job?.phase ?? null]);

test("what is queued and what runs is put back to wait for the next start, and the jobs are ended", async () => {
  const world = await running();
  world.clock.now += 4000;
  expect(await putBack(world.deps, await world.snapshot(), false)).toBe(true);
  expect(await states(world)).toEqual([
    ["queued", null],
    ["queued", null],
    ["queued", null],
  ]);
  expect(world.batch.terminations.map(({ reason }) => reason)).toEqual([
    "hone: study stopped",
    "hone: study stopped",
  ]);
  expect(await world.trial(0)).toMatchObject({
    attempt: 1,
    lost: 0,
    seconds: 4,
    attempts: [{ end: "interrupted" }],
  });
  expect(await world.trial(2)).toMatchObject({ attempt: 1, attempts: [] });
  expect((await world.snapshot()).head.gpuSeconds).toBe(8);
});

test("running trials may drain: only what is queued is put back", async () => {
  const world = await running();
  expect(await putBack(world.deps, await world.snapshot(), true)).toBe(true);
  expect(await states(world)).toEqual([
    ["running", "claimed"],
    ["running", "claimed"],
    ["queued", null],
  ]);
  expect(world.batch.terminations).toEqual([]);
});

test("no more is put back in one call than is allowed, and the answer says that something is left", async () => {
  const world = await running();
  expect(await putBack(world.deps, await world.snapshot(), false, 2)).toBe(false);
  expect((await states(world)).filter(([, phase]) => phase === null)).toHaveLength(2);
  expect(await putBack(world.deps, await world.snapshot(), false, 2)).toBe(true);
  expect(await putBack(world.deps, await world.snapshot(), false, 0)).toBe(true);
});

test("a trial that is told meanwhile keeps its result and its job, and the answer says to look again", async () => {
  const world = await running();
  before(client, TRANSACT, () => world.tell(0, 0.5));
  expect(await putBack(world.deps, await world.snapshot(), false)).toBe(false);
  expect(await world.trial(0)).toMatchObject({ state: "completed", values: { accuracy: 0.5 } });
  expect(world.batch.terminations.map(({ jobId }) => jobId)).toEqual([world.batch.of(1).jobId]);
  expect((await world.snapshot()).head.gpuSeconds).toBe(0);
});

test("a queued attempt that gets its job meanwhile is not put back under it", async () => {
  const world = await running();
  const message = { version: 1, study: world.study.id, trial: 2, attempt: 1 } as const;
  // The first two transactions put the running trials back.
  before(client, TRANSACT, () => world.deliver([message]), 3);
  expect(await putBack(world.deps, await world.snapshot(), false)).toBe(false);
  expect(await world.trial(2)).toMatchObject({ state: "running", job: { phase: "submitted" } });
});

test("a trial whose job becomes known meanwhile is read again, so that the job is ended", async () => {
  const world = await worldOn(client, tableName, { budget: { trials: 1, parallel: 1 } });
  await world.start();
  world.batch.faults = ["unheard"];
  await world.deliver();
  before(client, TRANSACT, () => world.claim(0));
  expect(await putBack(world.deps, await world.snapshot(), false)).toBe(false);
  expect(world.batch.alive()).toHaveLength(1);
  expect(await putBack(world.deps, await world.snapshot(), false)).toBe(true);
  expect(world.batch.alive()).toEqual([]);
});
