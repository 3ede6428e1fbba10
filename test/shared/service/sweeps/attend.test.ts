import { expect, test } from "vitest";
import type { CreateSweepBody, Firing } from "../../../../shared/schemas/sweep.ts";
import { createTeam } from "../../../../shared/service/access/teams.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { createStudy } from "../../../../shared/service/studies/create.ts";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { createSweep } from "../../../../shared/service/sweeps/create.ts";
import { deleteSweep } from "../../../../shared/service/sweeps/delete.ts";
import { lastDue, nextDue } from "../../../../shared/service/sweeps/due.ts";
import { fireScheduled } from "../../../../shared/service/sweeps/fire.ts";
import { patchSweep } from "../../../../shared/service/sweeps/patch.ts";
import { listFirings, readSweep } from "../../../../shared/service/sweeps/read.ts";
import { runSweep } from "../../../../shared/service/sweeps/run.ts";
import { markTeamDeleted } from "../../../../shared/service/teams/delete.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { findFiring } from "../../../../shared/store/firing.ts";
import { teamKey, teamMinuteKey } from "../../../../shared/store/keys.ts";
import { findNote, findSweep } from "../../../../shared/store/sweep.ts";
import { MAX_CREATIONS_A_MINUTE, MAX_STUDIES, MINUTE_MS } from "../../../../shared/store/team.ts";
import { batchExecution, type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { before } from "../../../support/interleave.ts";
import { noReceipt, studyBody, TEAM } from "../../../support/service.ts";

/** What is left to do of sweeps, and what others do to their studies meanwhile. */

const HOUR = 3_600_000;
const template = studyBody({ name: "fired", budget: { trials: 1, parallel: 1 } });
const batch = { ...template, executor: batchExecution, budget: { trials: 2, parallel: 1 } };

const make = async (world: MemoryWorld, change: Partial<CreateSweepBody> = {}): Promise<string> => {
  const body = { name: "nightly", schedule: { rate: { hours: 1 } }, template, ...change };
  return (await createSweep(world.process(), TEAM, body, noReceipt)).sweep;
};
const fire = (world: MemoryWorld, sweep: string): Promise<number[]> => {
  world.clock.now += HOUR;
  return world.sweep([world.schedules.message(sweep, world.clock.now)]);
};
const firings = async (world: MemoryWorld, sweep: string, limit = 50): Promise<Firing[]> =>
  (await listFirings(world.process(), TEAM, sweep, { limit })).firings;
const studyOf = async (world: MemoryWorld, firing: Firing | undefined) =>
  loadStudy(world.process(), TEAM, firing?.study ?? "");
const finish = async (world: MemoryWorld, firing: Firing | undefined): Promise<void> => {
  const deps = world.process();
  const study = await studyOf(world, firing);
  await askTrials(deps, study, { count: 1 }, noReceipt);
  await tellTrial(deps, study, 0, { attempt: 1, values: { accuracy: 0.5 } }, noReceipt);
};

test("a study whose last worker has died holds no firing up", async () => {
  const world = await memoryWorld();
  const lease = { seconds: 60, maxAttempts: 1 };
  const sweep = await make(world, { template: { ...template, lease } });
  await fire(world, sweep);
  const [first] = await firings(world, sweep);
  await askTrials(world.process(), await studyOf(world, first), { count: 1 }, noReceipt);
  world.clock.now += 61_000;
  expect(await firings(world, sweep)).toMatchObject([{ state: "finished", trials: { failed: 1 } }]);
  await fire(world, sweep);
  expect(await firings(world, sweep)).toMatchObject([{ outcome: "created" }, { study: first?.study }]);
});

test("a firing that waits for a study whose last worker has died gets its own, for which the next one waits", async () => {
  const world = await memoryWorld();
  const lease = { seconds: 60, maxAttempts: 1 };
  const sweep = await make(world, { overlap: "queue", template: { ...template, lease } });
  await fire(world, sweep);
  await fire(world, sweep);
  const [waiting, first] = await firings(world, sweep);
  expect(waiting).toMatchObject({ outcome: "queued", reason: expect.stringContaining(first?.study ?? "-") });
  await askTrials(world.process(), await studyOf(world, first), { count: 1 }, noReceipt);
  world.clock.now += 61_000;
  await world.sweep();
  await fire(world, sweep);
  expect(await firings(world, sweep)).toMatchObject([
    { outcome: "queued" },
    { outcome: "created", state: "running", reason: null },
    { state: "finished" },
  ]);
  expect(await readSweep(world.process(), TEAM, sweep)).toMatchObject({ firings: { count: 3 } });
});

test("a firing that waits is refused like any other, and holds none up then", async () => {
  const world = await memoryWorld();
  const earlier = await createStudy(world.process(), TEAM, studyBody({ name: "earlier" }), noReceipt);
  const warm = {
    ...template,
    algorithm: { name: "tpe" },
    warmStart: { studies: [{ study: earlier.study }] },
  };
  const sweep = await make(world, { overlap: "queue", template: warm as CreateSweepBody["template"] });
  await fire(world, sweep);
  await fire(world, sweep);
  await finish(world, (await firings(world, sweep))[1]);
  await deleteStudy(world.process(), await loadStudy(world.process(), TEAM, earlier.study), noReceipt);
  await world.sweep();
  const [refused] = await firings(world, sweep);
  expect(refused).toMatchObject({ outcome: "failed", study: null });
  expect(refused?.reason).toContain(earlier.study);
  await fire(world, sweep);
  expect(await firings(world, sweep)).toMatchObject([{ outcome: "failed" }, { outcome: "failed" }, {}]);
  expect(await readSweep(world.process(), TEAM, sweep)).toMatchObject({ firings: { count: 3 } });
  expect(await findSweep(world.deps.store, sweep)).toMatchObject({ queued: null });
});

test("a firing that waits has failed when the team has no room for a study", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { overlap: "queue" });
  await fire(world, sweep);
  await fire(world, sweep);
  await finish(world, (await firings(world, sweep))[1]);
  const minute = teamMinuteKey(TEAM, Math.floor(world.clock.now / MINUTE_MS));
  const busy = { name: "minute", key: minute, put: { creations: MAX_CREATIONS_A_MINUTE } };
  await world.deps.store.transact([busy]);
  await world.sweep();
  expect((await firings(world, sweep))[0]).toMatchObject({ outcome: "queued" });
  world.clock.now += MINUTE_MS;
  const full = { name: "team", key: teamKey(TEAM), update: { set: { studies: MAX_STUDIES } } };
  await world.deps.store.update(full);
  await world.sweep();
  expect((await firings(world, sweep))[0]?.reason).toContain(`at most ${MAX_STUDIES} studies`);
});

