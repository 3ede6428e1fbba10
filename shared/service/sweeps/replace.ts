import { Conflict, StudyNotFound } from "../../errors.ts";
import { changeSweep, findSweep } from "../../store/sweep.ts";
import { stopStudy } from "../batch/stop.ts";
import { commit } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { patchStudy } from "../studies/patch.ts";

/** Stops the studies of earlier firings that a later one has replaced. Repeating it is harmless. */
export const stopReplaced = async (deps: ServiceDeps, id: string): Promise<void> => {
  const stops = (await findSweep(deps.store, id))?.stops ?? [];
  if (stops.length === 0) return;
  for (const study of stops) await halt(deps, study);
  await commit(deps, noRequest, async () => {
    const sweep = await findSweep(deps.store, id);
    // One that was replaced meanwhile is still to be stopped.
    const left = sweep?.stops.filter((study) => !stops.includes(study)) ?? [];
    const isDone = sweep === null || left.length === sweep.stops.length;
    return { changes: isDone ? [] : [changeSweep(sweep, { stops: left })], answer: null };
  });
};

/** Stops a study, whoever runs its trials. */
const halt = async (deps: ServiceDeps, id: string): Promise<void> => {
  const study = await loadStudyById(deps, id);
  if (study === null) return;
  try {
    // A batch study that is paused, too, is not started any more by whoever is about to.
    await patchStudy(deps, study, { state: "paused" }, noRequest);
    if (study.spec.executor.type === "batch") await stopStudy(deps, study, {}, noRequest);
  } catch (error) {
    // It was deleted, or has finished meanwhile.
    if (!(error instanceof StudyNotFound || error instanceof Conflict)) throw error;
  }
};
