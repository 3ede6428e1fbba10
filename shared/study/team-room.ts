import { MICROS } from "../prices.ts";
import type { Notice } from "../sentences/notices.ts";
import type { Reservation, Spend, SpendLimits } from "../store/spend.ts";
import type { TeamBudget } from "../store/team-budget.ts";

/** Whether a team's budget of the month leaves room for another attempt. What it allows is kept by reservation, as in `store/spend.ts`. */

const HOUR = 3600;

/** A little slack, because hours and dollars that a person writes are not exact. */
const whole = (limit: number): number => Math.floor(limit + 1e-6);

/** The limits in the units that are counted. */
export const limitsOf = ({ trials, gpuHours, dollars }: TeamBudget): SpendLimits => ({
  ...(trials !== undefined && { trials }),
  ...(gpuHours !== undefined && { gpuSeconds: whole(gpuHours * HOUR) }),
  ...(dollars !== undefined && { micros: whole(dollars * MICROS) }),
});

export type NoTeamRoom = Extract<Notice, { kind: "team-budget" }>;

/** What a team's budget leaves for attempts that may use `each`. */
export interface TeamRoom {
  /** Attempts that money and GPU hours allow, and first jobs of trials; Infinity without a limit. */
  readonly attempts: number;
  readonly trials: number;
}

/** The limits beside what counts against them. */
const measures = (budget: TeamBudget, spend: Spend, each: Reservation) =>
  [
    { unit: "trials", limit: budget.trials, spent: spend.trials, reserved: 0, each: 1, scale: 1 },
    {
      unit: "GPU hours",
      limit: budget.gpuHours,
      spent: spend.gpuSeconds,
      reserved: spend.boundGpuSeconds - spend.gpuSeconds,
      each: each.gpus * each.seconds,
      scale: HOUR,
    },
    {
      unit: "dollars",
      limit: budget.dollars,
      spent: spend.micros,
      reserved: spend.boundMicros - spend.micros,
      each: each.micros,
      scale: MICROS,
    },
  ] as const;

/** How many more fit. */
const times = ({ limit, spent, reserved, each, scale }: ReturnType<typeof measures>[number]): number =>
  limit === undefined || each === 0
    ? Number.POSITIVE_INFINITY
    : Math.max(0, Math.floor((whole(limit * scale) - spent - reserved) / each));

export const teamRoom = (budget: TeamBudget, spend: Spend, each: Reservation): TeamRoom => {
  const [trials, ...money] = measures(budget, spend, each).map(times);
  return { trials: trials ?? 0, attempts: Math.min(...money) };
};

/** The limit that leaves no room for an attempt, null when all do. @param isFirst whether it is its trial's first job. */
export const withoutTeamRoom = (
  budget: TeamBudget,
  spend: Spend,
  each: Reservation,
  isFirst: boolean,
): NoTeamRoom | null => {
  const short = measures(budget, spend, each).find(
    (measure) => times(measure) === 0 && (isFirst || measure.unit !== "trials"),
  );
  if (short === undefined) return null;
  const { unit, limit = 0, scale } = short;
  return {
    kind: "team-budget",
    unit,
    month: each.month,
    limit,
    spent: short.spent / scale,
    reserved: short.reserved / scale,
    each: short.each / scale,
  };
};
