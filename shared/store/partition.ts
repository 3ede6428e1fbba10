import { type Head, readHead } from "./head.ts";
import { readHint } from "./hint.ts";
import { headKey, hintKey, keyOf, segmentKey, studyPartition, UNFOLDED_RANGE } from "./keys.ts";
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
 * Deletes a study's hint and its trials that are not folded: from then on no attempt of it can change anything.
 * @param most items to look at in this call.
 * @returns whether none is left.
 */
export const removeUnfolded = async (store: Store, study: string, most: number): Promise<boolean> => {
  const { from, to } = UNFOLDED_RANGE;
  const items = await store.query(studyPartition(study), from, to, most);
  const { sk: head } = headKey(study);
  await store.removeAll(items.map(keyOf).filter(({ sk }) => sk !== head));
  return items.length < most;
};

/** Deletes a study's segments by their keys: reading them costs as much as many asks. */
export const removeSegments = (store: Store, { study, segments }: Head): Promise<void> =>
  store.removeAll(Array.from({ length: segments }, (_, k) => segmentKey(study, k)));
