import { expect, test } from "vitest";
import {
  changeHead,
  changeHeadGranting,
  findHead,
  firstHead,
  grantLeases,
  HEAD,
  type Head,
  markAhead,
  markDeleting,
  markReportsSwept,
  markSwept,
  newHead,
  noteRunning,
  overwriteHead,
  readHead,
  spend,
  takeAhead,
  whileDispatching,
  whileStarted,
} from "../../../shared/store/head.ts";
import { headKey } from "../../../shared/store/keys.ts";
import { ConditionFailed } from "../../../shared/store/store.ts";
import { createTestTable } from "../../support/emulator.ts";
import { injectFaults, retryAtOnce } from "../../support/faults.ts";
import { testDeps } from "../../support/service.ts";
import { headOf, NOON } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
retryAtOnce(client);
const { store } = testDeps(client, tableName);

let studies = 0;
/** A stored head of a study of its own. */
const stored = async (change: Partial<Head> = {}): Promise<Head> => {
  const study = `study-${studies++}`;
  await store.transact([newHead(headOf({ ...change, study }, study))]);
  return read(study);
};

const read = async (study: string): Promise<Head> => {
  const head = await findHead(store, study);
  if (head === null) throw new Error(`no head of ${study}`);
  return head;
};

const failsAs = (names: string[]) => expect.objectContaining({ names: new Set(names) });

test("a head reads back as it was written, doubles and notices included", async () => {
  const full: Partial<Head> = {
    state: "paused",
    next: 7,
    imported: 2,
    exhausted: true,
    settled: true,
    gpuHours: 0.1 + 0.2,
    dollars: 1e-7,
    segments: 3,
    unswept: 2,
    folded: { completed: 5, pruned: 6, failed: 7 },
    foldedBest: '{"number":1}',
    started: true,
    generation: 4,
    definition: "arn:definition",
    notice: { kind: "infra-failure", trial: 3, detail: "no queue", paused: true },
    ended: { kind: "not-worth-more", trials: 5, gain: 1e-4, least: 1e-3 },
    sweptReports: 9,
    grants: 10,
    crowd: 11,
    aheadFrom: 12,
    aheadTo: 13,
    aheadMark: 14,
    aheadMarkAt: 15,
  };
  const head = await stored(full);
  expect(head).toEqual(headOf({ ...full, study: head.study }, head.study));
});

test("there is no head of a study that does not exist", async () => {
  expect(await findHead(store, "no-such-study")).toBeNull();
});

test("a study has one head: a second is refused by name and changes nothing", async () => {
  const head = await stored({ next: 3 });
  await expect(store.transact([newHead(headOf({ next: 99 }, head.study))])).rejects.toEqual(failsAs([HEAD]));
  expect(await read(head.study)).toEqual(head);
});

test("a change of the head raises its revision and leaves the other fields as they are", async () => {
  const head = await stored({ notice: { kind: "rounds-ended" } });
  await store.transact([changeHead(head, { next: 5, dollars: 2.5, notice: null })]);
  expect(await read(head.study)).toEqual({ ...head, rev: 1, next: 5, dollars: 2.5, notice: null });
});

test("of two changes made from the same revision the second is refused", async () => {
  const head = await stored();
  await store.transact([changeHead(head, { next: 1 })]);
  await expect(store.transact([changeHead(head, { next: 2 })])).rejects.toEqual(failsAs([HEAD]));
  expect((await read(head.study)).next).toBe(1);
});

test("leases are given while there is room beside all that were given since the head was read", async () => {
  const head = await stored({ parallel: 4 });
  const give = (leases: number, room: number) => store.update(grantLeases(head, { leases, room }));
  await give(2, 3);
  await expect(give(2, 3)).rejects.toEqual(failsAs([HEAD]));
  await give(1, 3);
  await expect(give(1, 3)).rejects.toEqual(failsAs([HEAD]));
  expect(await read(head.study)).toEqual({ ...head, grants: 3 });
});

test("leases are given on a running study only, and on the limit that was read", async () => {
  for (const change of [{ state: "paused" }, { state: "deleting" }, { parallel: 9 }] as const) {
    const head = await stored({ parallel: 4 });
    await store.update(changeHead(head, change));
    await expect(store.update(grantLeases(head, { leases: 1, room: 4 }))).rejects.toEqual(failsAs([HEAD]));
  }
});

