import { expect, test } from "vitest";
import { Conflict } from "../../../../shared/errors.ts";
import type { CreateSweepBody, Firing } from "../../../../shared/schemas/sweep.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { listStudies } from "../../../../shared/service/studies/list.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { createSweep } from "../../../../shared/service/sweeps/create.ts";
import { deleteSweep } from "../../../../shared/service/sweeps/delete.ts";
import { patchSweep } from "../../../../shared/service/sweeps/patch.ts";
import { listFirings, readSweep } from "../../../../shared/service/sweeps/read.ts";
import { runSweep } from "../../../../shared/service/sweeps/run.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { teamKey, teamMinuteKey } from "../../../../shared/store/keys.ts";
import { MAX_CREATIONS_A_MINUTE, MAX_STUDIES, MINUTE_MS } from "../../../../shared/store/team.ts";
import { batchExecution, type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { noReceipt, studyBody, TEAM } from "../../../support/service.ts";

/** What firings of a sweep come to. The table is in this process, the schedules and the queue in memory. */

const template = studyBody({ name: "fired", budget: { trials: 2, parallel: 2 } });

const make = async (world: MemoryWorld, change: Partial<CreateSweepBody> = {}): Promise<string> => {
  const body = { name: "nightly", schedule: { rate: { hours: 1 } }, template, ...change };
  return (await createSweep(world.process(), TEAM, body, noReceipt)).sweep;
};

/** The schedule delivers a firing, an hour after the one before. @returns the messages that come back. */
const fire = (world: MemoryWorld, sweep: string): Promise<number[]> => {
  world.clock.now += 3_600_000;
  return world.sweep([world.schedules.message(sweep, world.clock.now)]);
};

const firings = async (world: MemoryWorld, sweep: string): Promise<Firing[]> =>
  (await listFirings(world.process(), TEAM, sweep, {})).firings;
const fired = async (world: MemoryWorld): Promise<string[]> =>
  (await listStudies(world.process(), TEAM, { limit: 1000 })).studies
    .filter(({ name, state }) => name === "fired" && state !== "deleting")
    .map(({ study }) => study);

/** A client runs all trials of a study. */
const finish = async (world: MemoryWorld, id: string, values: (number: number) => number = (n) => n / 10) => {
  const deps = world.process();
  const study = await loadStudy(deps, TEAM, id);
  const { trials } = await askTrials(deps, study, { count: 10 }, noReceipt);
  for (const { number, attempt } of trials) {
    await tellTrial(deps, study, number, { attempt, values: { accuracy: values(number) } }, noReceipt);
  }
};

test("four hundred firings, each delivered twice at once: four hundred studies", async () => {
  const world = await memoryWorld({ executor: { type: "client" } });
  const sweep = await make(world, { overlap: "replace", template: { ...template, budget: { trials: 1 } } });
  for (let i = 0; i < 400; i++) {
    world.clock.now += 3_600_000;
    const message = world.schedules.message(sweep, world.clock.now);
    expect(await world.sweep([message, message])).toEqual([]);
    // And once more, late.
    if (i % 40 === 0) await world.sweep([message]);
  }
  expect(await readSweep(world.process(), TEAM, sweep)).toMatchObject({ firings: { count: 400 } });
  const studies = await fired(world);
  expect([studies.length, new Set(studies).size]).toEqual([400, 400]);
  expect(await world.deps.store.get(teamKey(TEAM))).toMatchObject({ studies: 401 });
}, 120_000);

test("of firings that come at the same moment, by hand too, one creates its study and the others find it", async () => {
  for (let round = 0; round < 10; round++) {
    const world = await memoryWorld({}, round);
    const sweep = await make(world);
    const hours = [1, 2, 3].map((n) => world.clock.now + n * 3_600_000);
    await Promise.all([
      world.sweep(hours.map((at) => world.schedules.message(sweep, at))),
      runSweep(world.process(), TEAM, sweep, noReceipt),
    ]);
    const outcomes = (await firings(world, sweep)).map(({ outcome }) => outcome);
    expect(outcomes.sort()).toEqual(["created", "skipped", "skipped", "skipped"]);
    expect(await fired(world)).toHaveLength(1);
    expect(await readSweep(world.process(), TEAM, sweep)).toMatchObject({ firings: { count: 4 } });
  }
});

test("a firing while an earlier study is not finished is skipped, and says which", async () => {
  const world = await memoryWorld();
  const sweep = await make(world);
  await fire(world, sweep);
  await fire(world, sweep);
  const [first = ""] = await fired(world);
  expect(await firings(world, sweep)).toMatchObject([
    { outcome: "skipped", study: null, reason: expect.stringContaining(first) },
    { outcome: "created", study: first, state: "running", reason: null },
  ]);
  await finish(world, first);
  await fire(world, sweep);
  expect(await firings(world, sweep)).toMatchObject([
    { outcome: "created", state: "running" },
    { outcome: "skipped" },
    { state: "finished", trials: { completed: 2 }, best: { number: 1, values: { accuracy: 0.1 } } },
  ]);
});

test("a study that was deleted holds no firing up", async () => {
  const world = await memoryWorld();
  const sweep = await make(world);
  await fire(world, sweep);
  const [first = ""] = await fired(world);
  await deleteStudy(world.process(), await loadStudy(world.process(), TEAM, first), noReceipt);
  await fire(world, sweep);
  expect(await firings(world, sweep)).toMatchObject([
    { outcome: "created" },
    { outcome: "created", study: first, state: "deleted", trials: null, best: null },
  ]);
});

test("one firing waits and gets its study when the earlier one is finished; those after it are skipped", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { overlap: "queue" });
  for (let i = 0; i < 3; i++) await fire(world, sweep);
  const [first = ""] = await fired(world);
  expect((await firings(world, sweep)).map(({ outcome }) => outcome)).toEqual([
    "skipped",
    "queued",
    "created",
  ]);
  await world.reconcile();
  expect(await fired(world)).toEqual([first]);
  await finish(world, first);
  // While it is paused it waits on.
  await patchSweep(world.process(), TEAM, sweep, { state: "paused" }, noReceipt);
  await world.reconcile();
  expect(await fired(world)).toEqual([first]);
  await patchSweep(world.process(), TEAM, sweep, { state: "active" }, noReceipt);
  await world.reconcile();
  const [skipped, released] = await firings(world, sweep);
  expect(skipped).toMatchObject({ outcome: "skipped" });
  expect(released).toMatchObject({ outcome: "created", state: "running", reason: null });
  expect(await fired(world)).toHaveLength(2);
});

