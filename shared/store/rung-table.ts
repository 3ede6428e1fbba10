import { EMPTY_TABLE, type RungTable } from "../scheduler/rung-table.ts";
import {
  bracketPrefix,
  keyOf,
  ladderPartition,
  lostTrialKey,
  rungTableKey,
  rungTablePrefix,
} from "./keys.ts";
import { packTable, unpackTable } from "./packed-table.ts";
import type { RungAddress } from "./rung.ts";
import type { Change, Item, Store } from "./store.ts";

/**
 * What rungs have seen, for schedulers that reports and asks carry: a few tables a rung, each of a bounded size and changed on
 * the revision that was read, so that a report costs the same in a study of any length.
 */

/** The name under which changes of a table fail. */
export const RUNG_TABLE = "rung-table";

/** Which of a rung's tables. */
export interface TableAddress extends RungAddress {
  readonly table: number;
}

/** A table as it was read; revision 0 when there was none. */
export interface StoredTable {
  readonly table: RungTable;
  readonly rev: number;
  /** Trials that failed on their way to the bottom rung. */
  readonly failed: number;
}

/** A rung as it was read. */
export interface StoredRung {
  /** By the number of the table; those that are missing are empty. */
  readonly tables: ReadonlyMap<number, StoredTable>;
  /** Trials that failed on their way from the rung below. */
  readonly lost: ReadonlySet<number>;
}

const EMPTY: StoredTable = { table: EMPTY_TABLE, rev: 0, failed: 0 };

const read = (item: Item): StoredTable => ({
  table: item.data === undefined ? EMPTY_TABLE : unpackTable(item.data as Uint8Array),
  rev: Number(item.rev ?? 0),
  failed: Number(item.failed ?? 0),
});

/** The tables of one rung: what a report there is compared with. */
export const readRungTables = async (
  store: Store,
  { study, bracket, rung }: RungAddress,
): Promise<ReadonlyMap<number, StoredTable>> => {
  const items = await store.list(ladderPartition(study), rungTablePrefix(bracket, rung));
  return new Map(items.map((item) => [placeIn(item).number, read(item)]));
};

/** Reads one table of a rung; an empty one when there is none. */
export const readRungTable = async (
  store: Store,
  { study, bracket, rung, table }: TableAddress,
): Promise<StoredTable> => {
  const item = await store.get(rungTableKey(study, bracket, rung, table));
  return item === null ? EMPTY : read(item);
};

/** What a sort key of the partition says. */
const placeIn = (item: Item) => {
  const [bracket, rung, what, number] = keyOf(item).sk.split("#");
  return { place: `${Number(bracket)}#${Number(rung)}`, what, number: Number(number) };
};

/** Every rung that anything has come to. */
export interface StoredLadders {
  at(place: { readonly bracket: number; readonly rung: number }): StoredRung;
}

/** Reads all rungs, from a bracket on. */
export const readLadders = async (store: Store, study: string, from: number): Promise<StoredLadders> => {
  const rungs = new Map<string, { tables: Map<number, StoredTable>; lost: Set<number> }>();
  for (const item of await store.query(ladderPartition(study), bracketPrefix(from), "~")) {
    const { place, what, number } = placeIn(item);
    const rung = rungs.get(place) ?? { tables: new Map(), lost: new Set() };
    rungs.set(place, rung);
    if (what === "TABLE") rung.tables.set(number, read(item));
    else rung.lost.add(number);
  }
  const none: StoredRung = { tables: new Map(), lost: new Set() };
  return { at: ({ bracket, rung }) => rungs.get(`${bracket}#${rung}`) ?? none };
};

/** The table as it was read, an empty one when there was none. */
export const tableIn = (tables: StoredRung["tables"], table: number): StoredTable =>
  tables.get(table) ?? EMPTY;

/** Replaces a table; fails under the name RUNG_TABLE when another report or ask has changed it since it was read. */
export const changeTable = (
  { study, bracket, rung, table }: TableAddress,
  stored: StoredTable,
  next: RungTable,
): Change => ({
  name: RUNG_TABLE,
  key: rungTableKey(study, bracket, rung, table),
  update: { set: { data: packTable(next), rev: stored.rev + 1 } },
  when:
    stored.rev === 0
      ? { expression: "attribute_not_exists(#rev)" }
      : { expression: "#rev = :rev", values: { rev: stored.rev } },
});

/** Notes that a trial failed on its way to a rung. It holds no report up: revisions stay. */
export const noteLost = ({ study, bracket, rung, table }: TableAddress, trial: number): Change =>
  rung === 0
    ? { name: "lost", key: rungTableKey(study, bracket, rung, table), update: { add: { failed: 1 } } }
    : { name: "lost", key: lostTrialKey(study, bracket, rung, trial), put: { trial } };

/** Keys of all that a study's ladders hold. */
export const removeLadders = (store: Store, study: string): Promise<void> =>
  store.removePartition(ladderPartition(study));
