import { expect, test } from "vitest";
import { InvalidInput } from "../../../../shared/errors.ts";
import type { AuditPage } from "../../../../shared/schemas/audit.ts";
import type {
  CreateSweepBody,
  Firing,
  PatchSweepBody,
  Sweep,
  SweepPage,
} from "../../../../shared/schemas/sweep.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { createSweep } from "../../../../shared/service/sweeps/create.ts";
import { deleteSweep } from "../../../../shared/service/sweeps/delete.ts";
import { patchSweep } from "../../../../shared/service/sweeps/patch.ts";
import { listFirings, listSweeps, readSweep } from "../../../../shared/service/sweeps/read.ts";
import { runSweep } from "../../../../shared/service/sweeps/run.ts";
import { sweepNoteKey, sweepPartition } from "../../../../shared/store/keys.ts";
import { MAX_SWEEPS } from "../../../../shared/store/team.ts";
import { batchExecution, type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { callerAs } from "../../../support/callers.ts";
import { gateway } from "../../../support/gateway.ts";
import { noReceipt, studyBody, TEAM } from "../../../support/service.ts";

/** Sweeps and their schedules: created, changed, listed and deleted. The world's clock begins on 2026-11-23 at 12:00 UTC, a Monday. */

const template = studyBody({ name: "fired" });
const body = (change: Partial<CreateSweepBody> = {}): CreateSweepBody => ({
  name: "nightly",
  schedule: { cron: "0 3 * * ? *", timezone: "Europe/Berlin" },
  template,
  ...change,
});
const make = (world: MemoryWorld, change: Partial<CreateSweepBody> = {}): Promise<Sweep> =>
  createSweep(world.process(), TEAM, body(change), noReceipt);
const show = (world: MemoryWorld, sweep: string) => readSweep(world.process(), TEAM, sweep);

/** What is wrong with a body, by its fields. */
const faultsOf = async (work: Promise<unknown>): Promise<string[]> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof InvalidInput)
      return error.errors.map(({ pointer, fault }) => `${pointer} ${fault.kind}`);
    throw error;
  }
  return [];
};

test("a sweep shows what it was created with, and when it fires next; EventBridge Scheduler is told", async () => {
  const world = await memoryWorld();
  const sweep = await make(world, { warmStart: { last: 3 }, keep: 30, overlap: "queue", template: tpe });
  expect(sweep.sweep).toMatch(/^nightly-[a-z2-9]{6}$/);
  expect(sweep).toEqual({
    sweep: sweep.sweep,
    name: "nightly",
    state: "active",
    created: "2026-11-23T12:00:00.000Z",
    schedule: { cron: "0 3 * * ? *", timezone: "Europe/Berlin" },
    overlap: "queue",
    template: tpe,
    warmStart: { last: 3 },
    keep: 30,
    next: "2026-11-24T02:00:00.000Z",
    firings: { count: 0, last: null },
    message: null,
  });
  expect(await show(world, sweep.sweep)).toEqual(sweep);
  expect([...world.schedules.all.values()]).toEqual([
    {
      sweep: sweep.sweep,
      expression: "cron(0 3 * * ? *)",
      timezone: "Europe/Berlin",
      start: null,
      enabled: true,
      revision: 1,
    },
  ]);
});

const tpe = { ...template, algorithm: { name: "tpe", seed: 1 } } as const;

test("what no firing could do is refused at once, with the field", async () => {
  const world = await memoryWorld();
  const refused = (change: Partial<CreateSweepBody>) => faultsOf(make(world, change));
  expect(await refused({ schedule: { rate: { minutes: 4 } } })).toEqual(["/schedule/rate too-frequent"]);
  expect(await refused({ schedule: { at: "2026-11-23T11:00:00Z" } })).toEqual(["/schedule/at at-past"]);
  expect(await refused({ schedule: { at: "9999-12-31T23:59", timezone: "America/New_York" } })).toEqual([
    "/schedule/at at-late",
  ]);
  expect(await refused({ schedule: { cron: "0 3 * * * *" } })).toEqual(["/schedule/cron cron-days"]);
  const wrong = { ...template, space: { C: { type: "float", low: 2, high: 1 } } } as const;
  expect(await refused({ template: wrong })).toEqual([expect.stringMatching(/^\/template\/space\/C/)]);
  expect(await refused({ warmStart: { last: 1 } })).toEqual(["/template/warmStart earlier-useless"]);
  const other = await createdStudy(world);
  const warm = { ...tpe, warmStart: { studies: [{ study: other }] } };
  expect(await refused({ template: warm, warmStart: { last: 10 } })).toEqual([
    "/warmStart/last too-many-earlier",
  ]);
  expect(await refused({ template: warm, warmStart: { last: 9 } })).toEqual([]);
  expect([...world.schedules.all]).toHaveLength(1);
});

