import * as z from "zod";
import { SafeInt } from "../values.ts";

/** A month of the calendar, UTC. */
export const Month = z.string().regex(/^[0-9]{4}-(0[1-9]|1[0-2])$/);

const Trials = z.int().min(1).max(1_000_000_000);
const GpuHours = z.number().positive().max(1_000_000_000);
const Dollars = z.number().positive().max(1_000_000_000);

/** What a team may spend a month; a limit that is left out does not exist. */
export const MonthlyLimits = z.strictObject({
  trials: Trials.optional().meta({
    description: "Trials that Hone runs, each counted once, in the month of its first job.",
  }),
  gpuHours: GpuHours.optional(),
  dollars: Dollars.optional().meta({ description: "An estimate at the deployment's prices." }),
});

export const TeamBudget = z.strictObject({
  month: Month,
  limits: MonthlyLimits.meta({ description: "Of every month, as they are now." }),
  spent: z
    .strictObject({ trials: SafeInt, gpuHours: z.number(), vcpuHours: z.number(), dollars: z.number() })
    .meta({
      description: "By the attempts of the month that have ended, in the month in which they were submitted.",
    }),
  reserved: z
    .strictObject({ gpuHours: z.number(), dollars: z.number() })
    .meta({ description: "What the attempts that run may use at most, each up to its time-out." }),
});

export const BudgetQuery = z.strictObject({
  month: Month.optional().meta({ description: "The current one by default (UTC)." }),
});

/** Limits to set; null removes one, and what is left out stays. */
export const PatchBudgetBody = z
  .strictObject({
    trials: Trials.nullable().optional(),
    gpuHours: GpuHours.nullable().optional(),
    dollars: Dollars.nullable().optional(),
  })
  .refine((limits) => Object.keys(limits).length > 0, "Give a limit, or null to remove it.");

export type TeamBudget = z.infer<typeof TeamBudget>;
export type BudgetQuery = z.infer<typeof BudgetQuery>;
export type PatchBudgetBody = z.infer<typeof PatchBudgetBody>;