test("a firing of a team that is being deleted comes to nothing, and not again", async () => {
  const world = await memoryWorld();
  await createTeam(world.deps, TEAM);
  const sweep = await make(world);
  const message = world.schedules.message(sweep, world.clock.now + HOUR);
  await markTeamDeleted(world.process(), TEAM, TEAM, noReceipt);
  expect(await world.sweep([message])).toEqual([]);
  expect(await firings(world, sweep)).toEqual([]);
});

test("a firing that comes late is the one that was due, whatever is due by now", async () => {
  const world = await memoryWorld();
  const sweep = await make(world);
  const due = world.clock.now + HOUR;
  const message = world.schedules.message(sweep, due);
  world.clock.now += 3 * HOUR + 1234;
  await world.sweep([message]);
  const [firing] = await firings(world, sweep);
  expect([Date.parse(firing?.firing ?? ""), Date.parse(firing?.at ?? "")]).toEqual([due, world.clock.now]);
  expect(await readSweep(world.process(), TEAM, sweep)).toMatchObject({ firings: { count: 1 } });
});

test("the first firing that passed before EventBridge Scheduler knew of it is made up for, once; later ones are its own", async () => {
  const world = await memoryWorld();
  world.schedules.fault = new Error("away");
  const sweep = await make(world, { overlap: "replace" });
  const first = world.clock.now + HOUR;
  world.schedules.fault = null;
  world.clock.now = first + 2 * HOUR + 1000;
  const known = async () => (await firings(world, sweep)).map(({ firing }) => Date.parse(firing));
  await world.sweep();
  expect(await known()).toEqual([first]);
  await world.sweep();
  // Should it have been delivered all the same, it is known.
  await world.sweep([world.schedules.message(sweep, first)]);
  expect(await known()).toEqual([first]);
});

test("a batch study is started once, and stays as people have left it", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { template: batch });
  await fire(world, sweep);
  const [firing] = await firings(world, sweep);
  const study = await studyOf(world, firing);
  expect([...world.batch.definitions].filter((name) => name.includes(study.id))).toHaveLength(1);
  await stopStudy(world.process(), study, {}, noReceipt);
  await world.sweep();
  expect(await readStudy(world.process(), study)).toMatchObject({ state: "ready", started: false });

  // One that was paused before it could be started is not started.
  world.batch.register = async () => {
    throw new Error("Batch is away");
  };
  const other = await make(world, { name: "paused", template: batch });
  expect(await fire(world, other)).toEqual([0]);
  const [waiting] = await firings(world, other);
  const held = await studyOf(world, waiting);
  await patchStudy(world.process(), held, { state: "paused" }, noReceipt);
  await world.sweep();
  expect(await readStudy(world.process(), held)).toMatchObject({ state: "paused", started: false });
});

