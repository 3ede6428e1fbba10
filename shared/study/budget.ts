import { type BatchSpec, sizeOf } from "../executor/batch/size.ts";
import type { Notice } from "../sentences/notices.ts";
import { changeHead, type Head } from "../store/head.ts";
import type { Change } from "../store/store.ts";
import type { LoadedStudy } from "./study.ts";

/**
 * What a batch study may spend. The limits are kept by reservation: an attempt is dispatched only when what was spent,
 * what the running attempts may still spend (each up to its time-out), and this attempt fit the budget together.
 */

/**
 * Estimates in dollars, us-east-1: about the Spot prices of the families that Hone uses (g4dn, g5 and g6 per GPU; c, m
 * and r of the 6th and 7th generation per vCPU with its memory). The bill is AWS's; these only bound a study.
 */
export const PRICES = { gpuHour: 0.5, vcpuHour: 0.02 } as const;

const HOUR = 3600;

export interface Usage {
  readonly gpuSeconds: number;
  readonly vcpuSeconds: number;
}

/** What one attempt that ran for so many seconds has used. */
export const usageOf = (executor: BatchSpec, seconds: number): Usage => {
  const { gpus, vcpus } = sizeOf(executor);
  return { gpuSeconds: gpus * seconds, vcpuSeconds: vcpus * seconds };
};

const dollars = ({ gpuSeconds, vcpuSeconds }: Usage) =>
  (gpuSeconds / HOUR) * PRICES.gpuHour + (vcpuSeconds / HOUR) * PRICES.vcpuHour;

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
    roomWithin({ unit: "dollars", limit: head.dollars, spent: dollars(head), each: dollars(each), reserved }),
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

/** Whether a study's notice is removed when there is room again: about its budget, or in words of which nothing is known. */
export const isAboutBudget = (notice: Notice | null): boolean =>
  notice?.kind === "spending-limit" || notice?.kind === "text";

/** Nothing runs and the budget does not allow one more attempt: a person must extend it. */
export const pauseWithoutRoom = (head: Head, { limit }: Room): Change =>
  changeHead(head, { state: "paused", notice: limit === null ? null : { ...limit, paused: true } });
