import { StudyNotRunning } from "../errors.ts";
import type { StudyState, TrialCounts } from "../schemas/study.ts";
import type { Head } from "../store/head.ts";
import type { TrialItem } from "../store/trial.ts";
import type { Snapshot } from "./snapshot.ts";

/** Trials that have not ended: while there are any, the study is not finished. */
export const isUnfinished = ({ state }: Pick<TrialItem, "state">): boolean =>
  state === "running" || state === "queued" || state === "paused";

/** Trials handed out so far, as the budget counts them. */
export const trialsUsed = ({ next, imported }: Head): number => next - imported;

/** How many new trials the budget still allows. */
export const trialsLeft = (head: Head): number =>
  head.exhausted ? 0 : Math.max(0, head.trials - trialsUsed(head));

/** Paused trials in segments: of all numbers, those that are neither in the tail nor folded with an end. */
const pausedAndFolded = ({ head, trials }: Pick<Snapshot, "head" | "trials">): number => {
  const { completed, pruned, failed } = head.folded;
  return head.next - trials.length - completed - pruned - failed;
};

/**
 * The state as callers see it. A batch study that is not started hands out nothing, so it is not called running; to Hone itself
 * that makes no difference, because what dispatches looks at `started`.
 */
export const shownState = (snapshot: Pick<Snapshot, "study" | "head" | "trials">): StudyState => {
  const state = stateOf(snapshot);
  const waits = snapshot.study.spec.executor.type === "batch" && !snapshot.head.started;
  return state === "running" && waits ? "ready" : state;
};

/** A study is finished when its budget is used up, or nothing new is left to try, and every trial has ended. */
export const stateOf = ({ head, trials }: Pick<Snapshot, "head" | "trials">): StudyState => {
  const mayGoOn = (trial: TrialItem) => isUnfinished(trial) && !(trial.state === "paused" && head.settled);
  const isPaused = !head.settled && pausedAndFolded({ head, trials }) > 0;
  const isOver = trialsLeft(head) === 0 && !isPaused && !trials.some(mayGoOn);
  if (isOver && head.state !== "deleting") return "finished";
  return head.state;
};

/**
 * @param head of a study that its model may have ended.
 * @throws StudyNotRunning when the study is paused or finished.
 */
export const refuseUnlessRunning = (state: StudyState, head: Pick<Head, "ended"> | null = null): void => {
  if (state === "paused") throw new StudyNotRunning({ kind: "study-paused" });
  if (state !== "finished") return;
  throw new StudyNotRunning(head?.ended ? { kind: "not-worth-more" } : { kind: "study-finished" });
};

/** Trials of the study by their state, the folded ones included. */
export const countTrials = ({ head, trials }: Snapshot): TrialCounts => {
  const paused = pausedAndFolded({ head, trials });
  const counts: TrialCounts = { queued: 0, running: 0, ...head.folded, paused };
  for (const trial of trials) counts[trial.state]++;
  // Those that will never go on have been pruned.
  return head.settled ? { ...counts, paused: 0, pruned: counts.pruned + counts.paused } : counts;
};
