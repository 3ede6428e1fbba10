import { StaleAttempt } from "../../errors.ts";
import type { Standing, Verdict } from "../../scheduler/scheduler.ts";
import type { HeartbeatBody, ReportBody, ReportReply, Upload } from "../../schemas/trial.ts";
import { reasonSentence } from "../../sentences/reasons.ts";
import { newReport } from "../../store/report.ts";
import { newRungEntry, readRungResults } from "../../store/rung.ts";
import type { Change } from "../../store/store.ts";
import { changeTrial, type TrialItem, type TrialPatch } from "../../store/trial.ts";
import { type End, endAtReport } from "../../study/ends.ts";
import { leaseEnd } from "../../study/lease.ts";
import { placed, placeOf, rungAddress, standingOf } from "../../study/place.ts";
import { finiteOnly } from "../../study/result.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { timestamp } from "../../study/view.ts";
import type { FiniteValues } from "../../values.ts";
import { afterEnd } from "../batch/after-end.ts";
import { collectAfter, commitment, uploadOf } from "../core/checkpoints.ts";
import { commit, type Plan } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { findTrial } from "../core/find-trial.ts";
import { followUp } from "../core/follow-up.ts";

const TRIES = { tries: 5 };

/**
 * Records an intermediate value, extends the lease and says whether to go on, as the study's scheduler decides. A stop or
 * a pause is carried out in the same transaction: nothing more need be told. The same step again replaces the first.
 * @throws StaleAttempt when the attempt no longer owns the trial.
 */
export const reportTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: ReportBody,
  write: WriteContext,
): Promise<ReportReply> => {
  let change: TrialChange | null = null;
  const reply = await commit(
    deps,
    write,
    async (): Promise<Plan<ReportReply>> => {
      const trial = await findTrial(deps, study, number);
      refuseStale(trial, body.attempt);
      const now = deps.clock();
      const values = finiteOnly(body.values);
      const verdict = await decide(deps, study, trial, body.step, values);
      const { patch, changes } = carriedOut(study, trial, verdict, { step: body.step, values }, now);
      const checkpoint = await commitment(deps, study, trial, body);
      change = { before: trial, after: { ...trial, ...patch, ...checkpoint.patch } };
      return {
        changes: [
          changeTrial(trial, { ...patch, ...checkpoint.patch }, checkpoint.when),
          newReport(trial, body.step, values, now),
          ...recorded(study, trial, verdict, values),
          ...changes,
        ],
        answer: toReply(study, verdict, now),
      };
    },
    TRIES,
  );
  return followed(deps, study, reply, change);
};

/**
 * Extends the lease without a value.
 * @throws StaleAttempt when the attempt no longer owns the trial.
 */
export const heartbeatTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: HeartbeatBody,
  write: WriteContext,
): Promise<ReportReply> => {
  let change: TrialChange | null = null;
  const reply = await commit(
    deps,
    write,
    async (): Promise<Plan<ReportReply>> => {
      const trial = await findTrial(deps, study, number);
      refuseStale(trial, body.attempt);
      const now = deps.clock();
      const checkpoint = await commitment(deps, study, trial, body);
      const patch: TrialPatch = { leaseExpires: leaseEnd(study, now), ...checkpoint.patch };
      change = { before: trial, after: { ...trial, ...patch } };
      const going: Pick<Verdict, "decision" | "reason"> = {
        decision: "continue",
        reason: { kind: "heartbeat" },
      };
      const changes = [changeTrial(trial, patch, checkpoint.when)];
      return { changes, answer: toReply(study, going, now), lone: true };
    },
    TRIES,
  );
  return followed(deps, study, reply, change);
};

/** A trial as it was read, and as it was written. */
interface TrialChange {
  readonly before: TrialItem;
  readonly after: TrialItem;
}

/**
 * Does what follows from a report or a heartbeat. A job that goes on gets a fresh URL for its next checkpoint, which no
 * receipt remembers, because whoever has it may upload.
 * @param change null when the answer is that of an earlier request.
 */
const followed = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  reply: ReportReply,
  change: TrialChange | null,
): Promise<ReportReply> => {
  if (change === null) return reply;
  const { before, after } = change;
  if (reply.decision !== "continue") await afterEnd(deps, study, after);
  await collectAfter(deps, study, before, after);
  if (study.spec.executor.type !== "batch" || reply.decision !== "continue") return reply;
  let upload: Upload | undefined;
  await followUp(deps, study.id, async () => {
    upload = await uploadOf(deps, study, after);
  });
  return { ...reply, ...(upload !== undefined && { upload }) };
};

/** @throws StaleAttempt when the attempt does not own the trial. */
export const refuseStale = (trial: TrialItem, attempt: number): void => {
  if (trial.attempt === attempt && trial.state === "running") return;
  const current = trial.attempt === attempt ? trial.attempt + 1 : trial.attempt;
  throw new StaleAttempt(trial.number, attempt, current);
};

const decide = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  step: number,
  values: FiniteValues,
): Promise<Verdict> => {
  const { scheduler, spec } = study;
  const place = placeOf(study, trial);
  const watched = scheduler.watches(place, step);
  const table: Standing[] = [];
  if (watched !== null) {
    for (const [number, told] of await readRungResults(deps.store, rungAddress(study, watched))) {
      if (number !== trial.number) table.push(standingOf(spec, number, told));
    }
  }
  return scheduler.report({ place, step, standing: standingOf(spec, trial.number, values) }, table);
};

/** What the decision makes of the trial. */
const carriedOut = (
  study: LoadedStudy,
  trial: TrialItem,
  verdict: Verdict,
  reported: { readonly step: number; readonly values: FiniteValues },
  now: number,
): Pick<End, "changes"> & { readonly patch: TrialPatch } => {
  const { decision, place } = verdict;
  if (decision !== "continue") return endAtReport(study, trial, { ...verdict, decision }, reported, now);
  const patch = { leaseExpires: leaseEnd(study, now), ...(place !== undefined && placed(place)) };
  return { patch, changes: [] };
};

/** The entry of the rung that the report reached. */
const recorded = (
  study: LoadedStudy,
  trial: TrialItem,
  { records }: Verdict,
  values: FiniteValues,
): Change[] => (records === null ? [] : [newRungEntry(rungAddress(study, records), trial.number, values)]);

const toReply = (
  study: LoadedStudy,
  { decision, reason }: Pick<Verdict, "decision" | "reason">,
  now: number,
): ReportReply => ({
  decision,
  reason: reasonSentence(reason),
  leaseExpires: timestamp(leaseEnd(study, now)),
});
