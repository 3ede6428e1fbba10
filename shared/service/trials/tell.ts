import { AlreadyTold, StaleAttempt } from "../../errors.ts";
import type { TellBody, TellReply } from "../../schemas/trial.ts";
import { changeTrial, type TrialItem } from "../../store/trial.ts";
import { endOf, shortened } from "../../study/ends.ts";
import { judge, judgePruned, type Result } from "../../study/result.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { FiniteValues } from "../../values.ts";
import { afterEnd } from "../batch/after-end.ts";
import { collectAfter, commitment } from "../core/checkpoints.ts";
import { commit, type Plan } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { findTrial } from "../core/find-trial.ts";
import { endTable } from "../core/ladders.ts";

/**
 * Takes a trial's final result: its values, its failure, or that its client pruned it. The same tell again is answered as the first was; a different one, or one of an attempt
 * that no longer owns the trial, is refused and changes nothing. An expired lease does not matter while no other attempt
 * has the trial: the attempt number decides, never a clock.
 * @throws AlreadyTold, StaleAttempt, TrialNotFound, InvalidInput
 */
export const tellTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: TellBody,
  write: WriteContext,
): Promise<TellReply> => {
  const result = resultOf(study, body);
  let read: TrialItem | null = null;
  let told: TrialItem | null = null;
  const reply = await commit(deps, write, async (): Promise<Plan<TellReply>> => {
    const trial = await findTrial(deps, study, number);
    const repeated = answerToRepeat(trial, body.attempt, result);
    read = trial;
    told = trial;
    if (repeated !== null) return { changes: [], answer: repeated };
    const table = result.state === "completed" ? await endTable(deps, study, trial) : undefined;
    const end = endOf(study, trial, result, deps.clock(), { ...(table !== undefined && { table }) });
    const checkpoint = await commitment(deps, study, trial, body);
    const patch = { ...end.patch, ...checkpoint.patch };
    told = { ...trial, ...patch };
    return {
      changes: [changeTrial(trial, patch, checkpoint.when), ...end.changes],
      answer: { number, state: patch.state },
      lone: true,
    };
  });
  // After a repeat without a receipt, too: the first tell may have died between its commit and what follows from it.
  if (told !== null) await afterEnd(deps, study, told);
  if (read !== null && told !== null) await collectAfter(deps, study, read, told);
  return reply;
};

const resultOf = ({ spec }: LoadedStudy, { values, failed, pruned }: TellBody): Result => {
  if (failed !== undefined) return { state: "failed", reason: failed.reason };
  if (pruned !== undefined) return judgePruned(spec, pruned.reason, values, "/values");
  return judge(spec, values ?? {}, "/values");
};

/** The answer to a tell that has nothing to change: a repeat. Null when the attempt owns the trial and may tell. */
const answerToRepeat = (trial: TrialItem, attempt: number, result: Result): TellReply | null => {
  if (failedBefore(trial, attempt, result)) return { number: trial.number, state: "queued" };
  if (attempt !== trial.attempt) throw new StaleAttempt(trial.number, attempt, trial.attempt);
  if (trial.state === "running") return null;
  if (trial.state === "queued") throw new StaleAttempt(trial.number, attempt, trial.attempt + 1);
  if (isSame(trial, result)) return { number: trial.number, state: trial.state };
  throw new AlreadyTold(trial.number, trial.state);
};

/** Whether this attempt was told as failed before, for this reason, and the trial got another attempt, which others may have by now. */
const failedBefore = ({ attempts }: TrialItem, attempt: number, result: Result): boolean =>
  result.state === "failed" &&
  attempts.some(
    (each) => each.attempt === attempt && each.end === "failed" && each.reason === shortened(result.reason),
  );

const isSame = (trial: TrialItem, result: Result): boolean => {
  switch (result.state) {
    case "failed":
      return trial.state === "failed" && trial.reason === result.reason;
    case "pruned":
      return trial.state === "pruned" && trial.reason === result.reason && keeps(trial, result.values);
    case "completed":
      return hasSameValues(result.values, trial.values) && mayHaveCompleted(trial);
  }
};

/** Whether a trial that was told as pruned with these values has the values that it has. */
const keeps = ({ values, rung }: TrialItem, told: FiniteValues | null): boolean =>
  told === null ? values === null || (rung ?? 0) > 0 : hasSameValues(told, values);

/**
 * A scheduler may have pruned a trial after it was told, or stopped it at a report with these values; on no ladder, and
 * without a step at which it was stopped, only its client can have pruned it.
 */
const mayHaveCompleted = ({ state, resource }: TrialItem): boolean =>
  state !== "failed" && !(state === "pruned" && resource === null);

const hasSameValues = (a: FiniteValues, b: FiniteValues | null) =>
  b !== null &&
  Object.keys(a).length === Object.keys(b).length &&
  // -0 is stored as 0, and is the same result.
  Object.entries(a).every(([metric, value]) => b[metric] !== undefined && b[metric] === value);
