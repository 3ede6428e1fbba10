import type { FiniteValues } from "../values.ts";
import { toJson } from "./json.ts";
import { type Key, keyOf, rungEntryKey, rungKey, rungPartition } from "./keys.ts";
import type { Change, Item, Store } from "./store.ts";

/** Which rung of which ladder of a study. */
export interface RungAddress {
  readonly study: string;
  readonly bracket: number;
  readonly rung: number;
}

/** The name under which opening and closing a rung fail. */
export const RUNG = "rung";

/** One level of a ladder: its trials and, once it is closed, those that go on. */
export interface Rung {
  readonly state: "open" | "closed";
  /** Numbers of its trials, ascending. */
  readonly members: readonly number[];
  /** All members, best first; empty while it is open. */
  readonly order: readonly number[];
  readonly promoted: readonly number[];
  /** SHA-256 of what was decided and from which values. */
  readonly hash: string;
  /** The values of its trials so far: null for a trial that failed. */
  readonly results: ReadonlyMap<number, FiniteValues | null>;
}

/** Reads a rung with the results that came in; null when it was never opened. */
export const readRung = async (store: Store, address: RungAddress): Promise<Rung | null> => {
  const { study, bracket, rung } = address;
  const items = await store.query(rungPartition(study, bracket, rung), " ", "~");
  const head = items.find((item) => item.sk === rungKey(study, bracket, rung).sk);
  if (head === undefined) return null;
  const entries = items.filter((item) => item !== head);
  return {
    state: head.state === "closed" ? "closed" : "open",
    members: JSON.parse(String(head.members)) as number[],
    order: JSON.parse(String(head.order)) as number[],
    promoted: JSON.parse(String(head.promoted)) as number[],
    hash: String(head.hash),
    results: resultsOf(entries),
  };
};

const resultsOf = (entries: readonly Item[]): ReadonlyMap<number, FiniteValues | null> =>
  new Map(entries.map((item) => [Number(item.trial), JSON.parse(String(item.values))]));

/** Opens a rung; fails under the name RUNG when it was opened before. */
export const newRung = ({ study, bracket, rung }: RungAddress, members: readonly number[]): Change => ({
  name: RUNG,
  key: rungKey(study, bracket, rung),
  put: { state: "open", members: JSON.stringify(members), order: "[]", promoted: "[]", hash: "" },
  when: { expression: "attribute_not_exists(pk)" },
});

/** Closes a rung, once: fails under the name RUNG when it is closed already. */
export const markClosed = (
  { study, bracket, rung }: RungAddress,
  decided: Pick<Rung, "order" | "promoted" | "hash">,
): Change => ({
  name: RUNG,
  key: rungKey(study, bracket, rung),
  update: {
    set: {
      state: "closed",
      order: JSON.stringify(decided.order),
      promoted: JSON.stringify(decided.promoted),
      hash: decided.hash,
    },
  },
  when: { expression: "#state = :open", values: { open: "open" } },
});

const changeList = (
  { study, bracket, rung }: RungAddress,
  list: "members" | "promoted",
  before: readonly number[],
  after: readonly number[],
): Change => ({
  name: RUNG,
  key: rungKey(study, bracket, rung),
  update: { set: { [list]: JSON.stringify(after) } },
  when: { expression: `#${list} = :before`, values: { before: JSON.stringify(before) } },
});

/** More trials of a closed rung go on; fails under the name RUNG when others have been promoted since. */
export const promoteMore = (address: RungAddress, { promoted }: Rung, more: readonly number[]): Change =>
  changeList(address, "promoted", promoted, [...promoted, ...more]);

/** More trials come to an open rung; fails under the name RUNG when others have come since. */
export const addMembers = (address: RungAddress, { members }: Rung, more: readonly number[]): Change =>
  changeList(
    address,
    "members",
    members,
    [...members, ...more].sort((a, b) => a - b),
  );

/** The values of a trial at a rung; written in the transaction that ends its run there or records its report. */
export const newRungEntry = (
  { study, bracket, rung }: RungAddress,
  trial: number,
  values: FiniteValues | null,
): Change => ({
  name: "rung-entry",
  key: rungEntryKey(study, bracket, rung, trial),
  put: { trial, values: toJson(values) },
});

/**
 * Deletes a study's rungs, the topmost of the last bracket first, so that a pass that was cut short can be repeated.
 * Brackets and rungs are numbered without gaps from 0.
 */
export const removeRungs = async (store: Store, study: string): Promise<void> => {
  const rungs: Key[][] = [];
  for (let bracket = 0; ; bracket++) {
    const before = rungs.length;
    for (let rung = 0; ; rung++) {
      const items = await store.query(rungPartition(study, bracket, rung), " ", "~");
      if (items.length === 0) break;
      rungs.push(items.map(keyOf));
    }
    if (rungs.length === before) break;
  }
  for (const keys of rungs.reverse()) await store.removeAll(keys);
};
