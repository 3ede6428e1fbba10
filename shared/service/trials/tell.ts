import { AlreadyTold, StaleAttempt } from "../../errors.ts";
import type { TellBody, TellReply } from "../../schemas/trial.ts";
import { changeTrial, type TrialItem } from "../../store/trial.ts";
import { type End, endOf, releaseOf, shortened } from "../../study/ends.ts";
import { refuseWrongGradients } from "../../study/gradients.ts";
import { judge, judgePruned, type Result } from "../../study/result.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { FiniteValues } from "../../values.ts";
import { afterEnd } from "../batch/after-end.ts";
import { collectAfter, commitment } from "../core/checkpoints.ts";
import { commit, type Plan } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { findTrial } from "../core/find-trial.ts";
import { endTable } from "../core/ladders.ts";
import { wrongExecutor } from "../core/snapshot.ts";

/** What a tell says of its attempt. */
type Told = Result | { readonly state: "released"; readonly reason: string };

/**
 * Takes the end of an attempt: a trial's values, its failure, that its client pruned it, or that its client gives it back. The same
 * tell again is answered as the first was; a different one, or one of an attempt that no longer owns the trial, is refused and
 * changes nothing. An expired lease does not matter while no other attempt has the trial: the attempt number decides, never
 * a clock.
 * @throws AlreadyTold, StaleAttempt, TrialNotFound, InvalidInput; WrongExecutor when a job gives its trial back.
 */
export const tellTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: TellBody,
  write: WriteContext,
  by: string | null = null,
): Promise<TellReply> => {
  const told = toldIn(study, body);
  // Hone sees how its own jobs end, and counts what they used.
  if (told.state === "released" && study.spec.executor.type !== "client") {
    throw await wrongExecutor(deps, study, { kind: "release-of-job" });
  }
  let read: TrialItem | null = null;
  let written: TrialItem | null = null;
  const reply = await commit(deps, write, async (): Promise<Plan<TellReply>> => {
    const trial = await findTrial(deps, study, number);
    if (body.gradients !== undefined) refuseWrongGradients(study, trial.params, body.gradients);
    const repeated = answerToRepeat(trial, body, told);
    read = trial;
    written = trial;
    if (repeated !== null) return { changes: [], answer: repeated };
    const end = await endBy(deps, study, trial, told);
    const checkpoint = await commitment(deps, study, trial, body);
    const patch = {
      ...end.patch,
      ...checkpoint.patch,
      ...(by !== null && { toldBy: by }),
      // Of a trial that has failed because a value is not finite they say nothing.
      ...(told.state === "completed" && keptGradients(body.gradients)),
    };
    written = { ...trial, ...patch };
    return {
      changes: [changeTrial(trial, patch, checkpoint.when), ...end.changes],
      answer: { number, state: patch.state },
      lone: true,
    };
  });
  // After a repeat without a receipt, too: the first tell may have died between its commit and what follows from it.
  if (written !== null) await afterEnd(deps, study, written);
  if (read !== null && written !== null) await collectAfter(deps, study, read, written);
  return reply;
};

const endBy = async (deps: ServiceDeps, study: LoadedStudy, trial: TrialItem, told: Told): Promise<End> => {
  const now = deps.clock();
  if (told.state === "released") return releaseOf(study, trial, told.reason, now);
  const table = told.state === "completed" ? await endTable(deps, study, trial) : undefined;
  return endOf(study, trial, told, now, { ...(table !== undefined && { table }) });
};

const toldIn = ({ spec }: LoadedStudy, { values, failed, pruned, released }: TellBody): Told => {
  if (released !== undefined) return { state: "released", reason: released.reason };
  if (failed !== undefined) return { state: "failed", reason: failed.reason };
  if (pruned !== undefined) return judgePruned(spec, pruned.reason, values, "/values");
  return judge(spec, values ?? {}, "/values");
};

/** The answer to a tell that has nothing to change: a repeat. Null when the attempt owns the trial and may tell. */
const answerToRepeat = (trial: TrialItem, { attempt, gradients }: TellBody, told: Told): TellReply | null => {
  if (endedBefore(trial, attempt, told)) {
    const isLast = trial.state === "failed" && trial.attempt === attempt;
    return { number: trial.number, state: isLast ? "failed" : "queued" };
  }
  if (attempt !== trial.attempt) throw new StaleAttempt(trial.number, attempt, trial.attempt);
  if (trial.state === "running") return null;
  if (trial.state === "queued") throw new StaleAttempt(trial.number, attempt, trial.attempt + 1);
  if (told.state !== "released" && isSame(trial, told, gradients))
    return { number: trial.number, state: trial.state };
  throw new AlreadyTold(trial.number, trial.state);
};

/** What a tell makes of its attempt when the trial gets another one. */
const recordedEnds = { failed: "failed", released: "interrupted" } as const;

/** Whether this attempt was told to have ended so before, and the trial got another one, which others may have by now. */
const endedBefore = ({ attempts }: TrialItem, attempt: number, told: Told): boolean =>
  (told.state === "failed" || told.state === "released") &&
  attempts.some(
    (each) =>
      each.attempt === attempt &&
      each.end === recordedEnds[told.state] &&
      each.reason === shortened(told.reason),
  );

const isSame = (trial: TrialItem, result: Result, gradients: TellBody["gradients"]): boolean => {
  switch (result.state) {
    case "failed":
      return trial.state === "failed" && trial.reason === result.reason;
    case "pruned":
      return trial.state === "pruned" && trial.reason === result.reason && keeps(trial, result.values);
    case "completed":
      return (
        hasSameValues(result.values, trial.values) &&
        mayHaveCompleted(trial) &&
        hasSameGradients(gradients, trial)
      );
  }
};

/** The metric is the study's only objective. */
const keptGradients = (told: TellBody["gradients"]): Pick<TrialItem, "gradients"> =>
  told === undefined ? {} : { gradients: { space: told.space, values: told.values } };

/** Whether a trial that was told as pruned with these values has the values that it has. */
const keeps = ({ values, rung }: TrialItem, told: FiniteValues | null): boolean =>
  told === null ? values === null || (rung ?? 0) > 0 : hasSameValues(told, values);

/**
 * A scheduler may have pruned a trial after it was told, or stopped it at a report with these values; on no ladder, and
 * without a step at which it was stopped, only its client can have pruned it.
 */
const mayHaveCompleted = ({ state, resource }: TrialItem): boolean =>
  state !== "failed" && !(state === "pruned" && resource === null);

/** Of a trial that its scheduler stopped at a report there are no gradients, whatever is told later. */
const hasSameGradients = (told: TellBody["gradients"], { gradients, state }: TrialItem): boolean => {
  if (gradients === undefined) return told === undefined || state !== "completed";
  return told?.space === gradients.space && hasSameValues(told.values, gradients.values);
};

const hasSameValues = (a: FiniteValues, b: FiniteValues | null) =>
  b !== null &&
  Object.keys(a).length === Object.keys(b).length &&
  // -0 is stored as 0, and is the same result.
  Object.entries(a).every(([metric, value]) => b[metric] !== undefined && b[metric] === value);
