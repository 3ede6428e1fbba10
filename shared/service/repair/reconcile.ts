import { alarmedEvents } from "../../deployment.ts";
import { StudyNotFound } from "../../errors.ts";
import type { Execution } from "../../ports.ts";
import { type ActiveBatch, deactivateBatch, listActiveBatches } from "../../store/active-batch.ts";
import { type Deletion, listDeletions } from "../../store/deletion.ts";
import { isDispatchOn } from "../../store/dispatch-switch.ts";
import { changeHead, findHead, type HeadPatch, overwriteHead } from "../../store/head.ts";
import { clearOutdated, listOutdated, type Outdated } from "../../store/listing.ts";
import type { Change } from "../../store/store.ts";
import { listTeamDeletions, type TeamDeletion } from "../../store/team-deletion.ts";
import type { TrialItem } from "../../store/trial.ts";
import { reservationFor } from "../../study/charge.ts";
import { executionOf } from "../../study/execution.ts";
import { isActive } from "../../study/job.ts";
import { isLastAttempt } from "../../study/lease.ts";
import { hasOpenRuns } from "../../study/open-runs.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { stateOf } from "../../study/state.ts";
import { teamRoom } from "../../study/team-room.ts";
import { answerIfOver } from "../batch/await-part.ts";
import { endRuns } from "../batch/end-runs.ts";
import { putBack } from "../batch/put-back.ts";
import { startRounds } from "../batch/start.ts";
import { haltChanges, stopRounds } from "../batch/stop.ts";
import { topUp } from "../batch/top-up.ts";
import { chance } from "../core/chance.ts";
import { commitOnce } from "../core/commit.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { NOTE_MS, relist } from "../core/listing.ts";
import { loadStudyById } from "../core/load.ts";
import { partsIn, readParts, wholeState } from "../core/parts.ts";
import { findSnapshot } from "../core/snapshot.ts";
import { readTeamMoney } from "../core/team-money.ts";
import { continueDeletion, SETTLED_MS } from "../studies/delete.ts";
import { bringUpToDate } from "../studies/read.ts";
import { continueTeamDeletion } from "../teams/delete.ts";
import { collectCheckpoints } from "./checkpoints.ts";
import { dropUnnamed, overdueRegistrations } from "./definitions.ts";
import { endOrphans } from "./orphans.ts";
import { checkOpenRuns, repairTrials } from "./trials.ts";

/**
 * Repairs, on a schedule, what lost messages, replies, events and crashes have left behind, in every study that has jobs, had
 * a job definition registered, or is being deleted. It works until its deadline and begins each time with another study, so that all
 * get their turn; what it does not reach it finds the next time. A fault in one study does not stop the others.
 * @param deadline milliseconds since 1970.
 */
export const reconcile = async (deps: ServiceDeps, deadline: number): Promise<void> => {
  const batches = await listActiveBatches(deps.store);
  const deletions = await listDeletions(deps.store);
  const teams = await listTeamDeletions(deps.store);
  const outdated = await listOutdated(deps.store);
  const registrations = await overdueRegistrations(deps);
  const dispatching = await isDispatchOn(deps.store);
  const tasks = [
    ...batches.map((batch) => ({ study: batch.study, run: () => reconcileStudy(deps, batch, dispatching) })),
    ...outdated.map((one) => ({ study: one.study, run: () => refreshOutdated(deps, one) })),
    ...deletions.map((one) => ({ study: one.study, run: () => finishDeletion(deps, one, deadline) })),
    ...teams.map((one) => ({ study: one.team, run: () => finishTeam(deps, one, deadline) })),
    ...registrations.map((one) => ({ study: one.study, run: () => dropUnnamed(deps, one) })),
  ];
  const first = Math.floor(chance(deps) * tasks.length);
  let done = 0;
  let faults = 0;
  for (const { study, run } of [...tasks.slice(first), ...tasks.slice(0, first)]) {
    if (deps.clock() >= deadline) break;
    if (!(await attempt(deps, study, run))) faults++;
    done++;
  }
  if (deps.clock() < deadline) await attempt(deps, "", () => endOrphans(deps));
  // While nobody uses Hone the bucket is not listed, which would cost money.
  if (tasks.length > 0) await attempt(deps, "", () => collectCheckpoints(deps, deadline));
  deps.log("reconciled", { tasks: tasks.length, done, faults });
};

