import { changeHead } from "../../store/head.ts";
import { headKey, trialKey } from "../../store/keys.ts";
import { encodeSegment, MAX_SEGMENT_BYTES, newSegment } from "../../store/segment.ts";
import { ConditionFailed } from "../../store/store.ts";
import { isFinished, type TrialItem } from "../../store/trial.ts";
import { bestOf } from "../../study/best.ts";
import { isAwaited } from "../../study/job.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "./deps.ts";
import { readOpen, type Snapshot, segmentsOf } from "./snapshot.ts";

/**
 * Folding keeps the cost of an ask from growing with the study: when the tail of finished trials is long, the ask
 * that notices packs it into a segment.
 */

/** Finished trials in the tail at which it is folded. */
export const FOLD_AT = 256;
/** The latest to end stay in the tail, so that a repeated tell and a trial's own token find them where they were. */
const KEEP = 32;

/**
 * Folds the tail if it is long, in two steps: put the segment and name it in the head in one transaction, then delete
 * what it holds. A crash between the two is harmless: the head says which segment is not swept yet, readers count its
 * trials once, and whoever comes next sweeps first.
 */
export const foldIfDue = async (deps: ServiceDeps, study: LoadedStudy, seen: Snapshot): Promise<void> => {
  if (seen.trials.filter((trial) => isFinished(trial.state)).length < FOLD_AT && seen.head.unswept < 0)
    return;
  try {
    const snapshot = await readOpen(deps, study);
    if (snapshot.head.unswept >= 0) return await sweep(deps, study, snapshot.head.unswept);
    await fold(deps, snapshot);
  } catch (error) {
    // Someone else folded, or asked, first: the next ask sees to what is left.
    if (!(error instanceof ConditionFailed)) throw error;
  }
};

const fold = async (deps: ServiceDeps, snapshot: Snapshot): Promise<void> => {
  const { study, head } = snapshot;
  const finished = snapshot.trials
    .filter((trial) => isFinished(trial.state) && !isAwaited(trial))
    .sort((a, b) => (a.finished ?? 0) - (b.finished ?? 0))
    .slice(0, -KEEP);
  const { trials, bytes } = pack(study, finished);
  if (trials.length === 0) return;
  const count = (state: TrialItem["state"]) => trials.filter((trial) => trial.state === state).length;
  const folded = head.foldedBest === "" ? [] : [{ ...JSON.parse(head.foldedBest), state: "completed" }];
  const [best] = study.spec.objectives.length === 1 ? bestOf(study.spec, [...folded, ...trials]) : [];
  await deps.store.transact([
    changeHead(head, {
      segments: head.segments + 1,
      unswept: head.segments,
      foldedCompleted: head.folded.completed + count("completed"),
      foldedPruned: head.folded.pruned + count("pruned"),
      foldedFailed: head.folded.failed + count("failed"),
      foldedBest: best === undefined ? "" : JSON.stringify(best),
    }),
    newSegment(study.id, head.segments, bytes),
  ]);
  await sweep(deps, study, head.segments);
};

/** As many trials as fit a segment. */
const pack = (study: LoadedStudy, finished: readonly TrialItem[]) => {
  let trials = finished;
  let bytes = encodeSegment(study.space, trials);
  while (bytes.length > MAX_SEGMENT_BYTES) {
    trials = trials.slice(0, Math.floor(trials.length / 2));
    bytes = encodeSegment(study.space, trials);
  }
  return { trials, bytes };
};

/** Deletes the tail items that a segment holds, and says so in the head. */
const sweep = async (deps: ServiceDeps, study: LoadedStudy, k: number): Promise<void> => {
  const segments = await segmentsOf(deps, study, k, k + 1);
  await deps.store.removeAll(
    segments.flatMap((segment) => Array.from(segment.numbers, (number) => trialKey(study.id, number))),
  );
  await deps.store.update({
    name: "head",
    key: headKey(study.id),
    update: { set: { unswept: -1 } },
    when: { expression: "#unswept = :k", values: { k } },
  });
};