test("an earlier study is stopped and replaced", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { overlap: "replace" });
  await fire(world, sweep);
  const [first = ""] = await fired(world);
  await fire(world, sweep);
  expect(await firings(world, sweep)).toMatchObject([
    { outcome: "replaced", state: "running", reason: expect.stringContaining(first) },
    { outcome: "created", state: "paused" },
  ]);
});

test("an earlier study goes on when the one that would replace it is refused", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { overlap: "replace" });
  await fire(world, sweep);
  const [first = ""] = await fired(world);
  const state = async () =>
    (await readStudy(world.process(), await loadStudy(world.process(), TEAM, first))).state;
  const { store } = world.deps;
  world.clock.now += 3_600_000;
  const message = world.schedules.message(sweep, world.clock.now);
  const minute = teamMinuteKey(TEAM, Math.floor(world.clock.now / MINUTE_MS));
  await store.transact([{ name: "minute", key: minute, put: { creations: MAX_CREATIONS_A_MINUTE } }]);
  expect([await world.sweep([message]), await state()]).toEqual([[0], "running"]);
  world.clock.now += MINUTE_MS;
  await store.update({ name: "team", key: teamKey(TEAM), update: { set: { studies: MAX_STUDIES } } });
  expect([await world.sweep([message]), await state()]).toEqual([[], "running"]);
  expect((await firings(world, sweep)).map(({ outcome }) => outcome)).toEqual(["failed", "created"]);
  await store.update({ name: "team", key: teamKey(TEAM), update: { set: { studies: 2 } } });
  await fire(world, sweep);
  expect(await state()).toBe("paused");
});

test("by hand a paused sweep fires although one waits, while nothing runs; that one keeps its turn", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { overlap: "queue" });
  for (let i = 0; i < 2; i++) await fire(world, sweep);
  const deps = world.process();
  const [first = ""] = await fired(world);
  await patchSweep(deps, TEAM, sweep, { state: "paused" }, noReceipt);
  expect(await runSweep(deps, TEAM, sweep, noReceipt)).toMatchObject({ outcome: "skipped" });
  await finish(world, first);
  world.clock.now += 1000;
  const byHand = await runSweep(deps, TEAM, sweep, noReceipt);
  expect(byHand).toMatchObject({ outcome: "created", state: "running" });
  await patchSweep(deps, TEAM, sweep, { state: "active" }, noReceipt);
  await world.sweep();
  expect(await fired(world)).toHaveLength(2);
  await finish(world, byHand.study ?? "");
  await world.sweep();
  expect((await firings(world, sweep)).map(({ outcome }) => outcome)).toEqual([
    "created",
    "skipped",
    "created",
    "created",
  ]);
  expect(await fired(world)).toHaveLength(3);
});

