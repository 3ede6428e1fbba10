import { OUR_TERMINATION } from "../../executor/batch/ending.ts";
import { ConditionFailed } from "../../store/store.ts";
import { changeTrial, sameJob, type TrialItem } from "../../store/trial.ts";
import { isActive } from "../../study/job.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { stopOf } from "./after-end.ts";

const STOPPED = "The study was stopped.";

/**
 * Puts the trials of a stopped study back, so that they wait for its next start: those on their way, and unless they may
 * drain those that run, whose jobs are ended. The store comes first: from then on the job's attempt is stale. Each trial
 * is its own step, so that what a crash leaves the reconciler does.
 * @param most trials to put back in this call.
 * @returns whether nothing is left to be put back.
 */
export const putBack = async (
  deps: ServiceDeps,
  { study, trials }: Snapshot,
  drain: boolean,
  most = Number.POSITIVE_INFINITY,
): Promise<boolean> => {
  const concerned = trials.filter((trial) => isActive(trial) && (trial.state === "queued" || !drain));
  let complete = concerned.length <= most;
  for (const trial of concerned.slice(0, Math.min(most, concerned.length))) {
    if (!(await putOneBack(deps, study, trial))) complete = false;
  }
  return complete;
};

const putOneBack = async (deps: ServiceDeps, study: LoadedStudy, trial: TrialItem): Promise<boolean> => {
  const end = stopOf(study, trial, STOPPED, deps.clock());
  const patch = trial.state === "running" ? end.patch : { job: null };
  try {
    await deps.store.transact([changeTrial(trial, patch, sameJob(trial)), ...end.changes]);
  } catch (error) {
    // Told, claimed or dispatched meanwhile: read again, it is another case.
    if (error instanceof ConditionFailed) return false;
    throw error;
  }
  if (trial.job?.jobId != null)
    await deps.batch.terminate(trial.job.jobId, `${OUR_TERMINATION} study stopped`);
  return true;
};