const attempt = async (deps: ServiceDeps, study: string, run: () => Promise<void>): Promise<boolean> => {
  try {
    await run();
    return true;
  } catch (error) {
    // It was deleted meanwhile.
    if (error instanceof StudyNotFound) return true;
    const { name, message } = error instanceof Error ? error : { name: "unknown", message: "" };
    deps.log(alarmedEvents.reconcileFailed, { study, error: name, message });
    return false;
  }
};

/** @param dispatching whether the kill switch lets jobs be submitted. */
const reconcileStudy = async (
  deps: ServiceDeps,
  { study: id, drain }: ActiveBatch,
  dispatching: boolean,
): Promise<void> => {
  const study = await loadStudyById(deps, id);
  const snapshot = study === null ? null : await findSnapshot(deps, study);
  if (study === null || snapshot === null) {
    // Deleted: what still runs is ended by its deletion.
    if ((await findHead(deps.store, id)) === null) await deps.store.transact([deactivateBatch(id)]);
    return;
  }
  if (!snapshot.head.started) {
    // A stop may have died before it: trials that are put back answer no machine, so it would wait for its time-out.
    const holders = [snapshot, ...(await readParts(deps, study))];
    const hasActive = holders.some(({ trials }) => trials.some(isActive));
    const hasOpen = holders.some(({ trials }) => trials.some(hasOpenRuns));
    const execution = executionOf(study, snapshot.head.generation);
    const isLeft = !drain && hasActive;
    if (execution !== null && (isLeft || (await deps.workflow.state(execution)) === "running")) {
      await stopRounds(deps, snapshot, "The study was stopped.");
    }
    const isBack = await putBack(deps, snapshot, drain);
    for (const holder of holders) {
      if (drain) await repairTrials(deps, withoutQueued(holder));
      else await checkOpenRuns(deps, holder);
    }
    if (isBack && !hasActive && !hasOpen) await closeStudy(deps, snapshot);
    return;
  }
  for (const holder of [snapshot, ...(await readParts(deps, study))]) {
    await repairTrials(deps, dispatching ? await affordable(deps, holder) : withoutQueued(holder));
  }
  for (const part of partsIn(study)) {
    await topUp(deps, part);
    await answerIfOver(deps, part);
  }
  const after = await findSnapshot(deps, study);
  if (after === null) return;
  const execution = executionOf(study, after.head.generation);
  if (execution !== null) return checkRounds(deps, after, execution);
  if (stateOf(after) === "finished") return closeStudy(deps, after);
  await topUp(deps, study);
  await relist(deps, study);
};

/** While nothing may be dispatched, nothing is sent again either. */
const withoutQueued = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  trials: snapshot.trials.filter((trial) => trial.state !== "queued"),
});

/** A study that waits for its team's budget is sent again as many attempts as that has room for by now. */
const affordable = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Snapshot> => {
  const { study, head, trials } = snapshot;
  const each = reservationFor(study, deps.clock());
  if (head.notice?.kind !== "team-budget" || each === null) return snapshot;
  const { budget, spend } = await readTeamMoney(deps.store, study.team, each.month);
  const room = teamRoom(budget, spend, each);
  let attempts = 0;
  let first = 0;
  const isAffordable = (trial: TrialItem) =>
    attempts++ < room.attempts && (trial.dispatched === true || first++ < room.trials);
  return { ...snapshot, trials: trials.filter((trial) => trial.state !== "queued" || isAffordable(trial)) };
};