test("of what was proposed ahead as many are taken as there are, all that were asked for or none", async () => {
  const head = await stored({ parallel: 9, aheadFrom: 5, aheadTo: 8 });
  const take = (leases: number) => takeAhead(store, head, { leases, room: 9 });
  expect(await take(2)).toEqual([5, 6]);
  expect(await take(2)).toBeNull();
  expect(await take(1)).toEqual([7]);
  expect(await take(1)).toBeNull();
  expect(await read(head.study)).toEqual({ ...head, aheadFrom: 8, grants: 3 });
});

test("that the table is busy does not say that nothing is left of what was proposed ahead", async () => {
  const head = await stored({ aheadFrom: 3, aheadTo: 8 });
  const restore = injectFaults(client, () => "throttle");
  await expect(takeAhead(store, head, { leases: 1, room: 9 })).rejects.toMatchObject({ type: "unavailable" });
  restore();
  expect(await takeAhead(store, head, { leases: 1, room: 9 })).toEqual([3]);
});

test("of two notes of what was taken, made from the same one, the first stands; a deleted study gets none", async () => {
  const head = await stored({ aheadFrom: 5 });
  await store.update(markAhead(head, NOON));
  await expect(store.update(markAhead({ ...head, aheadFrom: 4 }, NOON + 1))).rejects.toEqual(failsAs([HEAD]));
  expect(await read(head.study)).toMatchObject({ aheadMark: 5, aheadMarkAt: NOON, rev: 0 });
  await expect(store.update(markAhead({ ...head, study: "never-created" }, NOON))).rejects.toThrow(
    ConditionFailed,
  );
});

test("a change that gives leases needs both the revision and the room", async () => {
  const head = await stored({ parallel: 4 });
  const change = (leases: number, room: number) =>
    store.update(changeHeadGranting(head, { next: 7 }, { leases, room }));
  await store.update(grantLeases(head, { leases: 2, room: 4 }));
  await expect(change(3, 4)).rejects.toEqual(failsAs([HEAD]));
  await change(2, 4);
  expect(await read(head.study)).toEqual({ ...head, rev: 1, next: 7, grants: 4 });
  await expect(change(0, 4)).rejects.toEqual(failsAs([HEAD]));
});

test("a head of an earlier version, which counts no leases, gives them too", async () => {
  const head = await stored({ parallel: 4 });
  await store.update({ name: HEAD, key: headKey(head.study), update: { drop: ["grants", "foldedPaused"] } });
  expect(await read(head.study)).toEqual(head);
  await store.update(grantLeases(head, { leases: 4, room: 4 }));
  await expect(store.update(grantLeases(head, { leases: 1, room: 4 }))).rejects.toEqual(failsAs([HEAD]));
});

test.each([
  [true, "running", true],
  [false, "running", false],
  [true, "paused", false],
  [true, "deleting", false],
] as const)("dispatching with started %s and state %s: %s", async (started, state, holds) => {
  const { study } = await stored({ started, state });
  const check = store.transact([whileDispatching(study)]);
  if (holds) await check;
  else await expect(check).rejects.toEqual(failsAs([HEAD]));
});

test("a start holds until the study is stopped or started again", async () => {
  const head = await stored({ started: true, generation: 2 });
  await store.transact([whileStarted(head)]);
  await expect(store.transact([whileStarted({ ...head, generation: 1 })])).rejects.toEqual(failsAs([HEAD]));
  await store.transact([changeHead(head, { started: false })]);
  await expect(store.transact([whileStarted(head)])).rejects.toEqual(failsAs([HEAD]));
});

test("a study is marked as deleting once, and a change made from an earlier revision then fails", async () => {
  const head = await stored({ started: true });
  await store.update(markDeleting(head.study));
  expect(await read(head.study)).toMatchObject({ state: "deleting", started: false, rev: 1 });
  await expect(store.update(markDeleting(head.study))).rejects.toEqual(failsAs([HEAD]));
  await expect(store.transact([changeHead(head, { state: "running" })])).rejects.toThrow(ConditionFailed);
});

test("a study that does not exist is not marked, charged or noted, and no head comes to be", async () => {
  const missing = "never-created";
  await expect(store.update(markDeleting(missing))).rejects.toThrow(ConditionFailed);
  await expect(
    store.transact([spend(missing, { gpuSeconds: 1, vcpuSeconds: 1, micros: 1 })]),
  ).rejects.toThrow(ConditionFailed);
  await expect(store.update(noteRunning(missing, { kind: "rounds-ended" }, true))).rejects.toThrow(
    ConditionFailed,
  );
  expect(await findHead(store, missing)).toBeNull();
});

