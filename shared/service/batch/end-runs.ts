import { OUR_TERMINATION } from "../../executor/batch/ending.ts";
import { findHead } from "../../store/head.ts";
import { readRunningJobs } from "../../store/partition.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { partsIn } from "../core/parts.ts";
import { stopRounds } from "./stop.ts";

/** Jobs that are ended at the same time. */
const WIDTH = 10;

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
  const head = await findHead(deps.store, id);
  if (head === null || head.generation === 0) return true;
  try {
    const study = await loadStudyById(deps, id);
    if (study !== null) await stopRounds(deps, { study, head }, "The study was deleted.");
    const holders = [id, ...(study === null ? [] : partsIn(study)).map((part) => part.id)];
    const jobs = (await Promise.all(holders.map((holder) => readRunningJobs(deps.store, holder)))).flat();
    const ending = jobs.slice(0, most);
    for (let i = 0; i < ending.length; i += WIDTH) {
      const some = ending.slice(i, i + WIDTH);
      await Promise.all(some.map((job) => deps.batch.terminate(job, `${OUR_TERMINATION} study deleted`)));
    }
    if (jobs.length > most) return false;
    for (const definition of [head.definition, head.retired]) {
      if (definition !== "") await deps.batch.deregister(definition);
    }
    return true;
  } catch (error) {
    deps.log("end-runs-failed", { study: id, error: error instanceof Error ? error.name : "unknown" });
    return false;
  }
};
