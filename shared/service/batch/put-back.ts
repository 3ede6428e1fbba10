import { OUR_TERMINATION } from "../../executor/batch/ending.ts";
import { changeTrial, sameJob, type TrialItem } from "../../store/trial.ts";
import { stopOf } from "../../study/ends.ts";
import { isActive } from "../../study/job.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commitOnce } from "../core/commit.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { readParts } from "../core/parts.ts";

/**
 * Puts the trials of a stopped study and of its parts back, so that they wait for its next start: queued ones, and unless they may
 * drain running ones, whose jobs are ended. The store comes first: from then on the job's attempt is stale. Each trial
 * is its own step, so that what a crash leaves the reconciler does.
 * @param most trials to put back in this call.
 * @returns whether nothing is left to be put back.
 */
export const putBack = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  drain: boolean,
  most = Number.POSITIVE_INFINITY,
): Promise<boolean> => {
  // What was started again since is no longer stopped.
  const parts = (await readParts(deps, snapshot.study)).filter(({ head }) => !head.started);
  const holders = [snapshot, ...parts];
  const concerned = holders.flatMap(({ study, trials }) =>
    trials
      .filter((trial) => isActive(trial) && (trial.state === "queued" || !drain))
      .map((trial) => ({ study, trial })),
  );
  let isComplete = concerned.length <= most;
  for (const { study, trial } of concerned.slice(0, most)) {
    if (!(await putOneBack(deps, study, trial))) isComplete = false;
  }
  return isComplete;
};

/** @returns false when the trial was told, claimed or dispatched meanwhile and must be read again. */
const putOneBack = async (deps: ServiceDeps, study: LoadedStudy, trial: TrialItem): Promise<boolean> => {
  const end = stopOf(study, trial, deps.clock());
  const patch = trial.state === "running" ? end.patch : { job: null };
  const isBack = await commitOnce(deps, [changeTrial(trial, patch, sameJob(trial)), ...end.changes]);
  if (!isBack) return false;
  if (trial.job?.jobId != null)
    await deps.batch.terminate(trial.job.jobId, `${OUR_TERMINATION} study stopped`);
  return true;
};