const createdStudy = async (world: MemoryWorld): Promise<string> => world.study.id;

test("a rate counts from its schedule, and goes on by it after a second telling", async () => {
  const world = await memoryWorld();
  const { sweep, next } = await make(world, { schedule: { rate: { hours: 6 } } });
  const first = world.clock.now + 6 * 3_600_000;
  expect([Date.parse(next ?? ""), world.schedules.all.get(sweep)?.start]).toEqual([first, first]);
  world.clock.now += 7 * 3_600_000;
  await world.reconcile();
  expect(world.schedules.all.get(sweep)?.start).toBe(first + 6 * 3_600_000);
  expect(await show(world, sweep)).toMatchObject({ next: new Date(first + 6 * 3_600_000).toISOString() });
});

test("changes name what they change; a schedule or a state makes another revision, a name does not", async () => {
  const world = await memoryWorld();
  const { sweep } = await make(world, { warmStart: { last: 1 }, template: tpe, keep: 3 });
  const patch = (change: object) => patchSweep(world.process(), TEAM, sweep, change, noReceipt);
  expect(await patch({ overlap: "replace" })).toMatchObject({ warmStart: { last: 1 }, keep: 3 });
  expect(await patch({ name: "renamed", warmStart: null, keep: null })).toMatchObject({
    name: "renamed",
    warmStart: null,
    keep: null,
    overlap: "replace",
  });
  expect(world.schedules.all.get(sweep)?.revision).toBe(1);
  await patch({ state: "active" });
  expect(world.schedules.all.get(sweep)?.revision).toBe(1);
  expect(await patch({ state: "paused" })).toMatchObject({ state: "paused", next: null });
  expect(world.schedules.all.get(sweep)).toMatchObject({ revision: 2, enabled: false });
  await patch({ schedule: { rate: { days: 1 } }, state: "active" });
  expect(world.schedules.all.get(sweep)).toMatchObject({
    revision: 3,
    enabled: true,
    expression: "rate(1 day)",
  });
  expect(await faultsOf(patch({ schedule: { rate: { minutes: 1 } } }))).toEqual([
    "/schedule/rate too-frequent",
  ]);
  const worse = { ...template, objectives: [...template.objectives, ...template.objectives] };
  expect(await faultsOf(patch({ template: worse }))).toEqual([
    expect.stringMatching(/^\/template\/objectives/),
  ]);
});

test("a sweep whose template names a deleted study is paused and changed, but not given such a template", async () => {
  const world = await memoryWorld();
  const studies = [{ study: await createdStudy(world) }];
  const { sweep } = await make(world, { template: { ...tpe, warmStart: { studies } } });
  const deps = world.process();
  await deleteStudy(deps, await loadStudy(deps, TEAM, world.study.id), noReceipt);
  const patch = (change: PatchSweepBody) => patchSweep(deps, TEAM, sweep, change, noReceipt);
  const changes = { name: "renamed", overlap: "queue", state: "paused", keep: 2 } as const;
  expect(await patch(changes)).toMatchObject(changes);
  expect(await patch({ schedule: { rate: { days: 1 } }, state: "active" })).toMatchObject({
    state: "active",
  });
  expect(await patch({ warmStart: null })).toMatchObject({ warmStart: null });
  const missing = ["/template/warmStart/studies/0 earlier-missing"];
  expect(await faultsOf(patch({ warmStart: { last: 1 } }))).toEqual(missing);
  expect(await faultsOf(patch({ template: { ...tpe, warmStart: { studies } } }))).toEqual(missing);
  expect(await faultsOf(make(world, { template: { ...tpe, warmStart: { studies } } }))).toEqual(missing);
  expect(await patch({ template: tpe, warmStart: { last: 1 } })).toMatchObject({ warmStart: { last: 1 } });
});

test("which of several earlier studies the team does not have is told by its place", async () => {
  const world = await memoryWorld();
  const studies = [{ study: await createdStudy(world) }, { study: "never-there-abcdef" }];
  expect(await faultsOf(make(world, { template: { ...tpe, warmStart: { studies } } }))).toEqual([
    "/template/warmStart/studies/1 earlier-missing",
  ]);
});

