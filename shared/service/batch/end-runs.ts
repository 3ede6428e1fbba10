import { OUR_TERMINATION } from "../../executor/batch/ending.ts";
import { readUnfolded } from "../../store/partition.ts";
import { executionOf } from "../../study/execution.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";

/**
 * Ends everything that runs for a study that is being deleted: its rounds, its jobs, its job definition. Repeating it is
 * harmless. Jobs whose id is not known yet are found by the reconciler among all jobs that are alive.
 * @param most jobs to end in this call.
 * @returns whether nothing is left to be ended.
 */
export const endRuns = async (
  deps: ServiceDeps,
  id: string,
  most = Number.POSITIVE_INFINITY,
): Promise<boolean> => {
  const items = await readUnfolded(deps.store, id);
  if (items === null || items.head.generation === 0) return true;
  const { head, trials } = items;
  try {
    const study = await loadStudyById(deps, id);
    const execution = study === null ? null : executionOf(study, head.generation);
    if (execution !== null) await deps.workflow.stop(execution, "The study was deleted.");
    const jobs = trials.flatMap(({ state, job }) =>
      state === "running" && job?.jobId != null ? [job.jobId] : [],
    );
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
