import { type BatchSpec, sizeOf } from "../executor/batch/size.ts";
import { changeHead, type Head } from "../store/head.ts";
import type { Change } from "../store/store.ts";
import type { LoadedStudy } from "./study.ts";

/**
 * What a batch study may spend. The limits are kept by reservation: an attempt is only let go when what was spent, what
 * the running attempts may still spend (each up to its time-out), and this one fit the budget together.
 */

/**
 * Estimates in dollars, us-east-1: about what Spot machines of the families that Hone uses cost (g4dn, g5 and g6 per
 * GPU; c, m and r of the 6th and 7th generation per vCPU with its memory). The bill is AWS's; these only bound a study.
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

export interface Room {
  /** How many more attempts the budget lets go now; Infinity without a limit. */
  readonly attempts: number;
  /** Why there are no more than that, for a person. */
  readonly why: string;
}

/** How a message about the budget begins; such a message goes when there is room again. */
const ABOUT_BUDGET = "The budget of ";
export const isAboutBudget = (message: string) => message.startsWith(ABOUT_BUDGET);

/** @param reserved attempts that are on their way or running. */
export const roomFor = (study: LoadedStudy, head: Head, reserved: number): Room => {
  const { executor } = study.spec;
  if (executor.type !== "batch") return { attempts: Number.POSITIVE_INFINITY, why: "" };
  const each = usageOf(executor, sizeOf(executor).timeoutSeconds);
  const rooms = [
    room(head.gpuHours, "GPU hours", head.gpuSeconds / HOUR, each.gpuSeconds / HOUR, reserved),
    room(head.dollars, "dollars", dollars(head), dollars(each), reserved),
  ];
  return rooms.reduce((least, next) => (next.attempts < least.attempts ? next : least));
};

const room = (limit: number, unit: string, spent: number, each: number, reserved: number): Room => {
  if (limit === 0 || each === 0) return { attempts: Number.POSITIVE_INFINITY, why: "" };
  // A hair of slack: sums of hours are not exact.
  const attempts = Math.floor((limit - spent) / each - reserved + 1e-9);
  return {
    attempts: Math.max(0, attempts),
    why: `${ABOUT_BUDGET}${limit} ${unit} has no room for another trial: ${spent.toFixed(2)} spent, and one may take ${each.toFixed(2)} (${reserved} under way).`,
  };
};

/** Nothing runs and the money does not reach for one more attempt: a person must extend it. */
export const pauseWithoutRoom = (head: Head, { why }: Room): Change =>
  changeHead(head, { state: "paused", message: `${why} Extend it and resume the study.` });
