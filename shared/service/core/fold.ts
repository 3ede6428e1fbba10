import { changeHead, type Head, markSwept } from "../../store/head.ts";
import { trialKey } from "../../store/keys.ts";
import { encodeSegment, MAX_SEGMENT_BYTES, newSegment } from "../../store/segment.ts";
import type { Change } from "../../store/store.ts";
import { isFinished, removePaused, type TrialItem } from "../../store/trial.ts";
import { mergeFoldedBest } from "../../study/best.ts";
import { isAwaited } from "../../study/job.ts";
import { hasOpenRuns } from "../../study/open-runs.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { chance } from "./chance.ts";
import { commitOnce, updateOnce } from "./commit.ts";
import type { ServiceDeps } from "./deps.ts";
import { followUp } from "./follow-up.ts";
import { segmentsOf } from "./segments.ts";
import { readSnapshot } from "./snapshot.ts";

/**
 * Folding keeps the cost of an ask from growing with the study: when the tail of finished trials is long, the ask
 * that notices packs it into a segment.
 */

/** Finished trials in the tail at which it is folded. */
export const FOLD_AT = 64;
/** The last ones to end stay in the tail, so that a repeated tell and a trial's own token still find their item. */
export const KEEP = 16;
/** Workers of whom each may fold. */
const FEW_RUNNING = 8;

/**
 * Folds the tail if it is long, in two steps: put the segment and name it in the head in one transaction, then delete
 * what it holds. A crash between the two is harmless: the head says which segment is not swept yet, readers count its
 * trials once, and the next fold sweeps first. Folding is left to a later ask when anything fails.
 */
export const foldIfDue = (deps: ServiceDeps, study: LoadedStudy, seen: Snapshot): Promise<void> =>
  followUp(deps, study.id, async () => {
    const foldable = seen.trials.filter((trial) => isFoldable(study, trial)).length;
    if (foldable < FOLD_AT && seen.head.unswept < 0) return;
    if (foldable < 2 * FOLD_AT && !isItsTurn(deps, seen)) return;
    const snapshot = await readSnapshot(deps, study);
    if (snapshot.head.unswept >= 0) await sweep(deps, study, snapshot.head.unswept);
    else await fold(deps, snapshot);
  });

/** Where many workers ask, only some asks try: one fold wins, and the others would have read and packed for nothing. */
const isItsTurn = (deps: ServiceDeps, { trials }: Snapshot): boolean => {
  const running = trials.filter(({ state }) => state === "running").length;
  return running <= FEW_RUNNING || chance(deps) < FEW_RUNNING / running;
};

/** Where a state machine runs rounds, paused trials wait in the tail: the next rung takes them from there. */
const isFoldable = ({ scheduler }: LoadedStudy, trial: TrialItem): boolean =>
  !isAwaited(trial) &&
  !hasOpenRuns(trial) &&
  (trial.state === "paused" ? scheduler.rounds === null : isFinished(trial.state));

const fold = async (deps: ServiceDeps, snapshot: Snapshot): Promise<void> => {
  const { study, head } = snapshot;
  const finished = snapshot.trials
    .filter((trial) => isFoldable(study, trial))
    .sort((a, b) => (a.finished ?? 0) - (b.finished ?? 0))
    .slice(0, -KEEP);
  const { trials, bytes } = pack(study, finished);
  if (trials.length === 0) return;
  const [patch, segment] = foldedInto(study, head, trials, bytes);
  const isFolded = await commitOnce(deps, [changeHead(head, { ...patch, unswept: head.segments }), segment]);
  // Another ask folded, or changed the head, first.
  if (isFolded) await sweep(deps, study, head.segments);
};

/** What a head and a new segment say once finished trials are packed into it. */
export const foldedInto = (
  study: LoadedStudy,
  head: Head,
  trials: readonly TrialItem[],
  bytes: Uint8Array,
): [Pick<Head, "segments" | "folded" | "foldedBest">, Change] => {
  const count = (state: TrialItem["state"]) => trials.filter((trial) => trial.state === state).length;
  const { completed, pruned, failed } = head.folded;
  const patch = {
    segments: head.segments + 1,
    folded: {
      completed: completed + count("completed"),
      pruned: pruned + count("pruned"),
      failed: failed + count("failed"),
    },
    foldedBest: mergeFoldedBest(study.spec, head, trials),
  };
  return [patch, newSegment(study.id, head.segments, bytes)];
};

/** As many trials as fit into a segment. */
const pack = (study: LoadedStudy, finished: readonly TrialItem[]) => {
  let trials = finished;
  let bytes = encodeSegment(study.space, trials);
  while (bytes.length > MAX_SEGMENT_BYTES) {
    trials = trials.slice(0, Math.floor(trials.length / 2));
    bytes = encodeSegment(study.space, trials);
  }
  return { trials, bytes };
};

const isPaused = ({ state }: TrialItem): boolean => state === "paused";

/** Paused trials deleted at the same time. */
const WIDTH = 16;

/** Deletes the tail items that a segment holds, and says so in the head. */
const sweep = async (deps: ServiceDeps, study: LoadedStudy, k: number): Promise<void> => {
  const segments = await segmentsOf(deps, study, k, k + 1);
  const held = segments.flatMap((segment) => Array.from(segment.numbers, (_, i) => segment.trial(i)));
  const [paused, ended] = [held.filter(isPaused), held.filter((trial) => !isPaused(trial))];
  await deps.store.removeAll(ended.map(({ number }) => trialKey(study.id, number)));
  for (let i = 0; i < paused.length; i += WIDTH) {
    // One that has gone on meanwhile stays.
    await Promise.all(paused.slice(i, i + WIDTH).map((trial) => commitOnce(deps, [removePaused(trial)])));
  }
  await updateOnce(deps, markSwept(study.id, k));
};
