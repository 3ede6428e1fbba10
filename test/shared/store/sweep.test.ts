import { expect, test } from "vitest";
import {
  changeFiring,
  FIRING,
  type FiringItem,
  findFiring,
  newFiring,
  readFirings,
  removeFirings,
} from "../../../shared/store/firing.ts";
import { firingPlace } from "../../../shared/store/keys.ts";
import { ConditionFailed, type Store } from "../../../shared/store/store.ts";
import {
  changeSweep,
  clearNote,
  findNote,
  findSweep,
  listNotes,
  markSynced,
  newSweep,
  noteSweep,
  readSweepListings,
  removeSweep,
  SWEEP,
  type SweepItem,
  unlistSweep,
} from "../../../shared/store/sweep.ts";
import { countSweep, MAX_SWEEPS, SWEEP_CAP, uncountSweep } from "../../../shared/store/team.ts";
import { createTestTable } from "../../support/emulator.ts";
import { studyBody, testDeps } from "../../support/service.ts";

const storeOf = async (): Promise<Store> => {
  const { client, tableName } = await createTestTable();
  return testDeps(client, tableName).store;
};

const item = (change: Partial<SweepItem> = {}): SweepItem => ({
  sweep: "nightly-abcdef",
  team: "acme",
  name: "nightly",
  state: "active",
  created: 1000,
  rev: 1,
  schedule: { cron: "0 3 * * ? *", timezone: "Europe/Berlin" },
  overlap: "queue",
  // A number that is no integer, which an item cannot hold as it is.
  template: studyBody({ space: { C: { type: "float", low: 0.1 + 0.2, high: 1 } } }),
  warmStart: 3,
  keep: 30,
  revision: 1,
  since: 1000,
  synced: false,
  current: "",
  queued: null,
  stops: [],
  count: 0,
  ...change,
});

const failing = async (work: Promise<unknown>): Promise<string[]> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof ConditionFailed) return [...error.names];
    throw error;
  }
  return [];
};

test("a sweep is read as it was written, and not written twice", async () => {
  const store = await storeOf();
  expect(await findSweep(store, "nightly-abcdef")).toBeNull();
  await store.transact(newSweep(item()));
  expect(await findSweep(store, "nightly-abcdef")).toEqual(item());
  expect(await failing(store.transact(newSweep(item())))).toEqual([SWEEP]);
});

test("a change holds on the revision that was read, and raises it; what it does not name stays", async () => {
  const store = await storeOf();
  await store.transact(newSweep(item()));
  const queued = { scheduled: 5, manual: true };
  await store.transact([
    changeSweep(item(), { state: "paused", queued, stops: ["study-old"], current: "study-abc" }),
  ]);
  const changed = item({ state: "paused", queued, stops: ["study-old"], current: "study-abc", rev: 2 });
  expect(await findSweep(store, "nightly-abcdef")).toEqual(changed);
  expect(await failing(store.transact([changeSweep(item(), { state: "active" })]))).toEqual([SWEEP]);
  await store.transact([changeSweep(changed, { queued: null })]);
  expect(await findSweep(store, "nightly-abcdef")).toEqual({ ...changed, queued: null, rev: 3 });
});

test("a schedule counts as told only in its own revision", async () => {
  const store = await storeOf();
  await store.transact(newSweep(item({ revision: 2 })));
  expect(await failing(store.transact([markSynced(item({ revision: 1 }))]))).toEqual([SWEEP]);
  await store.transact([markSynced(item({ revision: 2 }))]);
  expect(await findSweep(store, "nightly-abcdef")).toMatchObject({ synced: true, revision: 2, rev: 2 });
});

test("sweeps of a team are listed newest first, from a place on, until they are deleted", async () => {
  const store = await storeOf();
  for (const n of [1, 2, 3]) await store.transact(newSweep(item({ sweep: `sweep-${n}`, created: n })));
  await store.transact(newSweep(item({ sweep: "others", team: "other" })));
  const listed = await readSweepListings(store, "acme", "", 10);
  expect(listed.map(({ sweep }) => sweep)).toEqual(["sweep-3", "sweep-2", "sweep-1"]);
  const [first] = await readSweepListings(store, "acme", "", 1);
  const rest = await readSweepListings(store, "acme", first?.place ?? "", 10);
  expect(rest.map(({ sweep }) => sweep)).toEqual(["sweep-2", "sweep-1"]);
  await store.transact([unlistSweep({ sweep: "sweep-2", team: "acme", created: 2 })]);
  expect(await readSweepListings(store, "acme", "", 10)).toHaveLength(2);
});