test("a batch study that is replaced is stopped and paused, before it was started too", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { template: batch, overlap: "replace" });
  await fire(world, sweep);
  const [first] = await firings(world, sweep);
  await fire(world, sweep);
  expect(await readStudy(world.process(), await studyOf(world, first))).toMatchObject({
    state: "paused",
    started: false,
  });
});

/** A firing that replaces a batch study, cut short when it was committed. */
const cutShort = async (world: MemoryWorld) => {
  const sweep = await make(world, { template: batch, overlap: "replace" });
  await fire(world, sweep);
  world.clock.now += HOUR;
  await fireScheduled(world.process(), { sweep, scheduled: world.clock.now }, 1);
  const [second, first] = await firings(world, sweep);
  const show = async (firing: Firing | undefined) => readStudy(world.process(), await studyOf(world, firing));
  return { sweep, first: () => show(first), second: () => show(second) };
};

test("an earlier study is stopped after a firing that was cut short, once, and before the new one is started", async () => {
  const world = await memoryWorld();
  const { sweep, first, second } = await cutShort(world);
  expect([await first(), await second()]).toMatchObject([
    { state: "running", started: true },
    { started: false },
  ]);
  let startedFirst = false;
  const register = world.batch.register.bind(world.batch);
  world.batch.register = async (definition) => {
    startedFirst ||= (await first()).started === true;
    return register(definition);
  };
  await world.sweep();
  expect([await first(), await second()]).toMatchObject([
    { state: "paused", started: false },
    { state: "running", started: true },
  ]);
  expect(startedFirst).toBe(false);
  const replaced = await loadStudy(world.process(), TEAM, (await first()).study);
  await patchStudy(world.process(), replaced, { state: "running" }, noReceipt);
  await world.sweep();
  await world.sweep([world.schedules.message(sweep, world.clock.now)]);
  expect(await first()).not.toMatchObject({ state: "paused" });
});

/** Another firing comes before the nth read of what is done after the one that was cut short. @returns false when it has fewer reads. */
const fireBetween = async (nth: number, isFirstStopped: boolean): Promise<boolean> => {
  const world = await memoryWorld();
  const { sweep, first, second } = await cutShort(world);
  if (isFirstStopped) await world.sweep();
  const earlier = (await second()).study;
  world.clock.now += HOUR;
  const due = { sweep, scheduled: world.clock.now };
  const early: string[] = [];
  world.batch.register = async ({ study }) => {
    if (study !== earlier && (await second()).state === "running") early.push(study);
    return `definition-of-${study}`;
  };
  before(world.client, "GetItemCommand", () => fireScheduled(world.process(), due, 1), nth);
  await world.sweep();
  const [last] = await firings(world, sweep);
  if (last?.study === earlier) return false;
  await world.sweep();
  expect([await first(), await second(), early]).toMatchObject([
    { state: "paused" },
    { state: "paused" },
    [],
  ]);
  return true;
};

test.each([true, false])(
  "a firing that comes between starts no study before the earlier one is stopped: %s",
  async (isFirstStopped) => {
    let reads = 0;
    while (await fireBetween(reads + 1, isFirstStopped)) reads++;
    expect(reads).toBeGreaterThan(4);
  },
);

test("studies that several firings replaced are all stopped, whenever that comes", async () => {
  const world = await memoryWorld();
  const { sweep, first, second } = await cutShort(world);
  world.clock.now += HOUR;
  await fireScheduled(world.process(), { sweep, scheduled: world.clock.now }, 1);
  world.clock.now += HOUR;
  await world.sweep();
  expect([await first(), await second()]).toMatchObject([{ state: "paused" }, { state: "paused" }]);
  expect((await firings(world, sweep))[0]).toMatchObject({ outcome: "replaced", state: "running" });
  await world.sweep();
  expect(await findNote(world.deps.store, sweep)).toBeNull();
});

test("a study that was replaced is stopped although its sweep was deleted since", async () => {
  const world = await memoryWorld();
  const { sweep, first } = await cutShort(world);
  await deleteSweep(world.process(), TEAM, sweep, noReceipt);
  await world.sweep();
  expect(await first()).toMatchObject({ state: "paused", started: false });
});

