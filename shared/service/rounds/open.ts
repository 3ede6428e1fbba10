import type { Place } from "../../scheduler/scheduler.ts";
import type { ListedTrials, OpenedRung } from "../../schemas/rounds.ts";
import { whileStarted } from "../../store/head.ts";
import { newRung, type Rung, readRung } from "../../store/rung.ts";
import type { Change } from "../../store/store.ts";
import { changeTrial, sameJob, type TrialItem } from "../../store/trial.ts";
import { firstToRun } from "../../study/execution.ts";
import { isActive, queuedJob } from "../../study/job.ts";
import { placed, placeOf, rungAddress } from "../../study/place.ts";
import { isUnfinished } from "../../study/state.ts";
import { commit, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { CHUNK_TRIALS, type Chunk, chunksOf } from "./chunks.ts";
import { findRound, isAt, longestRun, type Round, type RoundAddress, TRIES } from "./round.ts";

/**
 * Opens a rung: the bottom one with the trials that were drawn for the bracket, the others with those promoted. Opened again, it
 * hands out what has not ended yet: each trial's current attempt, or its next one.
 * @param parallel so many trials of the bracket may run at once.
 */
export const openRung = async (
  deps: ServiceDeps,
  address: RoundAddress,
  parallel: number,
): Promise<OpenedRung> => {
  const ended = { rung: address.rung, done: true, chunks: [] };
  const plan = async () => {
    const round = await findRound(deps, address);
    return round === null ? { changes: [], answer: ended } : planOpening(deps, round, parallel);
  };
  for (;;) {
    const opened = await commit<OpenedRung | null>(deps, noRequest, plan, TRIES);
    if (opened !== null) return opened;
  }
};

/** The next step of opening a rung; it answers null when all must be read again, and what is to run at last. */
const planOpening = async (
  deps: ServiceDeps,
  round: Round,
  parallel: number,
): Promise<Plan<OpenedRung | null>> => {
  const { snapshot, place } = round;
  const { study, head } = snapshot;
  const address = rungAddress(study, place);
  const known = await readRung(deps.store, address);
  if (known === null) {
    const members = await membersOf(deps, round);
    return { changes: [newRung(address, members), whileStarted(head)], answer: null };
  }
  const waiting = known.state === "closed" ? [] : waitingIn(round, known);
  const toQueue = waiting.filter((trial) => !(isActive(trial) && isAt(study, trial, place)));
  if (toQueue.length === 0) {
    return {
      changes: [],
      answer: {
        rung: place.rung,
        done: false,
        chunks: chunksOf(waiting.length, Math.min(head.parallel, parallel)),
      },
    };
  }
  const now = deps.clock();
  return {
    guard: whileStarted(head),
    changes: toQueue.map((trial) => intoRung(trial, place, now)),
    answer: null,
  };
};

/** The members of a rung that have no result yet. */
const waitingIn = ({ snapshot }: Round, { members, results }: Rung): TrialItem[] => {
  const byNumber = new Map(snapshot.trials.map((trial) => [trial.number, trial]));
  return members.filter((number) => !results.has(number)).flatMap((number) => byNumber.get(number) ?? []);
};

/** The trials of a rung that is opened for the first time. */
const membersOf = async (deps: ServiceDeps, { snapshot, place }: Round): Promise<readonly number[]> => {
  const { study, trials } = snapshot;
  if (place.rung === 0) {
    return trials
      .filter((trial) => isUnfinished(trial) && placeOf(study, trial)?.bracket === place.bracket)
      .map((trial) => trial.number);
  }
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

/** A part of the trials of an open rung. */
export interface ChunkAddress extends RoundAddress, Chunk {}

/**
 * The trials of a part that have not ended, as many as one execution runs. A trial is in the same part however often it is asked
 * for; what is left out is handed out when the rung is opened again.
 */
export const listTrials = async (deps: ServiceDeps, address: ChunkAddress): Promise<ListedTrials> => {
  const round = await findRound(deps, address);
  if (round === null) return { trials: [], timeoutSeconds: 60 };
  const { study } = round.snapshot;
  const known = await readRung(deps.store, rungAddress(study, round.place));
  const parts = new Map(known?.members.map((number, i) => [number, i % address.of]));
  const mine = known === null ? [] : waitingIn(round, known);
  const inPart = mine.filter(
    (trial) => parts.get(trial.number) === address.chunk && isAt(study, trial, round.place),
  );
  const trials = firstToRun(inPart, CHUNK_TRIALS).map(({ number, attempt }) => ({ trial: number, attempt }));
  return { trials, timeoutSeconds: longestRun(study) };
};
