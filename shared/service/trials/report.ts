import { StaleAttempt } from "../../errors.ts";
import { EMPTY_RUNG } from "../../scheduler/rung-table.ts";
import type { Place, Verdict } from "../../scheduler/scheduler.ts";
import type { Decision, HeartbeatBody, ReportBody, ReportReply, Upload } from "../../schemas/trial.ts";
import { type Reason, reasonSentence } from "../../sentences/reasons.ts";
import { newReport } from "../../store/report.ts";
import { allOf, type Change, type Condition } from "../../store/store.ts";
import { changeTrial, type TrialItem, type TrialPatch } from "../../store/trial.ts";
import { curveWith, type End, endAtReport } from "../../study/ends.ts";
import { leaseEnd } from "../../study/lease.ts";
import { placed, placeOf, standingOf } from "../../study/place.ts";
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
import { entryOf, type WatchedRung, watchedRung } from "../core/ladders.ts";

const TRIES = { tries: 5 };

/** What a trial reported. */
interface Reported {
  readonly step: number;
  readonly values: FiniteValues;
}

/**
 * Records an intermediate value, extends the lease and says whether to go on, as the study's scheduler decides. A stop or
 * a pause is carried out in the same transaction: nothing more need be told. The same step again replaces the first, and after
 * a stop or a pause it is answered as the first was.
 * @param by who reports in place of the trial's job; null for that job itself, and where clients run the trials.
 * @throws StaleAttempt when the attempt no longer owns the trial.
 */
export const reportTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: ReportBody,
  write: WriteContext,
  by: string | null = null,
): Promise<ReportReply> => {
  let change: TrialChange | null = null;
  let unsaved: ReturnType<typeof newReport> | null = null;
  const reply = await commit(
    deps,
    write,
    async (): Promise<Plan<ReportReply>> => {
      const trial = await findTrial(deps, study, number);
      const now = deps.clock();
      unsaved = null;
      const repeated = answerToRepeat(study, trial, body, now);
      change = { before: trial, after: trial };
      if (repeated !== null) return { changes: [], answer: repeated };
      refuseStale(trial, body.attempt);
      const reported = { step: body.step, values: finiteOnly(body.values) };
      const { verdict, watched } = await decide(deps, study, trial, reported);
      const carried = carriedOut(study, trial, verdict, reported, now);
      const { changes } = carried;
      const patch: TrialPatch = { ...carried.patch, ...(by !== null && { toldBy: by }) };
      const checkpoint = await commitment(deps, study, trial, body);
      const when = allOf(checkpoint.when, watched === null ? undefined : sameRung(trial));
      change = { before: trial, after: { ...trial, ...patch, ...checkpoint.patch } };
      const point = newReport(trial, body.step, reported.values, now);
      const others = [...recorded(study, trial, verdict, watched, reported.values), ...changes];
      // What decides nothing is two writes by themselves, at half the price of a transaction: who dies between them has extended
      // the lease, and the client, who has no answer, reports again. With a key, a receipt vouches for both.
      const isPlain = others.length === 0 && write.receipt === null;
      if (isPlain) unsaved = point;
      return {
        changes: [
          changeTrial(trial, { ...patch, ...checkpoint.patch }, when),
          ...(isPlain ? [] : [point]),
          ...others,
        ],
        answer: toReply(study, verdict, verdict.place ?? placeOf(study, trial), now),
        lone: true,
      };
    },
    TRIES,
  );
  if (unsaved !== null) await deps.store.update(unsaved);
  return followed(deps, study, reply, change);
};

