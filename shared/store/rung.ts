import type { FiniteValues } from "../schemas/common.ts";
import { type Key, rungEntryKey, rungKey, rungPartition } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** There is one ladder a study so far. */
const BRACKET = 0;

/** One level of a halving ladder: who runs in it and, once it is closed, who goes on. */
export interface Rung {
  readonly state: "open" | "closed";
  /** Numbers of its trials, ascending. */
  readonly members: readonly number[];
  /** All members, best first; empty while it is open. */
  readonly order: readonly number[];
  readonly promoted: readonly number[];
  /** SHA-256 of what was decided and from which values. */
  readonly hash: string;
  /** What its trials came to so far: null for one that failed. */
  readonly results: ReadonlyMap<number, FiniteValues | null>;
}

/** Reads a rung with the results that came in; null when it was never opened. */
export const readRung = async (store: Store, study: string, rung: number): Promise<Rung | null> => {
  const items = await store.query(rungPartition(study, BRACKET, rung), " ", "~");
  const head = items.find((item) => item.sk === rungKey(study, BRACKET, rung).sk);
  if (head === undefined) return null;
  const entries = items.filter((item) => item !== head);
  return {
    state: head.state === "closed" ? "closed" : "open",
    members: JSON.parse(String(head.members)) as number[],
    order: JSON.parse(String(head.order)) as number[],
    promoted: JSON.parse(String(head.promoted)) as number[],
    hash: String(head.hash),
    results: new Map(
      entries.map((item) => [Number(item.trial), JSON.parse(String(item.values)) as FiniteValues | null]),
    ),
  };
};

/** Opens a rung; fails under the name "rung" when it was opened before. */
export const newRung = (study: string, rung: number, members: readonly number[]): Change => ({
  name: "rung",
  key: rungKey(study, BRACKET, rung),
  put: { state: "open", members: JSON.stringify(members), order: "[]", promoted: "[]", hash: "" },
  when: { expression: "attribute_not_exists(pk)" },
});

/** Closes a rung, once: fails under the name "rung" when it is closed already. */
export const rungClosed = (
  study: string,
  rung: number,
  decided: Pick<Rung, "order" | "promoted" | "hash">,
): Change => ({
  name: "rung",
  key: rungKey(study, BRACKET, rung),
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

/** What a trial came to at a rung; written in the transaction that ends its run there. */
export const newRungEntry = (
  study: string,
  rung: number,
  trial: number,
  values: FiniteValues | null,
): Change => ({
  name: "rung-entry",
  key: rungEntryKey(study, BRACKET, rung, trial),
  put: { trial, values: JSON.stringify(values) },
});

/** Deletes a study's rungs, the topmost first, so that a pass that was cut short can be repeated. */
export const removeRungs = async (store: Store, study: string): Promise<void> => {
  const rungs: Key[][] = [];
  for (;;) {
    const items = await store.query(rungPartition(study, BRACKET, rungs.length), " ", "~");
    if (items.length === 0) break;
    rungs.push(items.map((item) => ({ pk: String(item.pk), sk: String(item.sk) })));
  }
  for (const keys of rungs.reverse()) await store.removeAll(keys);
};
