import { type BatchSpec, sizeOf } from "../executor/batch/size.ts";
import { dollarsOf, MICROS, PRICES, type Rates, type Usage } from "../prices.ts";
import type { Notice } from "../sentences/notices.ts";
import { changeHead, type Head } from "../store/head.ts";
import type { Change } from "../store/store.ts";
import type { TrialItem } from "../store/trial.ts";
import type { Snapshot } from "./snapshot.ts";
import type { LoadedStudy } from "./study.ts";

/**
 * What a batch study may spend. The limits are kept by reservation: an attempt is dispatched only when what was spent,
 * what jobs may still spend (each up to its time-out), and this attempt fit the budget together. A job may spend until it has ended, which
 * may be after its attempt.
 */

const HOUR = 3600;

/** What one attempt that ran for so many seconds has used. */
export const usageOf = (executor: BatchSpec, seconds: number): Usage => {
  const { gpus, vcpus } = sizeOf(executor);
  return { gpuSeconds: gpus * seconds, vcpuSeconds: vcpus * seconds };
};

/** What a study has used, as its head counts it. */
export type Counted = Pick<
  Head,
  "gpuSeconds" | "vcpuSeconds" | "micros" | "pricedGpuSeconds" | "pricedVcpuSeconds"
>;

/** What that cost, in dollars. What a version that kept no prices counted costs what it said: today's defaults. */
export const dollarsSpent = (used: Counted): number =>
  used.micros / MICROS +
  dollarsOf(
    {
      gpuSeconds: used.gpuSeconds - used.pricedGpuSeconds,
      vcpuSeconds: used.vcpuSeconds - used.pricedVcpuSeconds,
    },
    PRICES.spot,
  );

type NoRoom = Extract<Notice, { kind: "spending-limit" }>;

export interface Room {
  /** How many more attempts the budget allows now; Infinity without a limit. */
  readonly attempts: number;
  /** The limit that allows no more than that; null without a limit. */
  readonly limit: NoRoom | null;
}

const UNLIMITED: Room = { attempts: Number.POSITIVE_INFINITY, limit: null };

/** Jobs that a study has, or is about to have. */
export interface InFlight {
  readonly jobs: number;
  /** How much they may still spend, in whole attempts: less than one for a job whose attempt has ended and is charged. */
  readonly attempts: number;
}

/** @param hasJob whether a trial's current attempt has a job, or is about to get one. */
export const inFlightOf = (
  { spec: { executor } }: Pick<LoadedStudy, "spec">,
  trials: readonly TrialItem[],
  hasJob: (trial: TrialItem) => boolean,
): InFlight => {
  if (executor.type !== "batch") return { jobs: 0, attempts: 0 };
  const { timeoutSeconds } = sizeOf(executor);
  const current = trials.filter(hasJob).length;
  const open = trials.flatMap(({ open: runs = [] }) => runs);
  const left = open.reduce((sum, { seconds }) => sum + timeoutSeconds - seconds, 0);
  return { jobs: current + open.length, attempts: current + left / timeoutSeconds };
};

export const roomFor = (study: LoadedStudy, head: Head, inFlight: InFlight): Room => {
  const { executor } = study.spec;
  if (executor.type !== "batch") return UNLIMITED;
  const each = usageOf(executor, sizeOf(executor).timeoutSeconds);
  const rooms = [
    roomWithin(inFlight, {
      unit: "GPU hours",
      limit: head.gpuHours,
      spent: head.gpuSeconds / HOUR,
      each: each.gpuSeconds / HOUR,
    }),
    roomWithin(inFlight, {
      unit: "dollars",
      limit: head.dollars,
      spent: dollarsSpent(head),
      each: dollarsOf(each, study.rates),
    }),
  ];
  return rooms.reduce((least, next) => (next.attempts < least.attempts ? next : least));
};

const roomWithin = (inFlight: InFlight, facts: Omit<NoRoom, "kind" | "reserved" | "paused">): Room => {
  const { limit, each, spent } = facts;
  if (limit === 0 || each === 0) return UNLIMITED;
  // A little slack, because sums of hours are not exact.
  const attempts = Math.floor((limit - spent) / each - inFlight.attempts + 1e-9);
  return {
    attempts: Math.max(0, attempts),
    limit: { kind: "spending-limit", ...facts, reserved: inFlight.jobs, paused: false },
  };
};

/** Limits, of which 0 is none, or what is spent. */
type Money = Pick<Head, "gpuHours" | "dollars">;

/** What a single attempt may use, up to its time-out. */
const mostOf = (executor: BatchSpec, rates: Rates): Money => {
  const each = usageOf(executor, sizeOf(executor).timeoutSeconds);
  return { gpuHours: each.gpuSeconds / HOUR, dollars: dollarsOf(each, rates) };
};

/** What an outer fold has used so far, and whether its search is over. */
export interface FoldSpending {
  readonly search: Money;
  readonly refit: Money;
  readonly isSearched: boolean;
}

const NO_MONEY: Money = { gpuHours: 0, dollars: 0 };

/** Of an outer fold that has not begun. */
export const NOTHING_SPENT: FoldSpending = { search: NO_MONEY, refit: NO_MONEY, isSearched: false };

/** What a study has spent, with what jobs may still spend that have outlived their attempts. */
export const spentIn = ({ study, head, trials }: Pick<Snapshot, "study" | "head" | "trials">): Money => {
  const { executor } = study.spec;
  if (executor.type !== "batch") return NO_MONEY;
  const each = mostOf(executor, study.rates);
  const { attempts } = inFlightOf(study, trials, () => false);
  return {
    gpuHours: head.gpuSeconds / HOUR + attempts * each.gpuHours,
    dollars: dollarsSpent(head) + attempts * each.dollars,
  };
};

/**
 * The limits of a part of nested cross-validation. Each outer fold has an equal share. While it is searched, what one attempt may use
 * is kept for the refit of its winner; the refit then has all that the search has left, because an attempt may be lost.
 */
export const limitsOfPart = (
  { spec: { executor }, rates }: Pick<LoadedStudy, "spec" | "rates">,
  folds: number,
  isSearch: boolean,
  limits: Money,
  { search, refit, isSearched }: FoldSpending = NOTHING_SPENT,
): Money => {
  if (executor.type !== "batch") return NO_MONEY;
  const each = mostOf(executor, rates);
  const within = (unit: keyof Money) => {
    if (limits[unit] === 0) return 0;
    const share = limits[unit] / folds;
    const kept = refit[unit] + each[unit];
    if (isSearch) return Math.max(Number.MIN_VALUE, share - kept);
    return isSearched ? Math.max(kept, share - search[unit]) : kept;
  };
  return { gpuHours: within("gpuHours"), dollars: within("dollars") };
};

/** The least that nested cross-validation may spend: of each outer fold one attempt, and one of the refit. */
export const leastOfFolds = (executor: BatchSpec, rates: Rates, folds: number): Money => {
  const each = mostOf(executor, rates);
  const needed = (one: number) => Math.ceil(2 * folds * one * 1000) / 1000;
  return { gpuHours: needed(each.gpuHours), dollars: needed(each.dollars) };
};

/** Whether a study's notice is removed when there is room again: about its budget, or in words of which nothing is known. */
export const isAboutBudget = (notice: Notice | null): boolean =>
  notice?.kind === "spending-limit" || notice?.kind === "text";

/** Nothing runs and the budget does not allow one more attempt: a person must extend it. */
export const pauseWithoutRoom = (head: Head, { limit }: Room): Change =>
  changeHead(head, { state: "paused", notice: limit === null ? null : { ...limit, paused: true } });
