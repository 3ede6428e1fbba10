import { createHash } from "node:crypto";
import { Unavailable } from "../../errors.ts";
import { sizeOf } from "../../executor/batch/size.ts";
import { type Ranking, rank } from "../../scheduler/sha.ts";
import type { ClosedRung, OpenedRung } from "../../schemas/rounds.ts";
import { changeHead } from "../../store/head.ts";
import { headKey } from "../../store/keys.ts";
import { newRung, type Rung, readRung, rungClosed } from "../../store/rung.ts";
import { type Change, ConditionFailed } from "../../store/store.ts";
import { changeTrial, newTrial, sameJob, type TrialItem, type TrialPatch } from "../../store/trial.ts";
import { isActive, queuedJob } from "../../study/job.ts";
import { type Ladder, ladderOf, nameRung, rungOf } from "../../study/ladder.ts";
import { cost, violation } from "../../study/outcome.ts";
import { isOpen, type LoadedStudy, loadStudyById } from "../../study/study.ts";
import { haltChanges } from "../batch/stop.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { newTrials, numbersLeft } from "../core/propose.ts";
import { readIfThere, type Snapshot } from "../core/snapshot.ts";

/**
 * The rounds of synchronous halving, as the state machine calls them. Each call may be repeated, by a retry, a redrive
 * or a second execution: what was decided is in the store, and the same call then finds it done.
 */
export interface RungAddress {
  readonly study: string;
  /** Which start of the study the execution belongs to. */
  readonly generation: number;
  readonly rung: number;
}

/** Trials changed in one transaction; with the head they fit DynamoDB's 100 items. */
const MAX_CHANGES = 90;
const MAX_TRIES = 20;

const over = (rung: number): OpenedRung => ({
  rung,
  done: true,
  trials: [],
  parallel: 1,
  timeoutSeconds: 60,
});

/** A study that this execution may still run. */
interface Round {
  readonly snapshot: Snapshot;
  readonly rungs: Ladder;
}

/** @returns null when the study is gone, was stopped, or was started again since. */
const readRound = async (
  deps: ServiceDeps,
  { study: id, generation }: RungAddress,
): Promise<Round | null> => {
  const study = await loadStudyById(deps, id);
  const rungs = study === null ? null : ladderOf(study);
  const snapshot = study === null ? null : await readIfThere(deps, study);
  if (snapshot === null || rungs === null) return null;
  const { started, generation: current } = snapshot.head;
  return started && current === generation ? { snapshot, rungs } : null;
};

/**
 * Opens a rung: the bottom one with new trials, as many as the budget allows, the others with those promoted. Opened
 * again, it hands out what is not over yet: each trial's current attempt, or its next one.
 */
export const openRung = async (deps: ServiceDeps, address: RungAddress): Promise<OpenedRung> => {
  const { rung } = address;
  for (let failed = 0; failed < MAX_TRIES; ) {
    const round = await readRound(deps, address);
    if (round === null || rung >= round.rungs.resources.length) return over(rung);
    try {
      const trials = await openOnce(deps, round, address);
      if (trials !== null) return opened(round, rung, trials);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      failed++;
      await deps.store.pause(failed);
    }
  }
  throw new Unavailable();
};

/** @returns the trials to run, or null when some were queued just now and all must be read again. */
const openOnce = async (
  deps: ServiceDeps,
  round: Round,
  { rung }: RungAddress,
): Promise<TrialItem[] | null> => {
  const { snapshot } = round;
  const { study } = snapshot;
  const known = await readRung(deps.store, study.id, rung);
  if (known === null) {
    const members = rung === 0 ? await sample(deps, round) : await promotedFrom(deps, study, rung - 1);
    if (members === null) return null;
    await deps.store.transact([newRung(study.id, rung, members), stillOurs(snapshot)]);
    return null;
  }
  if (known.state === "closed") return [];
  const byNumber = new Map(snapshot.trials.map((trial) => [trial.number, trial]));
  const waiting = known.members
    .filter((number) => !known.results.has(number))
    .flatMap((number) => byNumber.get(number) ?? []);
  const isHere = (trial: TrialItem) => isActive(trial) && rungOf(round.rungs, trial) === rung;
  const toQueue = waiting.filter((trial) => !isHere(trial));
  // What runs already, left to drain by a stop, comes first, so that it takes its place among those that run at once.
  const isRunning = (trial: TrialItem) => Number(trial.state === "running");
  if (toQueue.length === 0) return waiting.sort((a, b) => isRunning(b) - isRunning(a));
  const now = deps.clock();
  await inChunks(deps, snapshot, toQueue, (trial) => intoRung(round, trial, rung, now));
  return null;
};