test("a batch study is started, its firing fails if Batch refuses it for good, and the next one does not wait", async () => {
  const world = await memoryWorld();
  const batch = { ...template, executor: batchExecution };
  const sweep = await make(world, { template: batch });
  await fire(world, sweep);
  const [first = ""] = await fired(world);
  expect(await readStudy(world.process(), await loadStudy(world.process(), TEAM, first))).toMatchObject({
    started: true,
    sweep,
  });

  const other = await make(world, { name: "refused", template: { ...batch, name: "refused" } });
  world.batch.register = async () => {
    throw new Conflict({ kind: "batch-refuses" });
  };
  await fire(world, other);
  const [refused] = await firings(world, other);
  expect(refused).toMatchObject({ outcome: "failed", state: "ready" });
  expect(refused?.reason).toContain("AWS Batch refuses");
  expect(await readSweep(world.process(), TEAM, other)).toMatchObject({
    message: expect.stringContaining("AWS Batch refuses"),
  });
  await fire(world, other);
  expect(await firings(world, other)).toMatchObject([{ outcome: "failed" }, { outcome: "failed" }]);
});

test("a study begins with those of the last firings that came to something, and of the same objective", async () => {
  const world = await memoryWorld();
  const warm = { ...template, algorithm: { name: "tpe", seed: 1 } } as const;
  const sweep = await make(world, { template: warm, warmStart: { last: 2 } });
  const studies: string[] = [];
  for (let i = 0; i < 4; i++) {
    await fire(world, sweep);
    const [{ study = "" } = {}] = await firings(world, sweep);
    studies.unshift(study ?? "");
    await finish(world, study ?? "");
  }
  const [last = "", ...earlier] = studies;
  const shown = await readStudy(world.process(), await loadStudy(world.process(), TEAM, last));
  expect(shown.warmStart?.studies.map(({ study }) => study)).toEqual(earlier.slice(0, 2));
  expect(shown.warmStart?.studies).toMatchObject([{ used: 2 }, { used: 2 }]);

  // Those of the former template say nothing of what the new one looks for.
  const objectives = [{ metric: "loss", direction: "minimize" as const }];
  await patchSweep(world.process(), TEAM, sweep, { template: { ...warm, objectives } }, noReceipt);
  await fire(world, sweep);
  const [{ study: cold = "", outcome } = {}] = await firings(world, sweep);
  expect(outcome).toBe("created");
  const without = await readStudy(world.process(), await loadStudy(world.process(), TEAM, cold ?? ""));
  expect(without.warmStart).toBeUndefined();
});

test("finished studies beyond those that are kept are deleted, and what they came to stays", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { keep: 2 });
  for (let i = 0; i < 5; i++) {
    await fire(world, sweep);
    await finish(world, (await firings(world, sweep))[0]?.study ?? "", (number) => i + number / 10);
  }
  await fire(world, sweep);
  const states = await firings(world, sweep);
  expect(states.map(({ state }) => state)).toEqual([
    "running",
    "finished",
    "deleted",
    "deleted",
    "deleted",
    "deleted",
  ]);
  expect(states.slice(1).map(({ best }) => best?.values.accuracy)).toEqual([4.1, 3.1, 2.1, 1.1, 0.1]);
  expect(await fired(world)).toHaveLength(2);
});

test("studies that were replaced are deleted too, but not one that somebody has resumed", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { keep: 1, overlap: "replace" });
  for (let i = 0; i < 3; i++) await fire(world, sweep);
  const [, second] = await firings(world, sweep);
  expect(second).toMatchObject({ state: "deleted", trials: { completed: 0 } });
  await patchSweep(world.process(), TEAM, sweep, { keep: 2 }, noReceipt);
  await fire(world, sweep);
  const [, third] = await firings(world, sweep);
  const resumed = await loadStudy(world.process(), TEAM, third?.study ?? "");
  await patchStudy(world.process(), resumed, { state: "running" }, noReceipt);
  for (let i = 0; i < 2; i++) await fire(world, sweep);
  expect((await firings(world, sweep)).map(({ state }) => state)).toEqual([
    "running",
    "paused",
    "deleted",
    "running",
    "deleted",
    "deleted",
  ]);
});