/** The answer to a report that stopped or paused the trial, sent again because its reply was lost; null when it is none. */
const answerToRepeat = (
  study: LoadedStudy,
  trial: TrialItem,
  { attempt, step }: ReportBody,
  now: number,
): ReportReply | null => {
  const ended = trial.state === "pruned" || trial.state === "paused";
  const { decision, reason } = trial;
  const isLast = trial.attempt === attempt && trial.curve.at(-1)?.step === step;
  if (!ended || !isLast || decision === null || decision.decision === "continue") return null;
  return {
    decision: decision.decision,
    reason: reason ?? "",
    leaseExpires: timestamp(leaseEnd(study, now)),
    reportAt: null,
  };
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
      return { changes, answer: toReply(study, going, placeOf(study, trial), now), lone: true };
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
  { step, values }: Reported,
): Promise<{ readonly verdict: Verdict; readonly watched: WatchedRung | null }> => {
  const { scheduler, spec } = study;
  const place = placeOf(study, trial);
  const at = scheduler.watches(place, step);
  const watched = at === null ? null : await watchedRung(deps, study, at);
  const standing = standingOf(spec, trial.number, values);
  const earlier = trial.curve
    .filter((point) => point.step < step)
    .map((point) => standingOf(spec, trial.number, point.values));
  const verdict = scheduler.report({ place, step, standing, earlier }, watched?.rung ?? EMPTY_RUNG);
  return { verdict, watched };
};

/** Two reports of a trial at the same time must not both be recorded at its rung. */
const sameRung = ({ rung }: TrialItem): Condition =>
  rung === null
    ? { expression: "attribute_not_exists(#rung)" }
    : { expression: "#rung = :rung", values: { rung } };

/** What the decision makes of the trial. */
const carriedOut = (
  study: LoadedStudy,
  trial: TrialItem,
  verdict: Verdict,
  reported: Reported,
  now: number,
): Pick<End, "changes"> & { readonly patch: TrialPatch } => {
  const { decision, place } = verdict;
  const known = {
    ...(verdict.records !== null && { curve: curveWith(study, trial, reported.step, reported.values) }),
    ...(verdict.comparison !== undefined && { decision: decisionOf(study, verdict, reported) }),
  };
  if (decision === "continue") {
    const patch = { ...known, leaseExpires: leaseEnd(study, now), ...(place !== undefined && placed(place)) };
    return { patch, changes: [] };
  }
  const worded = { ...verdict, decision, reason: told(study, verdict.reason) };
  const end = endAtReport(study, trial, worded, reported, now);
  return { patch: { ...known, ...end.patch }, changes: end.changes };
};

/** How the trial compared, as its study's users read it. */
const decisionOf = (
  study: LoadedStudy,
  { decision, comparison, records }: Verdict,
  { step }: Reported,
): Decision | null => {
  if (comparison === undefined || records === null) return null;
  const threshold = toldOf(study, comparison.threshold);
  return { decision, step, bracket: records.bracket, rung: records.rung, ...comparison, threshold };
};

/** A cost of the first objective as its value. */
const toldOf = ({ spec }: LoadedStudy, cost: number | null): number | null =>
  cost !== null && spec.objectives[0]?.direction === "maximize" ? -cost : cost;

/** A reason whose threshold is the objective's value. */
const told = (study: LoadedStudy, reason: Reason): Reason =>
  "threshold" in reason ? { ...reason, threshold: toldOf(study, reason.threshold ?? null) } : reason;

/** The entry of the rung that the report reached. */
const recorded = (
  study: LoadedStudy,
  trial: TrialItem,
  verdict: Verdict,
  watched: WatchedRung | null,
  values: FiniteValues,
): Change[] =>
  verdict.records === null || watched === null
    ? []
    : [entryOf(study, watched, standingOf(study.spec, trial.number, values), verdict)];

const toReply = (
  study: LoadedStudy,
  { decision, reason }: Pick<Verdict, "decision" | "reason">,
  place: Place | null,
  now: number,
): ReportReply => ({
  decision,
  reason: reasonSentence(told(study, reason)),
  leaseExpires: timestamp(leaseEnd(study, now)),
  reportAt: decision === "continue" ? study.scheduler.nextStep(place) : null,
});
