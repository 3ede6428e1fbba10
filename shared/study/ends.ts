import { secondsRun } from "../executor/batch/ending.ts";
import { withEntry } from "../scheduler/rung-table.ts";
import type { Verdict } from "../scheduler/scheduler.ts";
import type { BatchJob } from "../schemas/batch-event.ts";
import { FREE_RELEASES } from "../schemas/trial.ts";
import { reasonSentence } from "../sentences/reasons.ts";
import { newRungEntry } from "../store/rung.ts";
import { changeTable, noteLost, type StoredTable, type TableAddress } from "../store/rung-table.ts";
import type { Change } from "../store/store.ts";
import type { OpenRun, TrialItem, TrialPatch } from "../store/trial.ts";
import type { FiniteValues } from "../values.ts";
import { charge, chargeable, chargeRest } from "./charge.ts";
import { queuedJob } from "./job.ts";
import { isLastAttempt, LEASE_EXPIRED, lostAttempt, outOfAttempts } from "./lease.ts";
import { closed, type Left, leftOpen } from "./open-runs.ts";
import { comparable, placed, placeOf, rungAddress, standingOf, tableAddress } from "./place.ts";
import type { Result } from "./result.ts";
import type { LoadedStudy } from "./study.ts";

/**
 * How an attempt may end, as changes that its caller writes in one transaction: the trial, what its job has used, and its
 * entry in a rung, so that none of them is counted twice or forgotten.
 */
export interface End {
  readonly patch: TrialPatch & { readonly state: TrialItem["state"] };
  readonly changes: readonly Change[];
}

/** Whole seconds since the container claimed its attempt; 0 when none did. */
export const secondsSinceClaim = (trial: TrialItem, now: number): number =>
  trial.job?.phase === "claimed" ? Math.max(0, Math.ceil((now - trial.job.since) / 1000)) : 0;

/** What the current attempt is charged when it ends now. @param run how long its job ran, where that is known. */
const secondsOf = (study: LoadedStudy, trial: TrialItem, now: number, run?: number): number =>
  chargeable(study, run ?? secondsSinceClaim(trial, now));

export interface EndOptions {
  /** The table that records its values (`tableOfEnd`), as it was read. */
  readonly table?: StoredTable;
  /** How long its job ran, where that has ended; without it the job is expected to end by itself. */
  readonly seconds?: number;
  /** Another attempt would fail in the same way, so there is none. */
  readonly isFinal?: boolean;
}

/**
 * The end of the current attempt with a result. The scheduler says whether the trial is done or waits at its rung.
 */
export const endOf = (
  study: LoadedStudy,
  trial: TrialItem,
  result: Result,
  now: number,
  { table, seconds: run, isFinal = false }: EndOptions = {},
): End => {
  const seconds = secondsOf(study, trial, now, run);
  const left: Left = run === undefined ? leftOpen(trial, now, seconds, true) : {};
  if (result.state === "failed" && !isFinal && mayFailAgain(study, trial)) {
    return againAfter(study, trial, result.reason, now, seconds, left);
  }
  return {
    patch: {
      ...resultAs(study, trial, result),
      ...left,
      leaseExpires: null,
      finished: now,
      ...(seconds > 0 && { seconds: trial.seconds + seconds }),
    },
    changes: [
      ...charge(study, trial, seconds, now, left.open !== undefined),
      // Neither a trial that failed nor one that its client pruned is ever promoted.
      ...rungEntry(study, trial, result.state === "completed" ? result.values : null, table),
    ],
  };
};

/** Whether the study gives a trial that is told as failed another attempt. */
const mayFailAgain = ({ spec }: LoadedStudy, { attempts }: TrialItem): boolean =>
  attempts.filter(({ end }) => end === "failed").length + 1 < spec.repeats.attempts;

const LONGEST_REASON = 300;

