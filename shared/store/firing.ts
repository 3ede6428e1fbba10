import { FIRING_PREFIX, firingKey, keyOf, sweepPartition } from "./keys.ts";
import type { Summary } from "./listing.ts";
import type { Change, Item, Store } from "./store.ts";

/**
 * What became of one firing of a sweep. The item is written in the transaction that creates the firing's study, and never removed
 * before its sweep: whoever delivers the firing again finds it.
 */
export interface FiringItem {
  readonly sweep: string;
  /** When it was due, or asked for, milliseconds since 1970. */
  readonly scheduled: number;
  /** Whether a person asked for it. */
  readonly manual: boolean;
  readonly outcome: FiringOutcome;
  readonly study: string | null;
  /** Why it has no study, in words; null if it has one that runs. */
  readonly reason: string | null;
  /** When the outcome was decided; of one with a study this is when that was created. */
  readonly at: number;
  /** What its study had come to when its sweep was about to delete it; null before. */
  readonly kept: Summary | null;
  /** Whether its sweep has deleted its study, or found it deleted. */
  readonly gone: boolean;
}

export type FiringOutcome = "created" | "skipped" | "queued" | "replaced" | "failed";

/** The name under which changes of a firing fail. */
export const FIRING = "firing";

const written = ({ sweep: _, scheduled, manual, study, reason, kept, ...plain }: FiringItem): Item => ({
  ...plain,
  scheduled,
  manual,
  ...(study !== null && { study }),
  ...(reason !== null && { reason }),
  ...(kept !== null && { kept: JSON.stringify(kept) }),
});

/** A firing that nobody has seen to; fails under the name FIRING when somebody has. */
export const newFiring = (firing: FiringItem): Change => ({
  name: FIRING,
  key: firingKey(firing.sweep, firing.scheduled, firing.manual),
  put: written(firing),
  when: { expression: "attribute_not_exists(pk)" },
});

/** Another outcome of a firing; fails under the name FIRING when it was given one since it was read. */
export const changeFiring = (firing: FiringItem, next: FiringItem): Change => ({
  name: FIRING,
  key: firingKey(firing.sweep, firing.scheduled, firing.manual),
  put: written(next),
  when: {
    expression: "#outcome = :outcome AND #at = :at AND #gone = :gone",
    values: { outcome: firing.outcome, at: firing.at, gone: firing.gone },
  },
});

const readFiring = (sweep: string, item: Item): FiringItem => ({
  sweep,
  scheduled: Number(item.scheduled),
  manual: item.manual === true,
  outcome: item.outcome as FiringOutcome,
  study: typeof item.study === "string" ? item.study : null,
  reason: typeof item.reason === "string" ? item.reason : null,
  at: Number(item.at),
  kept: typeof item.kept === "string" ? (JSON.parse(item.kept) as Summary) : null,
  gone: item.gone === true,
});

export const findFiring = async (
  store: Store,
  sweep: string,
  scheduled: number,
  manual: boolean,
): Promise<FiringItem | null> => {
  const item = await store.get(firingKey(sweep, scheduled, manual));
  return item === null ? null : readFiring(sweep, item);
};

/** Firings of a sweep, the newest first, from after a place on. */
export const readFirings = async (
  store: Store,
  sweep: string,
  after: string,
  limit: number,
): Promise<FiringItem[]> => {
  const items = await store.list(sweepPartition(sweep), FIRING_PREFIX, after, limit);
  return items.map((item) => readFiring(sweep, item));
};

/** Deletes firings. @param most in this call. @returns whether none is left. */
export const removeFirings = async (store: Store, sweep: string, most: number): Promise<boolean> => {
  const items = await store.list(sweepPartition(sweep), FIRING_PREFIX, "", most);
  await store.removeAll(items.map(keyOf));
  return items.length < most;
};
