import { sizeOf } from "../../executor/batch/size.ts";
import type { Place, Rounds, RungPlace } from "../../scheduler/scheduler.ts";
import type { TrialItem } from "../../store/trial.ts";
import { placeOf } from "../../study/place.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { findSnapshot } from "../core/snapshot.ts";

/**
 * The rounds of synchronous halving, as the state machines call them. Each call may be repeated, by a retry, a redrive or a second
 * execution: what was decided is in the store, and the same call then finds it done.
 */
export interface StartAddress {
  readonly study: string;
  /** Which start of the study the execution belongs to. */
  readonly generation: number;
}

export interface RoundAddress extends StartAddress, RungPlace {}

/** How often a step is planned again when others change the study at the same time. */
export const TRIES = { tries: 20 };

/** A study that the execution may still run. */
export interface RunningStudy {
  readonly snapshot: Snapshot;
  readonly rounds: Rounds;
}

/** A study that this start of it still runs. @returns null when it is gone, was stopped, or was started again since. */
export const findStarted = async (
  deps: ServiceDeps,
  { study: id, generation }: StartAddress,
): Promise<Snapshot | null> => {
  const study = await loadStudyById(deps, id);
  const snapshot = study === null ? null : await findSnapshot(deps, study);
  return snapshot?.head.started === true && snapshot.head.generation === generation ? snapshot : null;
};

/** @returns null as `findStarted`, and for a study that runs in no rounds. */
export const findRunning = async (deps: ServiceDeps, address: StartAddress): Promise<RunningStudy | null> => {
  const snapshot = await findStarted(deps, address);
  const rounds = snapshot?.study.scheduler.rounds ?? null;
  return snapshot === null || rounds === null ? null : { snapshot, rounds };
};

/** A rung of such a study. */
export interface Round extends RunningStudy {
  /** The rung that is opened or closed, and how far its trials run. */
  readonly place: Place;
}

/** @returns null as `findRunning`, or when the bracket has no such rung. */
export const findRound = async (deps: ServiceDeps, address: RoundAddress): Promise<Round | null> => {
  const running = await findRunning(deps, address);
  const { bracket, rung } = address;
  const resource = running?.rounds.brackets.resources(bracket)[rung];
  return running === null || resource === undefined
    ? null
    : { ...running, place: { bracket, rung, resource } };
};

export const isAt = (study: LoadedStudy, trial: TrialItem, { bracket, rung }: RungPlace): boolean => {
  const place = placeOf(study, trial);
  return place?.bracket === bracket && place.rung === rung;
};

/** Step Functions end an execution after a year. */
export const LONGEST_EXECUTION = 31_536_000;

/** A job may wait this long for an instance before Batch cancels it (infra/constructs/spot-queue.ts). */
const WAIT_FOR_CAPACITY = 3600;
const REPAIR = 600;

/**
 * How long the state machine waits for one trial, in seconds: all its attempts, each with its wait for an instance, its time-out, a
 * lease and the reconciler's rounds. It is only exceeded when an answer was lost; the rung is then opened again.
 */
export const longestRun = ({ spec }: LoadedStudy): number => {
  if (spec.executor.type !== "batch") return WAIT_FOR_CAPACITY;
  const attempt = WAIT_FOR_CAPACITY + sizeOf(spec.executor).timeoutSeconds + spec.lease.seconds + REPAIR;
  return attempt * (spec.lease.maxAttempts + spec.repeats.attempts - 1);
};
