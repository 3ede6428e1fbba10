import { expect, test } from "vitest";
import { EMPTY_TABLE, withEntry, withoutWaiting } from "../../../shared/scheduler/rung-table.ts";
import { ladderPartition } from "../../../shared/store/keys.ts";
import {
  changeTable,
  noteLost,
  RUNG_TABLE,
  readLadders,
  readRungTable,
  readRungTables,
  removeLadders,
  tableIn,
} from "../../../shared/store/rung-table.ts";
import { onePerItem } from "../../../shared/store/store.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

let studies = 0;
const nextStudy = () => `ladder-study-${studies++}`;
const at = (study: string, bracket = 0, rung = 0, table = 0) => ({ study, bracket, rung, table });
const standing = (trial: number, cost = trial / 10) => ({ trial, costs: [cost], violation: 0 });
const refused = expect.objectContaining({ names: new Set([RUNG_TABLE]) });

test("a rung that nobody has come to is empty, and its tables are read one by one and together", async () => {
  const study = nextStudy();
  const empty = await readRungTable(store, at(study));
  expect(empty).toEqual({ table: EMPTY_TABLE, rev: 0, failed: 0 });
  await store.transact([changeTable(at(study), empty, withEntry(EMPTY_TABLE, standing(2), 64))]);
  await store.transact([changeTable(at(study, 0, 0, 1), empty, withEntry(EMPTY_TABLE, standing(1), 0))]);
  const tables = await readRungTables(store, at(study));
  expect([...tables.keys()]).toEqual([0, 1]);
  expect(tableIn(tables, 0)).toMatchObject({ rev: 1, table: { entered: 1, waiting: [standing(2)] } });
  expect(tableIn(tables, 1)).toMatchObject({ rev: 1, table: { entered: 1, waiting: [] } });
  expect(tableIn(tables, 2)).toEqual(empty);
  expect(await readRungTable(store, at(study, 0, 0, 1))).toEqual(tableIn(tables, 1));
});

test("of two changes of a table that was read once, one is refused, at the first change and at later ones", async () => {
  const study = nextStudy();
  for (const round of [1, 2]) {
    const read = await readRungTable(store, at(study));
    const first = changeTable(at(study), read, withEntry(read.table, standing(10 * round), 64));
    const second = changeTable(at(study), read, withEntry(read.table, standing(10 * round + 1), 64));
    await store.transact([first]);
    await expect(store.transact([second])).rejects.toEqual(refused);
    expect((await readRungTable(store, at(study))).table.entered).toBe(round);
  }
});

test("failures are counted beside the changes of a table, and hold none of them up", async () => {
  const study = nextStudy();
  const empty = await readRungTable(store, at(study));
  await store.transact([noteLost(at(study), 3)]);
  // The table was read before the failure was noted.
  await store.transact([changeTable(at(study), empty, withEntry(EMPTY_TABLE, standing(1), 64))]);
  await store.transact([noteLost(at(study), 4)]);
  expect(await readRungTable(store, at(study))).toMatchObject({ rev: 1, failed: 2, table: { entered: 1 } });
});

test("several changes of one table make one, which holds only if the table is as it was read", async () => {
  const study = nextStudy();
  const read = await readRungTable(store, at(study));
  await store.transact([changeTable(at(study), read, withEntry(read.table, standing(1), 64))]);
  const waits = await readRungTable(store, at(study));
  const changes = onePerItem([
    noteLost(at(study), 8),
    changeTable(at(study), waits, withoutWaiting(waits.table, 1)),
    noteLost(at(study), 9),
    noteLost(at(study, 0, 1), 7),
  ]);
  expect(changes.map(({ name }) => name)).toEqual([RUNG_TABLE, "lost"]);
  await store.transact(changes);
  expect(await readRungTable(store, at(study))).toMatchObject({
    rev: 2,
    failed: 2,
    table: { promoted: 1, waiting: [] },
  });
  await expect(store.transact(changes)).rejects.toEqual(refused);
  expect((await readRungTable(store, at(study))).failed).toBe(2);
});

test("changes of one item that are no updates cannot be one", () => {
  const key = { pk: "a", sk: "b" };
  expect(() =>
    onePerItem([
      { name: "first", key, remove: true },
      { name: "second", key, put: {} },
    ]),
  ).toThrow('"first" and "second" change the same item');
});

test("ladders are read from a bracket on, with who was lost on the way to each rung", async () => {
  const study = nextStudy();
  const read = { table: EMPTY_TABLE, rev: 0, failed: 0 };
  for (const bracket of [0, 1, 2, 10]) {
    const entered = withEntry(EMPTY_TABLE, standing(bracket), 64);
    await store.transact([
      changeTable(at(study, bracket, 0), read, entered),
      changeTable(at(study, bracket, 1, 3), read, entered),
      noteLost(at(study, bracket, 1), 100 + bracket),
    ]);
  }
  const ladders = await readLadders(store, study, 2);
  const seen = (bracket: number, rung: number) => {
    const { tables, lost } = ladders.at({ bracket, rung });
    return [[...tables.keys()], [...lost]];
  };
  expect(seen(1, 0)).toEqual([[], []]);
  expect(seen(2, 0)).toEqual([[0], []]);
  expect(seen(2, 1)).toEqual([[3], [102]]);
  expect(seen(10, 1)).toEqual([[3], [110]]);
  expect(seen(10, 2)).toEqual([[], []]);
});

test("all of a study's ladders are deleted, and no other study's", async () => {
  const [study, other] = [nextStudy(), nextStudy()];
  const read = { table: EMPTY_TABLE, rev: 0, failed: 0 };
  for (const id of [study, other]) {
    await store.transact([
      changeTable(at(id, 3, 2), read, EMPTY_TABLE),
      noteLost(at(id), 1),
      noteLost(at(id, 0, 1), 2),
    ]);
  }
  await removeLadders(store, study);
  expect(await store.query(ladderPartition(study), " ", "~")).toEqual([]);
  expect(await store.query(ladderPartition(other), " ", "~")).toHaveLength(3);
});
