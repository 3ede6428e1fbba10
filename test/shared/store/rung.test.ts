import { expect, test } from "vitest";
import { rungPartition } from "../../../shared/store/keys.ts";
import {
  markClosed,
  newRung,
  newRungEntry,
  RUNG,
  readRung,
  removeRungs,
} from "../../../shared/store/rung.ts";
import { createTestTable } from "../../support/emulator.ts";
import { Crash, injectFaults } from "../../support/faults.ts";
import { testDeps } from "../../support/service.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

let studies = 0;
const address = (rung = 0, bracket = 0) => ({ study: `study-${studies}`, bracket, rung });
const nextStudy = () => studies++;
const refused = expect.objectContaining({ names: new Set([RUNG]) });

test("a rung that was opened has its members, and nothing is decided yet", async () => {
  nextStudy();
  expect(await readRung(store, address())).toBeNull();
  await store.transact([newRung(address(), [3, 5, 8])]);
  expect(await readRung(store, address())).toEqual({
    state: "open",
    members: [3, 5, 8],
    order: [],
    promoted: [],
    hash: "",
    results: new Map(),
  });
});

test("a rung is opened once", async () => {
  nextStudy();
  await store.transact([newRung(address(), [1])]);
  await expect(store.transact([newRung(address(), [2])])).rejects.toEqual(refused);
  expect((await readRung(store, address()))?.members).toEqual([1]);
});

test("results come in one by one, without values for a trial that failed, and a repeat replaces its own", async () => {
  nextStudy();
  await store.transact([newRung(address(), [0, 1, 200])]);
  await store.transact([newRungEntry(address(), 200, { accuracy: 0.1 + 0.2 })]);
  await store.transact([newRungEntry(address(), 1, null)]);
  await store.transact([newRungEntry(address(), 1, null)]);
  const results = new Map([
    [1, null],
    [200, { accuracy: 0.1 + 0.2 }],
  ]);
  expect((await readRung(store, address()))?.results).toEqual(results);
});

test("a rung is closed once, and what was decided stays", async () => {
  nextStudy();
  await store.transact([newRung(address(), [0, 1, 2])]);
  await store.transact([markClosed(address(), { order: [2, 0, 1], promoted: [2], hash: "first" })]);
  const second = markClosed(address(), { order: [0, 1, 2], promoted: [0], hash: "second" });
  await expect(store.transact([second])).rejects.toEqual(refused);
  expect(await readRung(store, address())).toMatchObject({
    state: "closed",
    members: [0, 1, 2],
    order: [2, 0, 1],
    promoted: [2],
    hash: "first",
  });
});

test("a rung that was never opened is not closed", async () => {
  nextStudy();
  await expect(
    store.transact([markClosed(address(), { order: [], promoted: [], hash: "" })]),
  ).rejects.toEqual(refused);
  expect(await readRung(store, address())).toBeNull();
});

test("every rung of every ladder of a study is deleted, and no other study's", async () => {
  nextStudy();
  const other = address();
  await store.transact([newRung(other, [0])]);
  nextStudy();
  for (const [bracket, rungs] of [3, 1, 2].entries()) {
    for (let rung = 0; rung < rungs; rung++) {
      await store.transact([
        newRung(address(rung, bracket), [0, 1]),
        newRungEntry(address(rung, bracket), 0, null),
      ]);
    }
  }
  await removeRungs(store, address().study);
  for (let bracket = 0; bracket < 3; bracket++) {
    for (let rung = 0; rung < 3; rung++) {
      expect(await store.query(rungPartition(address().study, bracket, rung), " ", "~")).toEqual([]);
    }
  }
  expect(await readRung(store, other)).not.toBeNull();
  await removeRungs(store, address().study);
});

test("rungs that only have entries are deleted too", async () => {
  nextStudy();
  await store.transact([newRungEntry(address(0), 4, { loss: 1 }), newRungEntry(address(1), 4, { loss: 2 })]);
  await removeRungs(store, address().study);
  for (let rung = 0; rung < 2; rung++) {
    expect(await store.query(rungPartition(address().study, 0, rung), " ", "~")).toEqual([]);
  }
});

test("a deletion that was cut short between two rungs finds the rest when it is repeated", async () => {
  nextStudy();
  for (let rung = 0; rung < 3; rung++) await store.transact([newRung(address(rung), [0])]);
  let writes = 0;
  const restore = injectFaults(client, (command) =>
    command === "BatchWriteItemCommand" && ++writes === 2 ? "crash-before" : "none",
  );
  await expect(removeRungs(store, address().study)).rejects.toThrow(Crash);
  restore();
  await removeRungs(store, address().study);
  for (let rung = 0; rung < 3; rung++) expect(await readRung(store, address(rung))).toBeNull();
});
