import type { Fault } from "../sentences/faults.ts";

/** Collects the faults of a request: the JSON pointer of the field, and the facts of what is wrong with it. */
export type Report = (pointer: string, fault: Fault) => void;

/** At most this many names or choices are listed in a fault. */
const MOST_LISTED = 10;

/** The first few of some items, and whether there are more: what a fault lists. */
export const listed = <T>(items: Iterable<T>): { known: readonly T[]; hasMore: boolean } => {
  const all = [...items];
  return { known: all.slice(0, MOST_LISTED), hasMore: all.length > MOST_LISTED };
};