/**
 * New trials until the budget of numbers is used up, a transaction at a time.
 * @returns the bottom rung's members, or null while there are more to be made.
 */
const sample = async (deps: ServiceDeps, { snapshot, rungs }: Round): Promise<number[] | null> => {
  const { head, trials } = snapshot;
  if (numbersLeft(snapshot) === 0) return trials.filter(isOpen).map((trial) => trial.number);
  const wanted = Math.min(MAX_CHANGES, numbersLeft(snapshot));
  const fresh = await newTrials(deps, snapshot, wanted);
  const now = deps.clock();
  const created = fresh.map(
    (trial): TrialItem => ({
      ...trial,
      attempt: 1,
      resource: rungs.resources[0] ?? null,
      job: queuedJob(now),
    }),
  );
  const set = { next: head.next + created.length, exhausted: head.exhausted || created.length < wanted };
  await deps.store.transact([changeHead(head, set), ...created.map(newTrial)]);
  return null;
};

const promotedFrom = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  below: number,
): Promise<readonly number[]> => {
  const rung = await readRung(deps.store, study.id, below);
  if (rung?.state !== "closed") throw new Error(`Rung ${below} of ${study.id} is not closed.`);
  return [...rung.promoted].sort((a, b) => a - b);
};

/** The trial's first attempt in a rung, or its next one after a stop. */
const intoRung = ({ rungs }: Round, trial: TrialItem, rung: number, now: number): Change => {
  const patch: TrialPatch = {
    state: "queued",
    attempt: trial.attempt + 1,
    lost: 0,
    resource: rungs.resources[rung] ?? null,
    reason: null,
    finished: null,
    job: queuedJob(now),
  };
  return changeTrial(trial, patch, sameJob(trial));
};

const opened = ({ snapshot }: Round, rung: number, trials: readonly TrialItem[]): OpenedRung => ({
  rung,
  done: false,
  trials: trials.map((trial) => ({ trial: trial.number, attempt: trial.attempt })),
  parallel: snapshot.head.parallel,
  timeoutSeconds: patience(snapshot.study),
});

/** A job may wait this long for a machine before Batch gives it up (infra/constructs/spot-queue.ts). */
const WAIT_FOR_CAPACITY = 3600;
const REPAIR = 600;

/**
 * How long the machine waits for one trial: all its attempts, each with its wait for a machine, its time-out, a lease
 * and the reconciler's rounds. It only runs out when an answer was lost; the rung is then opened again.
 */
const patience = ({ spec }: LoadedStudy): number => {
  if (spec.executor.type !== "batch") return WAIT_FOR_CAPACITY;
  const attempt = WAIT_FOR_CAPACITY + sizeOf(spec.executor).timeoutSeconds + spec.lease.seconds + REPAIR;
  return attempt * spec.lease.maxAttempts;
};

/**
 * Closes a rung when all its trials are over there: ranks them, promotes the best, ends the others. Decided once, by one
 * conditional write, from the told values alone.
 */
