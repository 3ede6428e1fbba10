import { changeHead } from "../../store/head.ts";
import { headKey } from "../../store/keys.ts";
import {
  closeBatch,
  isDispatchOn,
  listDeletions,
  listOpenBatches,
  type OpenBatch,
} from "../../store/open.ts";
import { type Change, ConditionFailed } from "../../store/store.ts";
import { isActive } from "../../study/job.ts";
import { loadStudyById, stateOf } from "../../study/study.ts";
import { endRuns } from "../batch/end-runs.ts";
import { putBack } from "../batch/put-back.ts";
import { startRounds } from "../batch/start.ts";
import { haltChanges } from "../batch/stop.ts";
import { topUp } from "../batch/top-up.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { readIfThere, type Snapshot } from "../core/snapshot.ts";
import { continueDeletion } from "../studies/delete.ts";
import { endOrphans } from "./orphans.ts";
import { repairTrials } from "./trials.ts";

/**
 * Repairs, on a schedule, what lost messages, replies, events and crashes have left behind, in every study that has jobs
 * and in those that are being deleted. It works until its deadline and begins each time with another study, so that all
 * get their turn; what it does not get to it finds the next time. One study's fault does not stop the others.
 * @param deadline milliseconds since 1970.
 */
export const reconcile = async (deps: ServiceDeps, deadline: number): Promise<void> => {
  const batches = await listOpenBatches(deps.store);
  const deletions = await listDeletions(deps.store);
  const dispatching = await isDispatchOn(deps.store);
  const tasks = [
    ...batches.map((open) => ({ study: open.study, run: () => reconcileStudy(deps, open, dispatching) })),
    ...deletions.map((study) => ({ study, run: () => finishDeletion(deps, study, deadline) })),
  ];
  const [random = 0] = deps.randomBytes(1);
  const first = Math.floor((random / 256) * tasks.length);
  let done = 0;
  let faults = 0;
  for (const { study, run } of [...tasks.slice(first), ...tasks.slice(0, first)]) {
    if (deps.clock() >= deadline) break;
    if (!(await attempt(deps, study, run))) faults++;
    done++;
  }
  if (deps.clock() < deadline) await attempt(deps, "", () => endOrphans(deps));
  deps.log("reconciled", { tasks: tasks.length, done, faults });
};

const attempt = async (deps: ServiceDeps, study: string, run: () => Promise<void>): Promise<boolean> => {
  try {
    await run();
    return true;
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "unknown", message: "" };
    deps.log("reconcile-failed", { study, error: name, message });
    return false;
  }
};

/** @param dispatching whether the kill switch lets jobs be submitted. */
const reconcileStudy = async (
  deps: ServiceDeps,
  { study: id, drain }: OpenBatch,
  dispatching: boolean,
): Promise<void> => {
  const study = await loadStudyById(deps, id);
  const snapshot = study === null ? null : await readIfThere(deps, study);
  if (study === null || snapshot === null) {
    // Deleted: what still runs is looked after by its deletion.
    if ((await deps.store.get(headKey(id))) === null) await deps.store.transact([closeBatch(id)]);
    return;
  }
  if (!snapshot.head.started) {
    const isBack = await putBack(deps, snapshot, drain);
    if (drain) await repairTrials(deps, withoutQueued(snapshot));
    if (isBack && !snapshot.trials.some(isActive)) await closeStudy(deps, snapshot);
    return;
  }
  await repairTrials(deps, dispatching ? snapshot : withoutQueued(snapshot));
  const after = await readIfThere(deps, study);
  if (after === null) return;
  if (study.spec.scheduler.name === "sha") return checkRounds(deps, after);
  if (stateOf(after) === "finished") return closeStudy(deps, after);
  await topUp(deps, study);
};

/** While nothing may be dispatched, nothing is sent again either. */
const withoutQueued = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  trials: snapshot.trials.filter((trial) => trial.state !== "queued"),
});

/** Nothing of the study runs any more. A finished one gives its job definition back. */
const closeStudy = async (deps: ServiceDeps, snapshot: Snapshot): Promise<void> => {
  const { head, study } = snapshot;
  const definition = stateOf(snapshot) === "finished" ? "" : head.definition;
  const changes = [changeHead(head, { started: false, definition }), closeBatch(study.id)];
  // Extended or started meanwhile: the next time tells.
  if (!(await transactIfStill(deps, changes))) return;
  if (head.definition !== definition) await deps.batch.deregister(head.definition);
};

/** The machine of a study in rounds: one whose start was lost is started, one that ended early stops the study. */
const checkRounds = async (deps: ServiceDeps, snapshot: Snapshot): Promise<void> => {
  const { study, head } = snapshot;
  const state = await deps.rounds.state(study.id, head.generation);
  if (state === "running") return;
  if (stateOf(snapshot) === "finished") return closeStudy(deps, snapshot);
  if (state === "missing") return startRounds(deps, study.id, head.generation);
  const message = "The rounds were ended from outside. Start the study again to go on.";
  await transactIfStill(deps, haltChanges(head, false, message));
};

/** @returns false when a condition did not hold. */
const transactIfStill = async (deps: ServiceDeps, changes: readonly Change[]): Promise<boolean> => {
  try {
    await deps.store.transact(changes);
    return true;
  } catch (error) {
    if (error instanceof ConditionFailed) return false;
    throw error;
  }
};

const finishDeletion = async (deps: ServiceDeps, study: string, deadline: number): Promise<void> => {
  if (!(await endRuns(deps, study))) return;
  while (deps.clock() < deadline) if (await continueDeletion(deps, study)) return;
};
