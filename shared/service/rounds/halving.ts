import { createHash } from "node:crypto";
import { sizeOf } from "../../executor/batch/size.ts";
import type { Place, Ranking, Rounds, RungPlace } from "../../scheduler/scheduler.ts";
import type { ClosedRung, OpenedRung } from "../../schemas/rounds.ts";
import { reasonSentence } from "../../sentences/reasons.ts";
import { changeHead, whileStarted } from "../../store/head.ts";
import { markClosed, newRung, type Rung, readRung } from "../../store/rung.ts";
import type { Change } from "../../store/store.ts";
import { changeTrial, newTrial, sameJob, type TrialItem } from "../../store/trial.ts";
import { mostTrialChanges } from "../../study/capacity.ts";
import { isActive, queuedJob } from "../../study/job.ts";
import { placed, placeOf, rungAddress, standingOf } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { isUnfinished, trialsLeft } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { haltChanges } from "../batch/stop.ts";
import { commit, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { proposeTrials } from "../core/propose.ts";
import { findSnapshot } from "../core/snapshot.ts";

/**
 * The rounds of synchronous halving, as the state machine calls them. Each call may be repeated, by a retry, a redrive
 * or a second execution: what was decided is in the store, and the same call then finds it done.
 */
export interface RoundAddress extends RungPlace {
  readonly study: string;
  /** Which start of the study the execution belongs to. */
  readonly generation: number;
}

const TRIES = { tries: 20 };

/** A study that this execution may still run. */
interface Round {
  readonly snapshot: Snapshot;
  readonly rounds: Rounds;
  /** The rung that is opened or closed, and how far its trials run. */
  readonly place: Place;
}

/** @returns null when the study is gone, was stopped, or was started again since; or when it has no such rung. */
const findRound = async (deps: ServiceDeps, address: RoundAddress): Promise<Round | null> => {
  const study = await loadStudyById(deps, address.study);
  const snapshot = study === null ? null : await findSnapshot(deps, study);
  if (study === null || snapshot === null || study.scheduler.rounds === null) return null;
  const { started, generation } = snapshot.head;
  const { rounds } = study.scheduler;
  const { bracket, rung } = address;
  const resource = rounds.resources[rung];
  if (!started || generation !== address.generation || resource === undefined) return null;
  return { snapshot, rounds, place: { bracket, rung, resource } };
};

/**
 * Opens a rung: the bottom one with new trials, as many as the budget allows, the others with those promoted. Opened
 * again, it hands out what has not ended yet: each trial's current attempt, or its next one.
 */
export const openRung = async (deps: ServiceDeps, address: RoundAddress): Promise<OpenedRung> => {
  const plan = async () => {
    const round = await findRound(deps, address);
    return round === null ? { changes: [], answer: nothingToRun(address) } : planOpening(deps, round);
  };
  for (;;) {
    const opened = await commit<OpenedRung | null>(deps, noRequest, plan, TRIES);
    if (opened !== null) return opened;
  }
};

const nothingToRun = ({ rung }: RungPlace): OpenedRung => ({
  rung,
  done: true,
  trials: [],
  parallel: 1,
  timeoutSeconds: 60,
});

/** The next step of opening a rung; it answers null when all must be read again, and the trials to run at last. */
const planOpening = async (deps: ServiceDeps, round: Round): Promise<Plan<OpenedRung | null>> => {
  const { snapshot, place } = round;
  const { study } = snapshot;
  const known = await readRung(deps.store, rungAddress(study, place));
  if (known === null) {
    if (place.rung === 0 && trialsLeft(snapshot.head) > 0) return planSampling(deps, snapshot);
    const members = await membersOf(deps, round);
    const changes = [newRung(rungAddress(study, place), members), whileStarted(snapshot.head)];
    return { changes, answer: null };
  }
  if (known.state === "closed") return { changes: [], answer: toRun(round, []) };
  const byNumber = new Map(snapshot.trials.map((trial) => [trial.number, trial]));
  const waiting = known.members
    .filter((number) => !known.results.has(number))
    .flatMap((number) => byNumber.get(number) ?? []);
  const toQueue = waiting.filter((trial) => !(isActive(trial) && isAt(study, trial, place)));
  if (toQueue.length > 0) {
    const now = deps.clock();
    return {
      guard: whileStarted(snapshot.head),
      changes: toQueue.map((trial) => intoRung(trial, place, now)),
      answer: null,
    };
  }
  // Trials that run already, left to drain by a stop, come first, because they count among those that run at once.
  const isRunning = (trial: TrialItem) => Number(trial.state === "running");
  return {
    changes: [],
    answer: toRun(
      round,
      waiting.sort((a, b) => isRunning(b) - isRunning(a)),
    ),
  };
};

const isAt = (study: LoadedStudy, trial: TrialItem, { bracket, rung }: RungPlace): boolean => {
  const place = placeOf(study, trial);
  return place?.bracket === bracket && place.rung === rung;
};

/** New trials for the bottom rung, one transaction of them; the budget of trials is used up by several such steps. */
const planSampling = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Plan<null>> => {
  const { study, head } = snapshot;
  const wanted = Math.min(mostTrialChanges(study.space), trialsLeft(head));
  const { trials, exhausted } = await proposeTrials(deps, snapshot, wanted);
  const job = queuedJob(deps.clock());
  const created = trials.map((trial): TrialItem => ({ ...trial, attempt: 1, job }));
  // A machine does not wait for trials that may have to be tried again.
  const patch = { next: head.next + created.length, exhausted: exhausted || created.length === 0 };
  return {
    changes: [changeHead(head, patch), ...created.map((trial) => newTrial(study.space, trial))],
    answer: null,
  };
};

/** The trials of a rung that is opened for the first time. */
const membersOf = async (deps: ServiceDeps, { snapshot, place }: Round): Promise<readonly number[]> => {
  const { study, trials } = snapshot;
  if (place.rung === 0) return trials.filter(isUnfinished).map((trial) => trial.number);
  const below = await readRung(deps.store, rungAddress(study, { ...place, rung: place.rung - 1 }));
  if (below?.state !== "closed") throw new Error(`Rung ${place.rung - 1} of ${study.id} is not closed.`);
  return [...below.promoted].sort((a, b) => a - b);
};

/** The trial's first attempt in a rung, or its next one after a stop. */
const intoRung = (trial: TrialItem, place: Place, now: number): Change =>
  changeTrial(
    trial,
    {
      ...placed(place),
      state: "queued",
      attempt: trial.attempt + 1,
      lost: 0,
      reason: null,
      finished: null,
      job: queuedJob(now),
    },
    sameJob(trial),
  );

const toRun = ({ snapshot, place }: Round, trials: readonly TrialItem[]): OpenedRung => ({
  rung: place.rung,
  done: false,
  trials: trials.map((trial) => ({ trial: trial.number, attempt: trial.attempt })),
  parallel: snapshot.head.parallel,
  timeoutSeconds: longestRun(snapshot.study),
});

/** A job may wait this long for an instance before Batch cancels it (infra/constructs/spot-queue.ts). */
const WAIT_FOR_CAPACITY = 3600;
const REPAIR = 600;

/**
 * How long the state machine waits for one trial, in seconds: all its attempts, each with its wait for an instance, its time-out, a
 * lease and the reconciler's rounds. It is only exceeded when an answer was lost; the rung is then opened again.
 */
const longestRun = ({ spec }: LoadedStudy): number => {
  if (spec.executor.type !== "batch") return WAIT_FOR_CAPACITY;
  const attempt = WAIT_FOR_CAPACITY + sizeOf(spec.executor).timeoutSeconds + spec.lease.seconds + REPAIR;
  return attempt * (spec.lease.maxAttempts + spec.repeats.attempts - 1);
};

/**
 * Closes a rung when all its trials have ended there: ranks them, promotes the best, ends the others. Decided once, by one
 * conditional write, from the told values alone.
 */
export const closeRung = async (deps: ServiceDeps, address: RoundAddress): Promise<ClosedRung> => {
  const plan = async () => {
    const round = await findRound(deps, address);
    const ended = { changes: [], answer: { rung: address.rung, done: true } };
    return round === null ? ended : planClosing(deps, round);
  };
  for (;;) {
    const closed = await commit<ClosedRung | null>(deps, noRequest, plan, TRIES);
    if (closed !== null) return closed;
  }
};

/** The next step of closing a rung; it answers null when all must be read again, and what comes next at last. */
const planClosing = async (deps: ServiceDeps, round: Round): Promise<Plan<ClosedRung | null>> => {
  const { snapshot, rounds, place } = round;
  const { study } = snapshot;
  const { rung } = place;
  const address = rungAddress(study, place);
  const known = await readRung(deps.store, address);
  if (known === null || !isComplete(snapshot, known)) return { changes: [], answer: { rung, done: false } };
  const guard = whileStarted(snapshot.head);
  if (known.state === "open") {
    return { changes: [markClosed(address, decide(round, known)), guard], answer: null };
  }
  const ending = othersOf(round, known);
  const isLast = rung === rounds.resources.length - 1 || known.promoted.length === 0;
  return {
    guard,
    changes: ending.map((trial) => endAtRung(round, known, trial, deps.clock())),
    answer: { rung: rung + 1, done: isLast },
  };
};

/** Whether every member has a result. A member that ended without one, which should not happen, counts as failed. */
const isComplete = ({ trials }: Snapshot, { members, results }: Rung): boolean => {
  const unfinished = new Set(trials.filter(isUnfinished).map((trial) => trial.number));
  return !members.some((number) => !results.has(number) && unfinished.has(number));
};

/** Which trials go on; the hash records from which results. */
const decide = ({ snapshot, rounds, place }: Round, known: Rung): Ranking & { readonly hash: string } => {
  const { spec } = snapshot.study;
  const standings = known.members.map((trial) => standingOf(spec, trial, known.results.get(trial) ?? null));
  const ranking = rounds.close(place.rung, standings);
  const hash = createHash("sha256")
    .update(JSON.stringify([standings, ranking]))
    .digest("hex");
  return { ...ranking, hash };
};

/** The trials that wait at the rung and do not go on. */
const othersOf = ({ snapshot, place }: Round, { promoted }: Rung): TrialItem[] => {
  const goingOn = new Set(promoted);
  return snapshot.trials.filter(
    (trial) => trial.state === "paused" && isAt(snapshot.study, trial, place) && !goingOn.has(trial.number),
  );
};

const endAtRung = (
  { rounds, place }: Round,
  { order, promoted }: Rung,
  trial: TrialItem,
  now: number,
): Change => {
  const reason = reasonSentence({
    kind: "rung-rank",
    rung: place.rung,
    unit: rounds.unit,
    resource: place.resource,
    rank: order.indexOf(trial.number) + 1,
    of: order.length,
    goOn: promoted.length,
  });
  return changeTrial(trial, { state: "pruned", reason, finished: now });
};

/**
 * The machine gave up: nothing more is dispatched, the reconciler puts back what runs, and a person is told.
 */
export const failRounds = async (deps: ServiceDeps, address: RoundAddress, detail: string): Promise<void> => {
  const { study, rung } = address;
  const isHalted = await commit(
    deps,
    noRequest,
    async () => {
      const round = await findRound(deps, address);
      if (round === null) return { changes: [], answer: false };
      const notice = { kind: "rounds-failed", rung, detail } as const;
      return { changes: haltChanges(round.snapshot.head, false, notice), answer: true };
    },
    TRIES,
  );
  if (isHalted) deps.log("rounds-failed", { study, rung, reason: detail });
};