test("a notice is left on a running study, which it pauses or not; a paused study keeps its own", async () => {
  const notice = { kind: "infra-failure", trial: 1, detail: "no image", paused: false } as const;
  const { study } = await stored();
  await store.update(noteRunning(study, notice, false));
  expect(await read(study)).toMatchObject({ state: "running", notice, rev: 0 });
  await store.update(noteRunning(study, { ...notice, paused: true }, true));
  expect(await read(study)).toMatchObject({ state: "paused", notice: { paused: true }, rev: 1 });
  await expect(store.update(noteRunning(study, notice, false))).rejects.toEqual(failsAs([HEAD]));
  expect(await read(study)).toMatchObject({ notice: { paused: true } });
});

test("a head is overwritten whatever became of it since, and whoever read it before must read it again", async () => {
  const head = await stored({ started: true });
  await store.update(changeHead(head, { parallel: 7 }));
  await store.update(overwriteHead(head.study, { started: false }));
  expect(await read(head.study)).toMatchObject({ started: false, parallel: 7, rev: 2 });
  await expect(store.update(changeHead({ ...head, rev: 1 }, { parallel: 8 }))).rejects.toEqual(
    failsAs([HEAD]),
  );
  await store.update(markDeleting(head.study));
  for (const study of [head.study, "never-created"]) {
    await expect(store.update(overwriteHead(study, { started: true }))).rejects.toEqual(failsAs([HEAD]));
  }
  expect(await read(head.study)).toMatchObject({ state: "deleting", started: false });
  expect(await findHead(store, "never-created")).toBeNull();
});

test("a segment is swept only while it is the one that is not", async () => {
  const { study } = await stored({ segments: 3, unswept: 2 });
  await expect(store.update(markSwept(study, 1))).rejects.toEqual(failsAs([HEAD]));
  expect((await read(study)).unswept).toBe(2);
  await store.update(markSwept(study, 2));
  expect(await read(study)).toMatchObject({ unswept: -1, rev: 0 });
});

test("a deletion remembers how far it is with the reports", async () => {
  const { study } = await stored();
  await store.update(markReportsSwept(study, 40));
  expect((await read(study)).sweptReports).toBe(40);
  // Another process has come as far, or further: what it has swept is not swept again.
  for (const number of [39, 40]) {
    await expect(store.update(markReportsSwept(study, number))).rejects.toEqual(failsAs([HEAD]));
  }
  await store.update(markReportsSwept(study, 41));
  expect((await read(study)).sweptReports).toBe(41);
  await expect(store.update(markReportsSwept("none", 1))).rejects.toEqual(failsAs([HEAD]));
  expect(await findHead(store, "none")).toBeNull();
});

test("what attempts have used adds up, and holds no ask up", async () => {
  const head = await stored();
  await store.transact([spend(head.study, { gpuSeconds: 7, vcpuSeconds: 14, micros: 100 })]);
  await store.transact([spend(head.study, { gpuSeconds: 3, vcpuSeconds: 6, micros: 30 })]);
  expect(await read(head.study)).toMatchObject({
    gpuSeconds: 10,
    vcpuSeconds: 20,
    micros: 130,
    pricedGpuSeconds: 10,
    pricedVcpuSeconds: 20,
    rev: 0,
  });
  await store.transact([changeHead(head, { next: 1 })]);
});

test("a head of an earlier version is read: its words as a notice, its missing fields as they were", async () => {
  const study = "written-earlier";
  const { notice, ended, schedulerRevision, sweptReports, ...fields } = {
    ...firstHead(
      study,
      { trials: 1, parallel: 1, gpuHours: 0, dollars: 0 },
      { algorithmRevision: 1, schedulerRevision: 1 },
    ),
  };
  const { folded, gpuHours, dollars, ...plain } = fields;
  const item = {
    ...plain,
    gpuHours: "0",
    dollars: "0",
    foldedCompleted: 0,
    foldedPruned: 0,
    foldedFailed: 0,
    message: "The rounds failed.",
  };
  await store.transact([{ name: HEAD, key: headKey(study), put: item }]);
  expect(await read(study)).toMatchObject({
    notice: { kind: "text", text: "The rounds failed." },
    ended: null,
    schedulerRevision: 1,
    sweptReports: 0,
  });
  expect(readHead(study, { ...item, message: "" }).notice).toBeNull();
  // A notice written since then takes the place of the words.
  await store.update(noteRunning(study, { kind: "rounds-ended" }, false));
  expect((await read(study)).notice).toEqual({ kind: "rounds-ended" });
});
