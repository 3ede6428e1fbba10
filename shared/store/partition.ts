import { type Head, readHead } from "./head.ts";
import { readHint } from "./hint.ts";
import { headKey, hintKey, keyOf, specKey, studyPartition, UNFOLDED_RANGE } from "./keys.ts";
import type { Store } from "./store.ts";
import { readTrialItem, type TrialItem } from "./trial.ts";

/** What an ask reads of a study in one Query. */
export interface UnfoldedItems {
  readonly head: Head;
  readonly hint: ReturnType<typeof readHint>;
  /** In order of their numbers; those that an unswept segment holds too are among them. */
  readonly trials: readonly TrialItem[];
}

/** Reads head, hint and the trials that are not folded in one strongly consistent Query; null when there is no head. */
export const readUnfolded = async (store: Store, study: string): Promise<UnfoldedItems | null> => {
  const { from, to } = UNFOLDED_RANGE;
  const [first, ...rest] = await store.query(studyPartition(study), from, to);
  if (first?.sk !== headKey(study).sk) return null;
  const hinted = rest[0]?.sk === hintKey(study).sk ? rest.shift() : undefined;
  return {
    head: readHead(study, first),
    hint: hinted === undefined ? null : readHint(hinted),
    trials: rest.map((item) => readTrialItem(study, item)),
  };
};

/**
 * Deletes items of a study's partition, but not its head and its spec, which go last.
 * @param most items to look at in this call.
 * @returns how many were deleted, and whether none of them is left.
 */
export const removeStudyItems = async (
  store: Store,
  study: string,
  most: number,
): Promise<{ readonly deleted: number; readonly isEmpty: boolean }> => {
  const last = new Set([headKey(study).sk, specKey(study).sk]);
  const items = await store.query(studyPartition(study), " ", "~", most);
  const keys = items.map(keyOf).filter(({ sk }) => !last.has(sk));
  await store.removeAll(keys);
  return { deleted: keys.length, isEmpty: items.length < most };
};
