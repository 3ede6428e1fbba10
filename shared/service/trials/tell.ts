import { AlreadyTold, StaleAttempt, TrialNotFound } from "../../errors.ts";
import type { FiniteValues } from "../../schemas/common.ts";
import type { TellBody, TellReply } from "../../schemas/trial.ts";
import { trialKey } from "../../store/keys.ts";
import { ConditionFailed } from "../../store/store.ts";
import {
  changeTrial,
  isFinished,
  readTrialItem,
  type TrialItem,
  type TrialPatch,
} from "../../store/trial.ts";
import { judge, type Outcome } from "../../study/outcome.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { afterEnd, endOf } from "../batch/after-end.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { once } from "../core/once.ts";
import { findFolded, readOpen } from "../core/snapshot.ts";

/**
 * A trial's final result. The same tell again is answered as the first was; a different one, or one of an attempt that
 * no longer owns the trial, is refused and changes nothing. A lease that ran out does not matter while nobody else has
 * the trial: the attempt number decides, never a clock.
 * @throws AlreadyTold, StaleAttempt, TrialNotFound, InvalidInput
 */
export const tellTrial = (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: TellBody,
  write: WriteContext,
): Promise<TellReply> =>
  once(deps, write, async (acknowledge) => {
    const outcome = outcomeOf(study, body);
    const trial = await findTrial(deps, study, number);
    const early = answerWithout(trial, body.attempt, outcome);
    if (early !== null) {
      const receipt = acknowledge(early);
      if (receipt.length > 0) await deps.store.transact(receipt);
      // The first tell may have died between its commit and what follows from it.
      await afterEnd(deps, study, trial);
      return early;
    }
    const end = endOf(study, trial, outcome, deps.clock());
    const patch: TrialPatch = {
      ...end.patch,
      ...(body.checkpoint !== undefined && { checkpoint: body.checkpoint }),
    };
    const reply: TellReply = { number, state: end.patch.state };
    const change = changeTrial(trial, patch);
    const others = [...end.changes, ...acknowledge(reply)];
    try {
      // Alone, the tell is one conditional write: after a lost reply the read below recognises it.
      if (others.length === 0) await deps.store.update(change);
      else await deps.store.transact([change, ...others]);
    } catch (error) {
      if (!(error instanceof ConditionFailed && error.names.has("trial"))) throw error;
      const current = await findTrial(deps, study, number);
      const late = answerWithout(current, body.attempt, outcome);
      if (late === null) throw error;
      await afterEnd(deps, study, current);
      return late;
    }
    await afterEnd(deps, study, { ...trial, ...patch });
    return reply;
  });

const outcomeOf = (study: LoadedStudy, body: TellBody): Outcome =>
  body.failed !== undefined
    ? { state: "failed", reason: body.failed.reason }
    : judge(study.spec, body.values ?? {}, "/values");

/**
 * The trial wherever it is: open, or folded.
 * @throws TrialNotFound
 */
export const findTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
): Promise<TrialItem> => {
  const item = await deps.store.get(trialKey(study.id, number));
  if (item !== null) return readTrialItem(study.id, item);
  const folded = await findFolded(deps, await readOpen(deps, study), number);
  if (folded === null) throw new TrialNotFound(number);
  return folded;
};

const sameValues = (a: FiniteValues, b: FiniteValues | null) =>
  b !== null &&
  Object.keys(a).length === Object.keys(b).length &&
  // -0 is stored as 0, and is the same result.
  Object.entries(a).every(([metric, value]) => b[metric] !== undefined && b[metric] === value);

/** The answer to a tell that has nothing to change: a repeat. Null when the attempt owns the trial and may tell. */
const answerWithout = (trial: TrialItem, attempt: number, outcome: Outcome): TellReply | null => {
  if (attempt !== trial.attempt) throw new StaleAttempt(trial.number, attempt, trial.attempt);
  if (trial.state === "running") return null;
  if (trial.state === "queued") throw new StaleAttempt(trial.number, attempt, trial.attempt + 1);
  const same =
    outcome.state === "completed"
      ? sameValues(outcome.values, trial.values) && trial.state !== "failed"
      : trial.state === "failed" && trial.reason === outcome.reason;
  if (same) return { number: trial.number, state: trial.state };
  if (isFinished(trial.state) || trial.state === "paused") throw new AlreadyTold(trial.number, trial.state);
  return null;
};