test("what is delivered after a pause, of an earlier schedule, or of a deleted sweep comes to nothing", async () => {
  const world = await memoryWorld();
  const sweep = await make(world);
  const early = world.schedules.message(sweep, world.clock.now + 3_600_000);
  await patchSweep(world.process(), TEAM, sweep, { state: "paused" }, noReceipt);
  const paused = world.schedules.message(sweep, world.clock.now + 3_600_000);
  await world.sweep([early, paused]);
  await patchSweep(world.process(), TEAM, sweep, { state: "active" }, noReceipt);
  await world.sweep([early, paused]);
  expect(await firings(world, sweep)).toEqual([]);
  await fire(world, sweep);
  const late = world.schedules.message(sweep, world.clock.now + 3_600_000);
  await deleteSweep(world.process(), TEAM, sweep, noReceipt);
  expect(await world.sweep([late, { ...late, sweep: "never-there-abcdef" }])).toEqual([]);
  expect(await fired(world)).toHaveLength(1);
});

test("where the scheduler puts in no time, a message is the last firing that was due", async () => {
  const world = await memoryWorld();
  const since = world.clock.now;
  const sweep = await make(world);
  const message = world.schedules.message(sweep, 0, false);
  expect(await world.sweep([message])).toEqual([]);
  expect(await firings(world, sweep)).toEqual([]);
  for (const late of [12_000, 12_000, 59 * 60_000]) {
    world.clock.now = since + 3_600_000 + late;
    await world.sweep([message]);
  }
  expect((await firings(world, sweep)).map(({ firing }) => Date.parse(firing))).toEqual([since + 3_600_000]);
});

test("a firing that meets a limit of the minute comes again, one that meets the team's cap has failed", async () => {
  const world = await memoryWorld();
  const sweep = await make(world);
  const { store } = world.deps;
  world.clock.now += 3_600_000;
  const message = world.schedules.message(sweep, world.clock.now);
  const minute = teamMinuteKey(TEAM, Math.floor(world.clock.now / MINUTE_MS));
  await store.transact([{ name: "minute", key: minute, put: { creations: MAX_CREATIONS_A_MINUTE } }]);
  expect(await world.sweep([message])).toEqual([0]);
  expect(await firings(world, sweep)).toEqual([]);
  await expect(runSweep(world.process(), TEAM, sweep, noReceipt)).rejects.toThrow("per minute");
  world.clock.now += MINUTE_MS;
  await store.transact([{ name: "team", key: teamKey(TEAM), update: { set: { studies: MAX_STUDIES } } }]);
  expect(await world.sweep([message])).toEqual([]);
  const [failed] = await firings(world, sweep);
  expect(failed).toMatchObject({ outcome: "failed", study: null });
  expect(failed?.reason).toContain(`at most ${MAX_STUDIES} studies`);
});

test("two firings by hand in the same millisecond are two", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { state: "paused" });
  const one = await runSweep(world.process(), TEAM, sweep, noReceipt);
  const other = await runSweep(world.process(), TEAM, sweep, noReceipt);
  expect([one.outcome, other.outcome]).toEqual(["created", "skipped"]);
  expect(Date.parse(other.firing) - Date.parse(one.firing)).toBe(1);
});

test("the id of a study by hand is another than that of the schedule's firing of the same second", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { overlap: "replace", name: "n".repeat(63) });
  await fire(world, sweep);
  const byHand = await runSweep(world.process(), TEAM, sweep, noReceipt);
  const [first = "", second = ""] = (await firings(world, sweep)).map(({ study }) => study);
  expect(byHand.study).toBe(first);
  expect([first?.length, second?.length]).toEqual([63, 59]);
});

test("a faulty message comes back and holds no other up", async () => {
  const world = await memoryWorld();
  const sweep = await make(world);
  world.clock.now += 3_600_000;
  const good = world.schedules.message(sweep, world.clock.now);
  const again = await world.sweep([{ version: 2 } as never, good, { ...good, extra: "x" } as never]);
  expect(again).toEqual([0, 2]);
  expect(await firings(world, sweep)).toHaveLength(1);
});