/** A reason as it is kept of each attempt that failed: a trial may have many, and all must fit into a write. */
export const shortened = (reason: string): string =>
  reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}…` : reason;

/** The trial waits for another attempt after one that failed. */
const againAfter = (
  study: LoadedStudy,
  trial: TrialItem,
  reason: string,
  now: number,
  seconds: number,
  left: Left,
): End => ({
  patch: {
    state: "queued",
    attempts: lostAttempt(trial, "failed", shortened(reason), now),
    ...left,
    leaseExpires: null,
    ...(seconds > 0 && { seconds: trial.seconds + seconds }),
    // Hone runs the next attempt itself; a client's begins with an ask.
    ...(trial.job !== null && { attempt: trial.attempt + 1, job: queuedJob(now, trial.job) }),
  },
  changes: charge(study, trial, seconds, now, left.open !== undefined),
});

const resultAs = (study: LoadedStudy, trial: TrialItem, result: Result): End["patch"] => {
  switch (result.state) {
    case "failed":
      // What it came to before stays in its curve.
      return { state: "failed", reason: result.reason, values: null };
    case "pruned":
      // Without new values it keeps those of the rung below.
      return {
        state: "pruned",
        reason: result.reason,
        ...(result.values !== null && { values: result.values }),
      };
    case "completed": {
      const place = placeOf(study, trial);
      const { state, reason } = study.scheduler.end(place);
      return {
        state,
        values: result.values,
        ...(reason !== null && { reason: reasonSentence(reason) }),
        ...(place !== null && { curve: curveWith(study, trial, place.resource, result.values) }),
      };
    }
  }
};

/** The trial's curve with another point; one of the same step is replaced. */
export const curveWith = (
  { spec }: LoadedStudy,
  { curve }: TrialItem,
  step: number,
  values: FiniteValues,
): TrialItem["curve"] => [
  ...curve.filter((point) => point.step < step),
  { step, values: comparable(spec, values) },
];

/**
 * The end of the current attempt because its scheduler stopped or paused it at a report: pruned with the values it
 * reported, or parked with them and its checkpoint until its rung is decided.
 */
export const endAtReport = (
  study: LoadedStudy,
  trial: TrialItem,
  verdict: Verdict & { readonly decision: "stop" | "pause" },
  { step, values }: { readonly step: number; readonly values: FiniteValues },
  now: number,
): End => {
  const seconds = secondsOf(study, trial, now);
  const left = leftOpen(trial, now, seconds, true);
  return {
    patch: {
      state: verdict.decision === "stop" ? "pruned" : "paused",
      values,
      reason: reasonSentence(verdict.reason),
      ...left,
      leaseExpires: null,
      finished: now,
      ...(seconds > 0 && { seconds: trial.seconds + seconds }),
      // The values were measured at this step.
      ...(verdict.place === undefined ? { resource: step } : placed(verdict.place)),
    },
    changes: charge(study, trial, seconds, now, left.open !== undefined),
  };
};

/**
 * The end of the current attempt without a result: the trial gets its next attempt, or fails when it had all of them.
 * @param run how long its job ran, where that has ended; without it Hone ends the job.
 */
export const lossOf = (
  study: LoadedStudy,
  trial: TrialItem,
  end: "expired" | "interrupted",
  reason: string,
  now: number,
  run?: number,
): End => {
  const seconds = secondsOf(study, trial, now, run);
  const left: Left = run === undefined ? leftOpen(trial, now, seconds, false) : {};
  if (isLastAttempt(study, trial)) {
    return {
      patch: { ...outOfAttempts(trial, end, reason, now), ...left, seconds: trial.seconds + seconds },
      changes: [
        ...charge(study, trial, seconds, now, left.open !== undefined),
        ...rungEntry(study, trial, null),
      ],
    };
  }
  return {
    patch: {
      state: "queued",
      attempt: trial.attempt + 1,
      lost: trial.lost + 1,
      seconds: trial.seconds + seconds,
      attempts: lostAttempt(trial, end, reason, now),
      ...left,
      leaseExpires: null,
      job: queuedJob(now, trial.job),
    },
    changes: charge(study, trial, seconds, now, left.open !== undefined),
  };
};

/**
 * The end of the current attempt because nothing more is dispatched: its study was stopped, or a person must look. It does not count as
 * lost, and the trial waits for another one.
 */
export const stopOf = (
  study: LoadedStudy,
  trial: TrialItem,
  now: number,
  reason = reasonSentence({ kind: "study-stopped" }),
): End => {
  const seconds = secondsOf(study, trial, now);
  const left = leftOpen(trial, now, seconds, false);
  return {
    patch: {
      state: "queued",
      seconds: trial.seconds + seconds,
      attempts: lostAttempt(trial, "interrupted", reason, now),
      ...left,
      leaseExpires: null,
      job: null,
    },
    changes: charge(study, trial, seconds, now, left.open !== undefined),
  };
};

/**
 * The job of an attempt that ended before has ended, too: what it ran longer is charged.
 * @param job null when Batch knows it no more.
 */
export const closingOf = (
  study: LoadedStudy,
  trial: TrialItem,
  run: OpenRun,
  job: BatchJob | null,
  now: number,
): End => {
  const ran = job === null ? run.seconds : chargeable(study, secondsRun(job, now));
  const { patch, seconds } = closed(trial, run, ran);
  return { patch: { ...patch, state: trial.state }, changes: chargeRest(study, run, seconds, now) };
};

/** The end of a client's trial whose last lease expired. */
export const expiryOf = (study: LoadedStudy, trial: TrialItem, now: number): End =>
  lastLossOf(study, trial, "expired", LEASE_EXPIRED, now);

const lastLossOf = (
  study: LoadedStudy,
  trial: TrialItem,
  end: "expired" | "interrupted",
  reason: string,
  now: number,
): End => ({
  patch: outOfAttempts(trial, end, reason, now),
  changes: rungEntry(study, trial, null),
});

/** The end of the current attempt because its client gives the trial back: the next ask may have it at once. */
export const releaseOf = (study: LoadedStudy, trial: TrialItem, told: string, now: number): End => {
  const reason = shortened(told);
  const released = trial.attempts.filter(({ end }) => end === "interrupted").length;
  const isFree = released < FREE_RELEASES;
  if (!isFree && isLastAttempt(study, trial)) return lastLossOf(study, trial, "interrupted", reason, now);
  return {
    patch: {
      state: "queued",
      attempts: lostAttempt(trial, "interrupted", reason, now),
      leaseExpires: null,
      ...(!isFree && { lost: trial.lost + 1 }),
    },
    changes: [],
  };
};

/** The table that records the end of a trial with values; null when none does. */
export const tableOfEnd = (study: LoadedStudy, trial: TrialItem): TableAddress | null => {
  const { records } = study.scheduler.end(placeOf(study, trial));
  if (records === null || study.scheduler.rounds !== null) return null;
  return tableAddress(study, records, trial.number);
};

/** Enters the trial's values into the rung that records its end: null for one that must not go on. */
const rungEntry = (
  study: LoadedStudy,
  trial: TrialItem,
  values: FiniteValues | null,
  table?: StoredTable,
): readonly Change[] => {
  const { scheduler, spec } = study;
  const place = placeOf(study, trial);
  const { records } = scheduler.end(place);
  if (place === null || records === null) return [];
  if (scheduler.rounds !== null) return [newRungEntry(rungAddress(study, records), trial.number, values)];
  // Nobody waits for a trial where none is paused.
  if (values === null) {
    return scheduler.keeps(place) > 0
      ? [noteLost(tableAddress(study, place, trial.number), trial.number)]
      : [];
  }
  if (table === undefined) throw new Error(`The end of trial ${trial.number} needs the table of its rung.`);
  const standing = standingOf(spec, trial.number, values);
  const room = scheduler.end(place).state === "paused" ? scheduler.keeps(records) : 0;
  const address = tableAddress(study, records, trial.number);
  return [changeTable(address, table, withEntry(table.table, standing, room))];
};
