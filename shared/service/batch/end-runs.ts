import { OUR_TERMINATION } from "../../executor/batch/ending.ts";
import { readHead } from "../../store/head.ts";
import { END_OF_OPEN, headKey, trialKey } from "../../store/keys.ts";
import { readTrialItem } from "../../store/trial.ts";
import { loadStudyById } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";

/**
 * Ends everything that runs for a study that is being deleted: its rounds, its jobs, its job definition. Repeating it is
 * harmless. Jobs whose id is not known yet are found by the reconciler's look at what is alive.
 * @param most jobs to end in this call.
 * @returns whether nothing is left to be ended.
 */
export const endRuns = async (
  deps: ServiceDeps,
  id: string,
  most = Number.POSITIVE_INFINITY,
): Promise<boolean> => {
  const item = await deps.store.get(headKey(id));
  if (item === null) return true;
  const head = readHead(id, item);
  if (head.generation === 0) return true;
  try {
    const study = await loadStudyById(deps, id);
    if (study?.spec.scheduler.name === "sha") {
      await deps.rounds.stop(id, head.generation, "The study was deleted.");
    }
    const jobs = await runningJobs(deps, id);
    for (const job of jobs.slice(0, Math.min(most, jobs.length))) {
      await deps.batch.terminate(job, `${OUR_TERMINATION} study deleted`);
    }
    if (jobs.length > most) return false;
    if (head.definition !== "") await deps.batch.deregister(head.definition);
    return true;
  } catch (error) {
    deps.log("end-runs-failed", { study: id, error: error instanceof Error ? error.name : "unknown" });
    return false;
  }
};

const runningJobs = async (deps: ServiceDeps, id: string): Promise<string[]> => {
  const items = await deps.store.query(trialKey(id, 0).pk, trialKey(id, 0).sk, END_OF_OPEN);
  return items
    .map((item) => readTrialItem(id, item))
    .flatMap((trial) => (trial.state === "running" && trial.job?.jobId != null ? [trial.job.jobId] : []));
};