/**
 * Nothing of the study runs any more: it is no longer visited. Until then the job definition of a finished one is
 * deregistered, in steps of which each is committed: after a crash the study is visited again, and one that is extended
 * meanwhile registers a definition of its own.
 */
const closeStudy = async (deps: ServiceDeps, snapshot: Snapshot): Promise<void> => {
  const { study, head } = snapshot;
  const holders = [snapshot, ...(await readParts(deps, study))];
  // Their ends are still to be charged.
  if (holders.some(({ trials }) => trials.some(hasOpenRuns))) return;
  const isFinished = (await wholeState(deps, snapshot)) === "finished";
  let current = head;
  /** @returns false when the study was extended or started meanwhile: the next visit finds what is to be done. */
  const advance = async (patch: HeadPatch, ...others: readonly Change[]): Promise<boolean> => {
    const isWritten = await commitOnce(deps, [changeHead(current, patch), ...others]);
    current = { ...current, ...patch, rev: current.rev + 1 };
    return isWritten;
  };
  for (;;) {
    const retired = current.retired || (isFinished ? current.definition : "");
    if (retired === "") break;
    const definition = retired === current.definition ? "" : current.definition;
    if (!(await advance({ started: false, retired, definition }))) return;
    await deps.batch.deregister(retired);
    if (!(await advance({ retired: "" }))) return;
  }
  const closed = partsIn(study).map(({ id }) => overwriteHead(id, { started: false }));
  await advance({ started: false }, ...closed, deactivateBatch(study.id));
  await relist(deps, study);
};

/** The machine of a study in rounds: one whose start was lost is started, one that ended early stops the study. */
const checkRounds = async (deps: ServiceDeps, snapshot: Snapshot, execution: Execution): Promise<void> => {
  const { study, head } = snapshot;
  const state = await deps.workflow.state(execution);
  if (state === "running") return;
  if ((await wholeState(deps, snapshot)) === "finished") return closeStudy(deps, snapshot);
  if (state === "missing") return startRounds(deps, snapshot);
  deps.log(alarmedEvents.roundsFailed, { study: study.id, rung: null, reason: "ended" });
  await commitOnce(deps, haltChanges(study, head, false, { kind: "rounds-ended" }));
};

/** Jobs first, because their ids are deleted with the trials. */
const finishDeletion = async (deps: ServiceDeps, deletion: Deletion, deadline: number): Promise<void> => {
  if (!(await endRuns(deps, deletion.study))) return;
  while (deps.clock() < deadline) {
    if ((await continueDeletion(deps, deletion)) !== "unfinished") return;
  }
};

/** What the deletions of its studies have left; those are tasks of their own. */
const finishTeam = async (deps: ServiceDeps, deletion: TeamDeletion, deadline: number): Promise<void> => {
  while (deps.clock() < deadline) {
    if ((await continueTeamDeletion(deps, deletion)) !== "unfinished") return;
  }
};

/** Whether a trial runs that will end by itself if its worker is dead. */
const awaitsExpiry = ({ study, trials }: Snapshot): boolean =>
  trials.some((trial) => trial.state === "running" && isLastAttempt(study, trial));

/** No process relies on a note of this age any more, and what it was about to write is written. */
const NOTE_SETTLED_MS = NOTE_MS + SETTLED_MS;

/**
 * Refreshes a listing that may be out of date, after ending what has expired. A study is visited until its last note is old,
 * and while a trial runs that will end by itself if its worker is dead.
 */
const refreshOutdated = async (deps: ServiceDeps, outdated: Outdated): Promise<void> => {
  const isOld = outdated.at <= deps.clock() - NOTE_SETTLED_MS;
  const study = await loadStudyById(deps, outdated.study);
  const snapshot = study === null ? null : await bringUpToDate(deps, study);
  if (study?.spec.executor.type === "client" && snapshot !== null) {
    const parts = await readParts(deps, study);
    if ([snapshot, ...parts].some(awaitsExpiry)) return;
  }
  if (isOld || snapshot === null) await commitOnce(deps, [clearOutdated(outdated)]);
};