test("a one-off sweep has ended when it has fired, and fires again under another schedule", async () => {
  const world = await memoryWorld();
  const { sweep } = await make(world, { schedule: { at: "2026-11-23T13:00:00Z" } });
  const message = world.schedules.message(sweep, Date.parse("2026-11-23T13:00:00Z"));
  world.clock.now = Date.parse("2026-11-23T13:00:20Z");
  // On its way, its schedule is not taken away.
  await world.reconcile();
  expect(world.schedules.all.has(sweep)).toBe(true);
  await world.sweep([message]);
  expect(await show(world, sweep)).toMatchObject({ state: "ended", next: null, firings: { count: 1 } });
  await patchSweep(world.process(), TEAM, sweep, { name: "renamed" }, noReceipt);
  world.clock.now += 16 * 60_000;
  await world.reconcile();
  expect([...world.schedules.all]).toEqual([]);
  expect(await world.deps.store.get(sweepNoteKey(sweep))).toBeNull();
  const again = await patchSweep(
    world.process(),
    TEAM,
    sweep,
    { schedule: { at: "2026-11-24T13:00:00Z" } },
    noReceipt,
  );
  expect(again).toMatchObject({ state: "active", next: "2026-11-24T13:00:00.000Z" });
  expect(world.schedules.all.has(sweep)).toBe(true);
});

test("a one-off that passed while it was paused is not made up for", async () => {
  const world = await memoryWorld();
  const { sweep } = await make(world, { schedule: { at: "2026-11-23T13:00:00Z" }, state: "paused" });
  world.clock.now = Date.parse("2026-11-23T14:00:00Z");
  await patchSweep(world.process(), TEAM, sweep, { state: "active" }, noReceipt);
  await world.reconcile();
  expect(await show(world, sweep)).toMatchObject({ state: "ended", firings: { count: 0 } });
});

test("what a slow request tells EventBridge Scheduler after a later change is put right", async () => {
  const world = await memoryWorld();
  const { sweep } = await make(world);
  const stale = world.schedules.all.get(sweep);
  await patchSweep(world.process(), TEAM, sweep, { state: "paused" }, noReceipt);
  if (stale !== undefined) await world.schedules.put(stale);
  expect(world.schedules.all.get(sweep)?.enabled).toBe(true);
  // Within the time that a request lives at most nothing is taken for settled.
  world.clock.now += 59_000;
  await world.reconcile();
  expect(await world.deps.store.get(sweepNoteKey(sweep))).not.toBeNull();
  world.clock.now += 2_000;
  await world.reconcile();
  expect(world.schedules.all.get(sweep)?.enabled).toBe(false);
  expect(await world.deps.store.get(sweepNoteKey(sweep))).toBeNull();
});

test("while EventBridge Scheduler is away a sweep says so, and is told of when it is back", async () => {
  const world = await memoryWorld();
  world.schedules.fault = new Error("away");
  const { sweep } = await make(world);
  expect(await show(world, sweep)).toMatchObject({ message: null });
  world.clock.now += 61_000;
  await world.reconcile();
  expect((await show(world, sweep)).message).toContain("not set up yet");
  world.schedules.fault = null;
  await world.reconcile();
  expect(await show(world, sweep)).toMatchObject({ message: null });
  expect([...world.schedules.all]).toHaveLength(1);
});

test("sweeps and firings are listed newest first, in pages; cursors of other lists are refused", async () => {
  const world = await memoryWorld();
  const made: string[] = [];
  for (let i = 0; i < 5; i++) {
    made.unshift((await make(world, { name: `sweep-${i}` })).sweep);
    world.clock.now += 1000;
  }
  const deps = world.process();
  const first = await listSweeps(deps, TEAM, { limit: 3 });
  const second = await listSweeps(deps, TEAM, { limit: 3, cursor: first.cursor ?? "" });
  expect([...first.sweeps, ...second.sweeps].map(({ sweep }) => sweep)).toEqual(made);
  expect(second.cursor).toBeNull();
  expect((await listSweeps(deps, "other", {})).sweeps).toEqual([]);

  const [sweep = "", other = ""] = made;
  for (let i = 0; i < 3; i++) await runSweep(deps, TEAM, sweep, noReceipt);
  const page = await listFirings(deps, TEAM, sweep, { limit: 2 });
  const rest = await listFirings(deps, TEAM, sweep, { limit: 2, cursor: page.cursor ?? "" });
  const outcomes = [...page.firings, ...rest.firings].map(({ outcome }) => outcome);
  expect(outcomes).toEqual(["skipped", "skipped", "created"]);
  expect(await faultsOf(listFirings(deps, TEAM, other, { cursor: page.cursor ?? "" }))).toEqual([
    "/cursor cursor-of-no-page",
  ]);
  expect((await listSweeps(deps, TEAM, { limit: 1 })).sweeps[0]?.firings).toMatchObject({
    count: 3,
    last: { outcome: "skipped" },
  });
});

