import { Conflict, StudyNotFound, StudyNotRunning } from "../../errors.ts";
import { firingReasonSentence } from "../../sentences/firing-reasons.ts";
import { changeFiring, type FiringItem } from "../../store/firing.ts";
import { findHead } from "../../store/head.ts";
import {
  changeSweep,
  clearNote,
  findNote,
  findSweep,
  noteSweep,
  type SweepItem,
  type SweepNote,
} from "../../store/sweep.ts";
import { startStudy } from "../batch/start.ts";
import { commitOnce } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { SETTLED_MS } from "../studies/delete.ts";
import { continueSweepDeletion } from "./delete.ts";
import { nextDue } from "./due.ts";
import { fireScheduled, releaseQueued } from "./fire.ts";
import { firingsWithStudies } from "./progress.ts";
import { stopReplaced } from "./replace.ts";
import { retire } from "./retire.ts";
import { tellScheduler } from "./schedule.ts";

/**
 * Does what is still to be done of a sweep: its schedule, the firing that it missed before it had one, the firing that waits, the stop
 * of the studies that were replaced, the start of the one that was created last, the studies that are no longer kept; or its deletion. Each part can be repeated, by whoever
 * comes first: the request or the firing that left it to do, or the reconciler's nudge. The note that leads here goes when nothing is
 * left, and nobody is about to undo what was done because it had read the sweep before.
 */
export const attend = async (deps: ServiceDeps, id: string): Promise<void> => {
  const note = await findNote(deps.store, id);
  const sweep = note === null ? null : await findSweep(deps.store, id);
  if (note === null || sweep === null) return;
  if (sweep.state === "deleting") {
    await stopReplaced(deps, id);
    return continueSweepDeletion(deps, sweep, note);
  }
  const isSettled = deps.clock() >= note.at + SETTLED_MS;
  const isTold = (!sweep.synced || isSettled) && (await tellScheduler(deps, sweep));
  await fireMissed(deps, sweep);
  await releaseQueued(deps, id);
  await stopReplaced(deps, id);
  await startCurrent(deps, id);
  await retire(deps, sweep);
  if (isSettled && isTold) await closeNote(deps, note);
};

/** A firing that waits, or is over, has written a note of its own since, and then this one is not cleared. */
const closeNote = async (deps: ServiceDeps, note: SweepNote): Promise<void> => {
  const sweep = await findSweep(deps.store, note.sweep);
  if (sweep === null || sweep.queued === null) await commitOnce(deps, [clearNote(note)]);
};

/** The first firing that was due before EventBridge Scheduler knew of the schedule; later ones it delivers itself. */
const fireMissed = async (deps: ServiceDeps, sweep: SweepItem): Promise<void> => {
  const scheduled = nextDue(sweep, sweep.since);
  const isMissed = !sweep.synced && scheduled !== null && scheduled <= deps.clock();
  if (isMissed) await fireScheduled(deps, { sweep: sweep.sweep, scheduled }, sweep.revision);
};

/** Starts the study that was created last, if Hone runs its trials and it was never started, and those that it replaces are stopped. */
const startCurrent = async (deps: ServiceDeps, id: string): Promise<void> => {
  const sweep = await findSweep(deps.store, id);
  // A firing has replaced one meanwhile, and stops it itself.
  if (sweep !== null && sweep.stops.length > 0) return;
  const study = sweep === null || sweep.current === "" ? null : await loadStudyById(deps, sweep.current);
  if (sweep === null || study?.spec.executor.type !== "batch") return;
  const head = await findHead(deps.store, study.id);
  if (head === null || head.generation > 0 || head.state !== "running") return;
  try {
    await startStudy(deps, study, noRequest);
  } catch (error) {
    // It was deleted, paused or finished meanwhile.
    if (error instanceof StudyNotFound || error instanceof StudyNotRunning) return;
    if (!(error instanceof Conflict)) throw error;
    await failStart(deps, sweep, error.message);
  }
};

/** AWS Batch refuses the study for good: its firing has failed, and the next one does not wait for it. */
const failStart = async (deps: ServiceDeps, sweep: SweepItem, detail: string): Promise<void> => {
  const firing = await firingOf(deps, sweep);
  if (firing === null) return;
  const at = deps.clock();
  const reason = firingReasonSentence({ kind: "refused", detail });
  await commitOnce(deps, [
    changeFiring(firing, { ...firing, outcome: "failed", reason }),
    changeSweep(sweep, { current: "" }),
    noteSweep(sweep, at),
  ]);
};

const firingOf = async (deps: ServiceDeps, { sweep, current }: SweepItem): Promise<FiringItem | null> => {
  for await (const firing of firingsWithStudies(deps, sweep)) if (firing.study === current) return firing;
  return null;
};
