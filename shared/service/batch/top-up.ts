import type { DispatchMessage } from "../../schemas/message.ts";
import { changeHead } from "../../store/head.ts";
import { type Change, ConditionFailed } from "../../store/store.ts";
import { changeTrial, newTrial, type TrialItem } from "../../store/trial.ts";
import { isAboutBudget, pauseWithoutRoom, type Room, roomFor } from "../../study/budget.ts";
import { isActive, messageOf, queuedJob } from "../../study/job.ts";
import { type LoadedStudy, stateOf } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { foldIfDue } from "../core/fold.ts";
import { newTrials, numbersLeft } from "../core/propose.ts";
import { readIfThere, type Snapshot } from "../core/snapshot.ts";

/** Trials queued in one transaction; with the head they fit DynamoDB's 100 items. */
const MAX_CHANGES = 90;
const MAX_TRIES = 10;

interface Plan {
  readonly changes: readonly Change[];
  readonly messages: readonly DispatchMessage[];
}

/**
 * Keeps as many trials of a started batch study on their way as it may run at once: enqueued and stopped ones first,
 * then new ones from the algorithm. Commits on the head it read, so that the budget is exact whoever else tops up, and
 * sends the messages afterwards; a message that was not sent is sent again by the reconciler. Studies that run in
 * rounds are left alone: their state machine hands out the trials.
 */
export const topUp = async (deps: ServiceDeps, study: LoadedStudy): Promise<void> => {
  if (study.spec.executor.type !== "batch" || study.spec.scheduler.name === "sha") return;
  for (let failed = 0; failed < MAX_TRIES; ) {
    const snapshot = await readIfThere(deps, study);
    if (snapshot === null) return;
    const plan = await planTopUp(deps, snapshot);
    if (plan === null) return foldIfDue(deps, study, snapshot);
    try {
      await deps.store.transact(plan.changes);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      failed++;
      await deps.store.pause(failed);
      continue;
    }
    if (plan.messages.length > 0) await deps.queue.send(study.team, plan.messages);
  }
};

/** What is to be done now; null when there is nothing. */
const planTopUp = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Plan | null> => {
  const { study, head, trials } = snapshot;
  if (!head.started || stateOf(snapshot) !== "running") return null;
  const active = trials.filter(isActive).length;
  const slots = Math.min(head.parallel - active, MAX_CHANGES);
  const enqueued = trials.filter((trial) => trial.state === "queued" && trial.job === null);
  if (slots <= 0 || (enqueued.length === 0 && numbersLeft(snapshot) === 0)) return null;

  const room = roomFor(study, head, active);
  if (room.attempts === 0) return planWithoutRoom(snapshot, active, room);
  const allowed = Math.min(slots, room.attempts);
  const taken = enqueued.slice(0, allowed);
  const wanted = allowed - taken.length;
  const fresh = await newTrials(deps, snapshot, wanted);
  const exhausted = head.exhausted || fresh.length < Math.min(wanted, numbersLeft(snapshot));

  const now = deps.clock();
  const queued = { state: "queued" as const, job: queuedJob(now) };
  const again = taken.map((trial) => ({
    trial,
    patch: { ...queued, attempt: trial.attempt + 1, reason: null },
  }));
  const created = fresh.map((trial): TrialItem => ({ ...trial, ...queued, attempt: 1 }));
  if (again.length + created.length === 0 && exhausted === head.exhausted) return null;
  return {
    changes: [
      changeHead(head, {
        next: head.next + created.length,
        exhausted,
        ...(isAboutBudget(head.message) && { message: "" }),
      }),
      ...again.map(({ trial, patch }) => changeTrial(trial, patch)),
      ...created.map(newTrial),
    ],
    messages: [...again.map(({ trial, patch }) => ({ ...trial, ...patch })), ...created].map(messageOf),
  };
};

/** The money does not reach for one more: the study waits for running trials to use less than they may, or pauses. */
const planWithoutRoom = ({ head }: Snapshot, active: number, room: Room): Plan | null => {
  if (active === 0) return { changes: [pauseWithoutRoom(head, room)], messages: [] };
  if (isAboutBudget(head.message)) return null;
  return { changes: [changeHead(head, { message: room.why })], messages: [] };
};