test("of a deleted sweep nothing is left but the studies that it made, and its place is free", async () => {
  const world = await memoryWorld();
  const { sweep } = await make(world);
  await runSweep(world.process(), TEAM, sweep, noReceipt);
  await deleteSweep(world.process(), TEAM, sweep, noReceipt);
  expect([...world.schedules.all]).toEqual([]);
  const gone = `There is no sweep ${sweep} in this team.`;
  await expect(show(world, sweep)).rejects.toThrow(gone);
  await expect(runSweep(world.process(), TEAM, sweep, noReceipt)).rejects.toThrow(gone);
  await expect(deleteSweep(world.process(), TEAM, sweep, noReceipt)).rejects.toThrow(gone);
  await expect(listFirings(world.process(), TEAM, sweep, {})).rejects.toThrow(gone);
  await expect(patchSweep(world.process(), TEAM, sweep, { name: "new" }, noReceipt)).rejects.toThrow(gone);
  expect((await listSweeps(world.process(), TEAM, {})).sweeps).toEqual([]);
  // A request that had read it before makes its schedule after all.
  const schedule = {
    sweep,
    expression: "rate(1 day)",
    timezone: "UTC",
    start: null,
    enabled: true,
    revision: 1,
  };
  await world.schedules.put(schedule);
  world.clock.now += 61_000;
  await world.reconcile();
  expect([...world.schedules.all]).toEqual([]);
  expect(await world.deps.store.query(sweepPartition(sweep), " ", "~")).toEqual([]);
  expect(await world.deps.store.get(sweepNoteKey(sweep))).toBeNull();
});

test("a sweep of another team is not there", async () => {
  const world = await memoryWorld();
  const { sweep } = await make(world);
  const gone = `There is no sweep ${sweep} in this team.`;
  const deps = world.process();
  await expect(readSweep(deps, "other", sweep)).rejects.toThrow(gone);
  await expect(runSweep(deps, "other", sweep, noReceipt)).rejects.toThrow(gone);
  await expect(deleteSweep(deps, "other", sweep, noReceipt)).rejects.toThrow(gone);
  await expect(patchSweep(deps, "other", sweep, { name: "mine" }, noReceipt)).rejects.toThrow(gone);
  await expect(listFirings(deps, "other", sweep, {})).rejects.toThrow(gone);
});

test(`a team has at most ${MAX_SWEEPS} sweeps`, async () => {
  const world = await memoryWorld();
  const { store } = world.deps;
  await store.update({
    name: "team",
    key: { pk: `TEAM#${TEAM}`, sk: "TEAM" },
    update: { set: { sweeps: MAX_SWEEPS } },
  });
  await expect(make(world)).rejects.toMatchObject({ type: "rate-limited" });
});

test("whoever may not change a sweep sees neither command nor environment of its template; the trail has no text of it", async () => {
  const world = await memoryWorld();
  const secret = "canary-of-the-template";
  const executor = { ...batchExecution, command: [secret], environment: { KEY: secret } };
  const call = gateway(world.process());
  const path = `/v1/teams/${TEAM}/sweeps`;
  const owner = callerAs("owner");
  const created = await call<Sweep>("POST", path, {
    caller: owner,
    body: body({ template: { ...template, executor } }),
  });
  expect(created.status).toBe(201);
  expect(created.headers.location).toBe(`${path}/${created.body.sweep}`);
  expect(JSON.stringify(created.body)).toContain(secret);
  const one = `${path}/${created.body.sweep}`;
  world.clock.now += 1000;
  await call<Firing>("POST", `${one}/run`, { caller: owner });
  for (const place of [one, path, `${one}/firings`]) {
    const seen = await call("GET", place, { caller: callerAs("viewer") });
    expect([seen.status, JSON.stringify(seen.body).includes(secret)], place).toEqual([200, false]);
  }
  const shown = await call<Sweep>("GET", one, { caller: callerAs("viewer") });
  expect(shown.body.template.executor).toMatchObject({
    command: [],
    hidden: ["command", "environment", "secrets"],
  });
  expect((await call<SweepPage>("GET", path, { caller: owner })).body.sweeps).toHaveLength(1);
  const { body: trail } = await call<AuditPage>("GET", `/v1/teams/${TEAM}/audit`, { caller: owner });
  expect(JSON.stringify(trail)).not.toContain(secret);
  expect(
    trail.lines.map(({ route, targets }) => [route, targets.includes(`sweep/${created.body.sweep}`)]),
  ).toEqual([
    ["runSweep", true],
    ["createSweep", true],
  ]);
});
