import { Contended } from "../../errors.ts";
import type { DispatchMessage } from "../../schemas/message.ts";
import { changeHead } from "../../store/head.ts";
import { changeTrial, newTrial, resumedTrial, type TrialItem } from "../../store/trial.ts";
import { inFlightOf, isAboutBudget, pauseWithoutRoom, type Room, roomFor } from "../../study/budget.ts";
import { mostTrialChanges } from "../../study/capacity.ts";
import { machineOf } from "../../study/execution.ts";
import { isActive, messageOf, queuedJob } from "../../study/job.ts";
import { isHeldOpen } from "../../study/open-runs.ts";
import { placed } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { countTrials, stateOf, trialsLeft } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commit, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { foldIfDue } from "../core/fold.ts";
import { changesPerTrial, mayResume, takenOut } from "../core/ladders.ts";
import { proposeTrials } from "../core/propose.ts";
import { pausedTrials } from "../core/resume.ts";
import { findSnapshot } from "../core/snapshot.ts";

/** What a step of topping up leads to: the messages to send, or null when there is nothing more to do. */
type Step = readonly DispatchMessage[] | null;

const NOTHING: Plan<Step> = { changes: [], answer: null };

/**
 * Keeps as many trials of a started batch study queued or running as it may run at once: enqueued and stopped ones first,
 * then new ones from the algorithm. Commits on the head it read, so that the budget is exact however many top up at once,
 * and sends the messages afterwards; a message that was not sent is sent again by the reconciler. Studies that a
 * state machine runs are left alone: it hands out the trials.
 */
export const topUp = async (deps: ServiceDeps, study: LoadedStudy): Promise<void> => {
  if (study.spec.executor.type !== "batch" || machineOf(study) !== null) return;
  let seen: Snapshot | null = null;
  const plan = async () => {
    seen = await findSnapshot(deps, study);
    return seen === null ? NOTHING : planTopUp(deps, seen);
  };
  try {
    for (;;) {
      const messages = await commit<Step>(deps, noRequest, plan);
      if (messages === null) break;
      if (messages.length > 0) await deps.queue.send(study.team, messages);
    }
  } catch (error) {
    // Those who kept winning have topped up.
    if (!(error instanceof Contended)) throw error;
    return;
  }
  if (seen !== null) await foldIfDue(deps, study, seen);
};

const planTopUp = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Plan<Step>> => {
  const { study, head, trials } = snapshot;
  if (!head.started || stateOf(snapshot) !== "running") return NOTHING;
  // One whose job runs on although it was told keeps its slot.
  const active = trials.filter((trial) => isActive(trial) || isHeldOpen(trial)).length;
  const most = Math.floor(mostTrialChanges(study.space) / changesPerTrial(study));
  const slots = Math.min(head.parallel - active, most);
  const enqueued = trials.filter((trial) => trial.state === "queued" && trial.job === null);
  if (slots <= 0) return NOTHING;
  const paused = countTrials(snapshot).paused > 0 && mayResume(study);
  if (enqueued.length === 0 && trialsLeft(head) === 0 && !paused) return NOTHING;

  const inFlight = inFlightOf(study, trials, isActive);
  const room = roomFor(study, head, inFlight);
  if (room.attempts === 0) return planWithoutRoom(snapshot, inFlight.jobs, room);
  const allowed = Math.min(slots, room.attempts);
  const taken = enqueued.slice(0, allowed);
  const busy = active + enqueued.length;
  const goingOn = await pausedTrials(deps, snapshot, busy, { now: allowed - taken.length, ahead: 0 });
  const { resumed } = goingOn;
  const wanted = goingOn.end === null ? allowed - taken.length - resumed.length : 0;
  const fresh = await proposeTrials(deps, snapshot, wanted, goingOn.drafts);

  const queued = { state: "queued" as const, job: queuedJob(deps.clock()) };
  const again = taken.map((trial) => ({
    trial,
    patch: { ...queued, attempt: trial.attempt + 1, reason: null },
  }));
  const created = fresh.trials.map((trial): TrialItem => ({ ...trial, ...queued, attempt: 1 }));
  const promoted = resumed.map(({ item, place }) => ({
    trial: item,
    patch: {
      ...queued,
      ...placed(place),
      attempt: item.attempt + 1,
      lost: 0,
      reason: null,
      finished: null,
    },
  }));
  const isIdle = again.length + created.length + promoted.length === 0;
  const isOver = goingOn.isSettled || goingOn.end !== null;
  if (isIdle && fresh.exhausted === head.exhausted && !isOver) return NOTHING;
  return {
    changes: [
      changeHead(head, {
        next: head.next + created.length,
        exhausted: fresh.exhausted,
        ...(isIdle && goingOn.isSettled && { settled: true }),
        ...(isAboutBudget(head.notice) && { notice: null }),
        ...goingOn.end,
      }),
      ...again.map(({ trial, patch }) => changeTrial(trial, patch)),
      ...promoted.map(({ trial, patch }) => resumedTrial(study.space, trial, patch)),
      ...takenOut(study, resumed, goingOn.ladders),
      ...created.map((trial) => newTrial(study.space, trial)),
    ],
    answer: [
      ...[...again, ...promoted].map(({ trial, patch }): TrialItem => ({ ...trial, ...patch })),
      ...created,
    ].map(messageOf),
  };
};

/** The budget has no room: the study waits for running trials to use less than they may, or pauses when none runs. */
const planWithoutRoom = ({ head }: Snapshot, jobs: number, room: Room): Plan<Step> => {
  if (jobs === 0) return { changes: [pauseWithoutRoom(head, room)], answer: [] };
  if (isAboutBudget(head.notice)) return NOTHING;
  return { changes: [changeHead(head, { notice: room.limit })], answer: [] };
};
