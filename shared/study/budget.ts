import { type BatchSpec, sizeOf } from "../executor/batch/size.ts";
import { dollarsOf, MICROS, PRICES, type Rates, type Usage } from "../prices.ts";
import type { Notice } from "../sentences/notices.ts";
import { changeHead, type Head } from "../store/head.ts";
import type { Change } from "../store/store.ts";
import type { LoadedStudy } from "./study.ts";

/**
 * What a batch study may spend. The limits are kept by reservation: an attempt is dispatched only when what was spent,
 * what the running attempts may still spend (each up to its time-out), and this attempt fit the budget together.
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

/** @param reserved attempts that are queued with a job or running. */
export const roomFor = (study: LoadedStudy, head: Head, reserved: number): Room => {
  const { executor } = study.spec;
  if (executor.type !== "batch") return UNLIMITED;
  const each = usageOf(executor, sizeOf(executor).timeoutSeconds);
  const rooms = [
    roomWithin({
      unit: "GPU hours",
      limit: head.gpuHours,
      spent: head.gpuSeconds / HOUR,
      each: each.gpuSeconds / HOUR,
      reserved,
    }),
    roomWithin({
      unit: "dollars",
      limit: head.dollars,
      spent: dollarsSpent(head),
      each: dollarsOf(each, study.rates),
      reserved,
    }),
  ];
  return rooms.reduce((least, next) => (next.attempts < least.attempts ? next : least));
};

const roomWithin = (facts: Omit<NoRoom, "kind" | "paused">): Room => {
  const { limit, each, spent, reserved } = facts;
  if (limit === 0 || each === 0) return UNLIMITED;
  // A little slack, because sums of hours are not exact.
  const attempts = Math.floor((limit - spent) / each - reserved + 1e-9);
  return {
    attempts: Math.max(0, attempts),
    limit: { kind: "spending-limit", ...facts, paused: false },
  };
};

/** Limits of spending; 0 where there is none. */
type Limits = Pick<Head, "gpuHours" | "dollars">;

/** What a single attempt may use, up to its time-out. */
const mostOf = (executor: BatchSpec, rates: Rates): Limits => {
  const each = usageOf(executor, sizeOf(executor).timeoutSeconds);
  return { gpuHours: each.gpuSeconds / HOUR, dollars: dollarsOf(each, rates) };
};

/** What an outer fold has used so far, and whether its search is over. */
export interface FoldSpending {
  readonly search: Counted;
  readonly refit: Counted;
  readonly isSearched: boolean;
}

const NO_USAGE: Counted = {
  gpuSeconds: 0,
  vcpuSeconds: 0,
  micros: 0,
  pricedGpuSeconds: 0,
  pricedVcpuSeconds: 0,
};

/** Of an outer fold that has not begun. */
export const NOTHING_SPENT: FoldSpending = { search: NO_USAGE, refit: NO_USAGE, isSearched: false };

const spentIn = (used: Counted): Limits => ({
  gpuHours: used.gpuSeconds / HOUR,
  dollars: dollarsSpent(used),
});

/**
 * The limits of a part of nested cross-validation. Each outer fold has an equal share. While it is searched, what one attempt may use
 * is kept for the refit of its winner; the refit then has all that the search has left, because an attempt may be lost.
 */
export const limitsOfPart = (
  { spec: { executor }, rates }: Pick<LoadedStudy, "spec" | "rates">,
  folds: number,
  isSearch: boolean,
  limits: Limits,
  { search, refit, isSearched }: FoldSpending = NOTHING_SPENT,
): Limits => {
  if (executor.type !== "batch") return { gpuHours: 0, dollars: 0 };
  const [each, searched, refitted] = [mostOf(executor, rates), spentIn(search), spentIn(refit)];
  const within = (unit: keyof Limits) => {
    if (limits[unit] === 0) return 0;
    const share = limits[unit] / folds;
    const kept = refitted[unit] + each[unit];
    if (isSearch) return Math.max(Number.MIN_VALUE, share - kept);
    return isSearched ? Math.max(kept, share - searched[unit]) : kept;
  };
  return { gpuHours: within("gpuHours"), dollars: within("dollars") };
};

/** The least that nested cross-validation may spend: of each outer fold one attempt, and one of the refit. */
export const leastOfFolds = (executor: BatchSpec, rates: Rates, folds: number): Limits => {
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