test("one that was deleted by a person is noted, and what it came to is not known", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { keep: 1 });
  await fire(world, sweep);
  const [first] = await firings(world, sweep);
  await deleteStudy(world.process(), await studyOf(world, first), noReceipt);
  await fire(world, sweep);
  const { store } = world.deps;
  const at = Date.parse(first?.firing ?? "");
  expect(await findFiring(store, sweep, at, false)).toMatchObject({ gone: true, kept: null });
  expect((await firings(world, sweep))[1]).toMatchObject({ state: "deleted", trials: null, best: null });
});

test("old studies are found behind many firings that made none", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { keep: 1 });
  await fire(world, sweep);
  const [first] = await firings(world, sweep);
  for (let i = 0; i < 60; i++) {
    world.clock.now += 1000;
    await runSweep(world.process(), TEAM, sweep, noReceipt);
  }
  await finish(world, first);
  await fire(world, sweep);
  const page = await listFirings(world.process(), TEAM, sweep, {});
  const rest = await listFirings(world.process(), TEAM, sweep, { cursor: page.cursor ?? "" });
  expect([page.firings.length, rest.firings.length, rest.cursor]).toEqual([50, 12, null]);
  expect(rest.firings.at(-1)).toMatchObject({
    study: first?.study,
    state: "deleted",
    trials: { completed: 1 },
  });
});

test("the studies that a template names come first, and none is named twice", async () => {
  const world = await memoryWorld();
  const tpe = { ...template, algorithm: { name: "tpe", seed: 1 } } as const;
  const sweep = await make(world, { template: tpe, warmStart: { last: 2 } });
  await fire(world, sweep);
  const [first] = await firings(world, sweep);
  await finish(world, first);
  const named = { ...tpe, warmStart: { studies: [{ study: first?.study ?? "" }] } };
  await patchSweep(world.process(), TEAM, sweep, { template: named }, noReceipt);
  await fire(world, sweep);
  const [second] = await firings(world, sweep);
  await finish(world, second);
  await fire(world, sweep);
  const [third] = await firings(world, sweep);
  const { warmStart } = await readStudy(world.process(), await studyOf(world, third));
  expect(warmStart?.studies.map(({ study }) => study)).toEqual([first?.study, second?.study]);
});

test("a sweep that is being deleted stays until nobody is left who had read it before", async () => {
  const world = await memoryWorld();
  const sweep = await make(world);
  await deleteSweep(world.process(), TEAM, sweep, noReceipt);
  world.clock.now += 59_999;
  await world.sweep();
  expect(await findSweep(world.deps.store, sweep)).toMatchObject({ state: "deleting" });
  expect(await findNote(world.deps.store, sweep)).not.toBeNull();
  world.clock.now += 1;
  await world.sweep();
  expect(await findSweep(world.deps.store, sweep)).toBeNull();
  expect(await findNote(world.deps.store, sweep)).toBeNull();
});

test("with time left every sweep is seen to, in whatever order", async () => {
  const world = await memoryWorld();
  world.schedules.fault = new Error("away");
  const all: string[] = [];
  for (let i = 0; i < 5; i++) all.push(await make(world, { name: `sweep-${i}` }));
  world.schedules.fault = null;
  await world.sweep();
  expect([...world.schedules.all.keys()].sort()).toEqual(all.sort());
});

test("the last firing that was due is found however long ago, and none before the schedule", () => {
  const since = Date.parse("2026-01-15T00:00:00Z");
  const yearly = { schedule: { cron: "30 4 1 3 ? *" }, since };
  const at = Date.parse("2027-02-28T12:00:00Z");
  expect(lastDue(yearly, at)).toBe(Date.parse("2026-03-01T04:30:00Z"));
  expect(lastDue(yearly, Date.parse("2026-03-01T04:30:00Z"))).toBe(Date.parse("2026-03-01T04:30:00Z"));
  expect(lastDue(yearly, Date.parse("2026-03-01T04:29:59Z"))).toBeNull();
  expect(nextDue(yearly, at)).toBe(Date.parse("2027-03-01T04:30:00Z"));
  const often = { schedule: { rate: { minutes: 5 } }, since };
  expect(lastDue(often, since + 5 * 60_000 * 1000 + 7000)).toBe(since + 5 * 60_000 * 1000);
  expect(lastDue({ schedule: { at: "2026-02-01T00:00:00Z" }, since }, at)).toBe(
    Date.parse("2026-02-01T00:00:00Z"),
  );
  expect(nextDue({ schedule: { at: "2026-02-01T00:00:00Z" }, since }, at)).toBeNull();
});
