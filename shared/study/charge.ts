import { sizeOf } from "../executor/batch/size.ts";
import { microsOf } from "../prices.ts";
import { spend } from "../store/head.ts";
import { costOf, type Reservation, settle, settleRest, spendMore, spendReserved } from "../store/spend.ts";
import type { Change } from "../store/store.ts";
import type { OpenRun, TrialItem } from "../store/trial.ts";
import { usageOf } from "./budget.ts";
import type { LoadedStudy } from "./study.ts";

/** What attempts cost their study and their team: set aside before the job is submitted, charged when it has ended. */

const MONTH_LENGTH = "2026-11".length;

/** The month of a time in milliseconds since 1970, UTC: what teams' budgets are for. */
export const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, MONTH_LENGTH);

/** What an attempt that is submitted now may use, at today's price; null in a study of clients. */
export const reservationFor = (
  { spec: { executor }, rates }: Pick<LoadedStudy, "spec" | "rates">,
  now: number,
): Reservation | null => {
  if (executor.type !== "batch") return null;
  const { gpus, vcpus, timeoutSeconds } = sizeOf(executor);
  const micros = microsOf(usageOf(executor, timeoutSeconds), rates);
  return { month: monthOf(now), seconds: timeoutSeconds, gpus, vcpus, micros };
};

/**
 * Of the seconds that a job seems to have run those that are charged: at most its time-out, which is what was set aside. Batch ends it then,
 * however much later that is noticed.
 */
export const chargeable = ({ spec: { executor } }: Pick<LoadedStudy, "spec">, seconds: number): number =>
  executor.type === "batch" ? Math.min(seconds, sizeOf(executor).timeoutSeconds) : seconds;

/**
 * The current attempt has ended after so many seconds of its job. Its caller writes these changes with the one that ends it, so that they are
 * written once.
 * @param isOpen whether its job may run on: then what is set aside for it stays so until that has ended.
 */
export const charge = (
  study: LoadedStudy,
  trial: TrialItem,
  seconds: number,
  now: number,
  isOpen = false,
): Change[] => {
  const reserved = trial.state === "running" ? trial.job?.reserved : undefined;
  if (reserved === undefined) return chargeMore(study, trial.job?.reserved, seconds, now);
  const spending = isOpen ? spendReserved : settle;
  return [...toStudy(study, reserved, seconds), spending(study.team, reserved, seconds)];
};

/** The job of an attempt that has ended before has ended, too, so many seconds beyond those that were charged then. */
export const chargeRest = (study: LoadedStudy, run: OpenRun, seconds: number, now: number): Change[] => {
  const { reserved } = run;
  if (reserved === undefined) return chargeMore(study, reserved, seconds, now);
  const total = run.seconds + seconds;
  const micros = costOf(reserved, total) - costOf(reserved, run.seconds);
  return [...toStudy(study, reserved, seconds, micros), settleRest(study.team, reserved, run.seconds, total)];
};

/** A job has used so many seconds for which nothing is set aside, or no longer. */
const chargeMore = (
  study: LoadedStudy,
  reserved: Reservation | undefined,
  seconds: number,
  now: number,
): Change[] => {
  // One that was submitted by a version that reserved nothing counts by today's price and month.
  const known = reserved ?? reservationFor(study, now);
  if (known === null || seconds === 0) return [];
  return [...toStudy(study, known, seconds), spendMore(study.team, known, seconds)];
};

const toStudy = (
  study: LoadedStudy,
  reserved: Reservation,
  seconds: number,
  micros = costOf(reserved, seconds),
): Change[] => {
  const { gpus, vcpus } = reserved;
  if (seconds === 0) return [];
  return [spend(study.id, { gpuSeconds: gpus * seconds, vcpuSeconds: vcpus * seconds, micros })];
};
