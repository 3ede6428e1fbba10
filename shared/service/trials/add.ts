import { BudgetSpent, Conflict, type FieldError, InvalidInput, invalid } from "../../errors.ts";
import type { FirstRace } from "../../optimizer/algorithm.ts";
import { algorithmOf, firstRaceOf } from "../../optimizer/choice.ts";
import type { AddTrialsBody, AddTrialsReply } from "../../schemas/trial.ts";
import { validateConfiguration } from "../../space/validate.ts";
import { changeHead } from "../../store/head.ts";
import { encodeSegment, MAX_SEGMENT_BYTES } from "../../store/segment.ts";
import type { Change } from "../../store/store.ts";
import { newTrial, type TrialItem } from "../../store/trial.ts";
import { mostTrialChanges } from "../../study/capacity.ts";
import { judge } from "../../study/result.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { trialsUsed } from "../../study/state.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { afterChange } from "../batch/after-end.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { foldedInto } from "../core/fold.ts";
import { problemOf } from "../core/history.ts";
import { ENQUEUED, type Numbered, queuedTrial } from "../core/propose.ts";
import { readSnapshot } from "../core/snapshot.ts";

/** Imports of at least this many go to a segment at once; fewer to the tail, if one transaction takes them all. */
const SEGMENT_FROM = 50;
const TRIES = { tries: 12 };

/** A trial as the client gave it, checked, without a number. */
type Given = Pick<TrialItem, "params" | "values" | "state" | "reason">;

/**
 * Enqueues configurations (without values), which the next asks hand out first, and imports finished trials (with
 * values), which the trial budget does not count. In a study that races they enter the first race.
 * @throws InvalidInput pointing into the body, BudgetSpent; Conflict for nested cross-validation, and once a race has begun.
 */
export const addTrials = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  body: AddTrialsBody,
  write: WriteContext,
): Promise<AddTrialsReply> => {
  if (study.spec.nested !== undefined) throw new Conflict({ kind: "trials-of-nested" });
  const given = checkAll(study, body.trials);
  const queued = given.filter((trial) => trial.state === "queued").length;
  const most = mostTrialChanges(study.space);
  if (queued > most) throw invalid("/trials", { kind: "too-many-queued", queued, most });
  const plan = async () => {
    const snapshot = await readSnapshot(deps, study);
    refuseOverBudget(snapshot, queued);
    const race = firstRace(snapshot, queued);
    const now = deps.clock();
    let ordinal = trialsUsed(snapshot.head);
    const trials = given.map((trial, i) => {
      const place = { number: snapshot.head.next + i, ordinal, ...race };
      if (trial.state === "queued") ordinal++;
      return numbered(study, place, trial, now);
    });
    return {
      changes: changesFor(snapshot, trials),
      answer: { trials: trials.map(({ number, state }) => ({ number, state })) },
    };
  };
  const reply = await commit(deps, write, plan, TRIES);
  if (queued > 0) await afterChange(deps, study);
  return reply;
};

/** Faults named in one reply: enough to see what is wrong with a file of trials. */
const MAX_FAULTS = 100;

/** @throws InvalidInput with the faults of all trials. */
const checkAll = (study: LoadedStudy, trials: AddTrialsBody["trials"]): Given[] => {
  const faults: FieldError[] = [];
  const given = trials.flatMap((trial, i) => {
    try {
      return [check(study, trial, `/trials/${i}`)];
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      faults.push(...error.errors);
      return [];
    }
  });
  if (faults.length > 0) throw new InvalidInput(faults.slice(0, MAX_FAULTS));
  return given;
};

/** As what the enqueued configurations of a study that races begin; null in any other. */
const firstRace = (snapshot: Snapshot, queued: number): Pick<FirstRace, "instance" | "iteration"> | null => {
  const { study, head, trials } = snapshot;
  const { algorithm, seed } = study.spec;
  const race = firstRaceOf(algorithm, problemOf(snapshot, 0), seed);
  if (race === null) return null;
  const { entrants, instance, iteration } = race;
  // A result has been folded only after the first ask.
  const hasBegun = head.segments > 0 || trials.some((trial) => trial.algorithm !== ENQUEUED);
  if (hasBegun) throw new Conflict({ kind: "race-begun" });
  const wanted = trials.length + queued;
  if (wanted > entrants) throw invalid("/trials", { kind: "race-full", entrants, wanted });
  return { instance, iteration };
};

const check = (study: LoadedStudy, trial: AddTrialsBody["trials"][number], pointer: string): Given => {
  const params = validateConfiguration(study.space, trial.params, `${pointer}/params`);
  if (trial.values === undefined) return { params, values: null, state: "queued", reason: null };
  const { algorithm } = study.spec;
  if (algorithmOf(algorithm).races) {
    throw invalid(`${pointer}/values`, { kind: "result-of-race", algorithm: algorithm.name });
  }
  const result = judge(study.spec, trial.values, `${pointer}/values`);
  return result.state === "completed"
    ? { params, values: result.values, state: "completed", reason: null }
    : { params, values: null, state: "failed", reason: result.reason };
};

const refuseOverBudget = (snapshot: Snapshot, queued: number): void => {
  if (queued === 0) return;
  const { head } = snapshot;
  const left = head.trials - trialsUsed(head);
  if (queued > left) throw new BudgetSpent({ kind: "budget-without-room", left, wanted: queued });
};

const numbered = (study: LoadedStudy, number: Numbered, given: Given, now: number): TrialItem => {
  const { params } = given;
  if (given.state === "queued") {
    return queuedTrial(study, number, now, {
      params,
      algorithm: ENQUEUED,
      why: "enqueued by the client",
    });
  }
  const origin = { params, algorithm: "import", why: "imported as finished" };
  const noPlace = { bracket: null, rung: null, resource: null, run: null };
  return { ...queuedTrial(study, number, now, origin), ...noPlace, ...given, finished: now };
};

const changesFor = ({ study, head }: Snapshot, trials: readonly TrialItem[]): Change[] => {
  const finished = trials.filter((trial) => trial.state !== "queued");
  const counted = {
    next: head.next + trials.length,
    imported: head.imported + finished.length,
    // No paused trial depends on those that were imported.
    settled: head.settled && finished.length === trials.length,
  };
  const isFew = finished.length < SEGMENT_FROM && trials.length <= mostTrialChanges(study.space);
  if (isFew) return [changeHead(head, counted), ...trials.map((trial) => newTrial(study.space, trial))];
  const bytes = encodeSegment(study.space, finished);
  if (bytes.length > MAX_SEGMENT_BYTES) {
    throw invalid("/trials", { kind: "import-too-large" }, "too-large");
  }
  const [patch, segment] = foldedInto(study, head, finished, bytes);
  const queued = trials.filter((trial) => trial.state === "queued");
  return [
    changeHead(head, { ...counted, ...patch }),
    segment,
    ...queued.map((trial) => newTrial(study.space, trial)),
  ];
};