export const closeRung = async (deps: ServiceDeps, address: RungAddress): Promise<ClosedRung> => {
  const { rung } = address;
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const round = await readRound(deps, address);
    if (round === null) return { rung, done: true };
    const { snapshot, rungs } = round;
    const known = await readRung(deps.store, snapshot.study.id, rung);
    if (known === null || !isComplete(snapshot, known)) return { rung, done: false };
    try {
      if (known.state === "open") {
        await deps.store.transact([
          rungClosed(snapshot.study.id, rung, decide(snapshot.study, rungs, rung, known)),
          stillOurs(snapshot),
        ]);
        continue;
      }
      await endOthers(deps, round, rung, known);
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      await deps.store.pause(tries);
      continue;
    }
    const last = rung === rungs.resources.length - 1 || known.promoted.length === 0;
    return { rung: rung + 1, done: last };
  }
  throw new Unavailable();
};

/** Whether every member has a result. One that is over without, which should not be, counts as failed. */
const isComplete = ({ trials }: Snapshot, { members, results }: Rung): boolean => {
  const open = new Set(trials.filter(isOpen).map((trial) => trial.number));
  return !members.some((number) => !results.has(number) && open.has(number));
};

/** Who goes on; the hash says from which results. */
const decide = (
  study: LoadedStudy,
  { eta, resources }: Ladder,
  rung: number,
  known: Rung,
): Ranking & { readonly hash: string } => {
  const objective = study.spec.objectives[0];
  const standings = known.members.map((trial) => {
    const values = known.results.get(trial) ?? null;
    const failed = values === null || objective === undefined;
    return {
      trial,
      cost: failed ? Number.NaN : cost(objective, values),
      violation: violation(study.spec, values),
    };
  });
  const { order, promoted } = rank(standings, eta);
  const isTop = rung === resources.length - 1;
  const decided = { order, promoted: isTop ? [] : promoted };
  const hash = createHash("sha256")
    .update(JSON.stringify([standings, decided]))
    .digest("hex");
  return { ...decided, hash };
};

/** Ends the trials that wait at this rung and do not go on. */
const endOthers = async (
  deps: ServiceDeps,
  { snapshot, rungs }: Round,
  rung: number,
  { order, promoted }: Rung,
): Promise<void> => {
  const going = new Set(promoted);
  const ending = snapshot.trials.filter(
    (trial) => trial.state === "paused" && rungOf(rungs, trial) === rung && !going.has(trial.number),
  );
  await inChunks(deps, snapshot, ending, (trial) => {
    const place = ordinal(order.indexOf(trial.number) + 1);
    const reason = `${nameRung(rungs, rung)}: ${place} of ${order.length}, the first ${promoted.length} go on`;
    return changeTrial(trial, { state: "pruned", reason, finished: deps.clock() });
  });
};

const ordinal = (n: number): string => {
  const teens = n % 100 >= 11 && n % 100 <= 13;
  const ending = teens ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th");
  return `${n}${ending}`;
};

/**
 * The machine gave up: nothing more is dispatched, the reconciler puts back what runs, and a person is told.
 */
export const failRounds = async (deps: ServiceDeps, address: RungAddress, reason: string): Promise<void> => {
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const round = await readRound(deps, address);
    if (round === null) return;
    const message = `The rounds failed at rung ${address.rung} (${reason}). Start the study again to go on.`;
    try {
      await deps.store.transact(haltChanges(round.snapshot.head, false, message));
      deps.log("rounds-failed", { study: address.study, rung: address.rung, reason });
      return;
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      await deps.store.pause(tries);
    }
  }
  throw new Unavailable();
};

/** The study was not stopped, nor started again, since it was read. */
const stillOurs = ({ head }: Snapshot): Change => ({
  name: "head",
  key: headKey(head.study),
  check: true,
  when: {
    expression: "#started = :started AND #generation = :generation",
    values: { started: true, generation: head.generation },
  },
});

const inChunks = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  trials: readonly TrialItem[],
  changeOf: (trial: TrialItem) => Change,
): Promise<void> => {
  for (let i = 0; i < trials.length; i += MAX_CHANGES) {
    const changes = trials.slice(i, i + MAX_CHANGES).map(changeOf);
    await deps.store.transact([stillOurs(snapshot), ...changes]);
  }
};
