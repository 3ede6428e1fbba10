import { findHead, type Head, readHead } from "./head.ts";
import { readHint } from "./hint.ts";
import { headKey, hintKey, keyOf, segmentKey, studyPartition, UNFOLDED_RANGE } from "./keys.ts";
import type { Store } from "./store.ts";
import { jobOf, openRunsOf, readTrialItem, type TrialItem, type TrialOwner, trialNumber } from "./trial.ts";

/** What an ask reads of a study in one Query. */
export interface UnfoldedItems {
  readonly head: Head;
  readonly hint: ReturnType<typeof readHint>;
  /** In order of their numbers; those that an unswept segment holds too are among them. */
  readonly trials: readonly TrialItem[];
}

/**
 * Reads head, hint and the trials that are not folded in one strongly consistent Query; null when there is no head. A Query of
 * several pages is no snapshot: trials that are folded between two of them would be neither in a page nor in the
 * segments of the head, so the head is read again, and everything once more if a fold came between.
 */
export const readUnfolded = async (
  store: Store,
  { id, space }: TrialOwner,
): Promise<UnfoldedItems | null> => {
  const { from, to } = UNFOLDED_RANGE;
  const { items, pages } = await store.queryPages(studyPartition(id), from, to);
  const [first, ...rest] = items;
  if (first?.sk !== headKey(id).sk) return null;
  const head = readHead(id, first);
  if (pages > 1 && (await findHead(store, id))?.segments !== head.segments) {
    return readUnfolded(store, { id, space });
  }
  const hinted = rest[0]?.sk === hintKey(id).sk ? rest.shift() : undefined;
  return {
    head,
    hint: hinted === undefined ? null : readHint(hinted),
    trials: rest.map((item) => readTrialItem(space, id, item)),
  };
};

/** Ids of the jobs that run trials of a study, or may still run after their attempts; its head may be of any state. */
export const readRunningJobs = async (store: Store, study: string): Promise<string[]> => {
  const { from, to } = UNFOLDED_RANGE;
  const items = await store.query(studyPartition(study), from, to);
  return items.flatMap((item) => {
    const job = item.state === "running" ? jobOf(item) : null;
    const open = openRunsOf(item).map(({ jobId }) => jobId);
    return job?.jobId == null ? open : [job.jobId, ...open];
  });
};

/** The trials of a study that run, or whose jobs may run on, with their jobs; its head may be of any state. For what knows no search space. */
export const readRunning = async (
  store: Store,
  study: string,
): Promise<Pick<TrialItem, "study" | "number" | "state" | "attempt" | "job" | "open">[]> => {
  const { from, to } = UNFOLDED_RANGE;
  const items = await store.query(studyPartition(study), from, to);
  return items
    .filter(({ state, job, open }) => (state === "running" && job !== undefined) || open !== undefined)
    .map((item) => ({
      study,
      number: trialNumber(item),
      state: item.state as TrialItem["state"],
      attempt: Number(item.attempt),
      job: jobOf(item),
      ...(item.open !== undefined && { open: openRunsOf(item) }),
    }));
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