test("a note goes only if nothing more was left to do since", async () => {
  const store = await storeOf();
  await store.transact([noteSweep(item(), 7)]);
  const note = { sweep: "nightly-abcdef", team: "acme", rev: 2, at: 7 };
  expect(await listNotes(store)).toEqual([note]);
  expect(await findNote(store, "nightly-abcdef")).toEqual(note);
  // Of the same time, but after another change.
  await store.transact([noteSweep(item({ rev: 2 }), 7)]);
  expect(await failing(store.transact([clearNote(note)]))).toEqual(["sweep-note"]);
  await store.transact([clearNote({ ...note, rev: 3 })]);
  expect(await findNote(store, "nightly-abcdef")).toBeNull();
});

const firing = (change: Partial<FiringItem> = {}): FiringItem => ({
  sweep: "nightly-abcdef",
  scheduled: 60_000,
  manual: false,
  outcome: "created",
  study: "study-abc",
  reason: null,
  at: 61_000,
  kept: null,
  gone: false,
  ...change,
});

const kept = {
  trials: { queued: 0, running: 0, paused: 0, completed: 3, pruned: 0, failed: 1 },
  budget: 4,
  best: { number: 2, values: { accuracy: 0.1 + 0.2 } },
};

test("a firing is written once; one by hand of the same time is another", async () => {
  const store = await storeOf();
  await store.transact([newFiring(firing())]);
  expect(await failing(store.transact([newFiring(firing({ outcome: "failed" }))]))).toEqual([FIRING]);
  await store.transact([
    newFiring(firing({ manual: true, study: null, reason: "Busy.", outcome: "skipped" })),
  ]);
  expect(await findFiring(store, "nightly-abcdef", 60_000, false)).toEqual(firing());
  expect(await findFiring(store, "nightly-abcdef", 60_000, true)).toMatchObject({
    manual: true,
    reason: "Busy.",
  });
  expect(await findFiring(store, "nightly-abcdef", 60_001, false)).toBeNull();
});

test("a firing changes once from what was read", async () => {
  const store = await storeOf();
  const waiting = firing({ outcome: "queued", study: null });
  await store.transact([newFiring(waiting)]);
  await store.transact([changeFiring(waiting, firing({ at: 90_000 }))]);
  expect(await failing(store.transact([changeFiring(waiting, firing({ outcome: "failed" }))]))).toEqual([
    FIRING,
  ]);
  const old = firing({ at: 90_000, kept, gone: true });
  await store.transact([changeFiring(firing({ at: 90_000 }), old)]);
  expect(await failing(store.transact([changeFiring(firing({ at: 90_000 }), firing())]))).toEqual([FIRING]);
  expect(await findFiring(store, "nightly-abcdef", 60_000, false)).toEqual(old);
});

test("firings are read newest first, in pages, and removed before their sweep", async () => {
  const store = await storeOf();
  await store.transact(newSweep(item()));
  for (const scheduled of [1000, 2000, 3000]) await store.transact([newFiring(firing({ scheduled }))]);
  const times = async (after: string, most: number) =>
    (await readFirings(store, "nightly-abcdef", after, most)).map(({ scheduled }) => scheduled);
  expect(await times("", 10)).toEqual([3000, 2000, 1000]);
  expect(await times(firingPlace(3000, false), 1)).toEqual([2000]);
  expect(await removeFirings(store, "nightly-abcdef", 2)).toBe(false);
  expect(await removeFirings(store, "nightly-abcdef", 2)).toBe(true);
  expect(await times("", 10)).toEqual([]);
  expect(await findSweep(store, "nightly-abcdef")).not.toBeNull();
  await store.transact(removeSweep("nightly-abcdef"));
  expect(await findSweep(store, "nightly-abcdef")).toBeNull();
});

test("a team has so many sweeps and no more, until it deletes one", async () => {
  const store = await storeOf();
  const key = { pk: "TEAM#acme", sk: "TEAM" };
  await store.transact([{ name: "team", key, put: { sweeps: MAX_SWEEPS - 1 } }]);
  await store.transact(countSweep("acme", 0));
  expect(await failing(store.transact(countSweep("acme", 0)))).toEqual([SWEEP_CAP]);
  await store.transact([uncountSweep("acme")]);
  await store.transact(countSweep("acme", 0));
});
