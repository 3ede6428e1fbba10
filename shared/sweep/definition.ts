import * as z from "zod";

/** A year, in each unit of a rate. */
const MOST = { minutes: 527_040, hours: 8_784, days: 366 } as const;

export const UNITS = ["minutes", "hours", "days"] as const;

export const Rate = z
  .strictObject({
    minutes: z.int().min(1).max(MOST.minutes).optional(),
    hours: z.int().min(1).max(MOST.hours).optional(),
    days: z.int().min(1).max(MOST.days).optional().meta({ description: "Of 24 hours each." }),
  })
  .refine(
    (rate) => UNITS.filter((unit) => rate[unit] !== undefined).length === 1,
    "Give one of `minutes`, `hours` and `days`.",
  );

const KINDS = ["cron", "rate", "at"] as const;

/** When a sweep fires. */
export const Schedule = z
  .strictObject({
    cron: z.string().max(256).optional().meta({
      description:
        "Minutes, hours, day of month, month, day of week and year, as EventBridge Scheduler reads them: `0 3 * * ? *` is every day at 3 o'clock.",
    }),
    rate: Rate.optional().meta({ description: "Regularly, the first time after one such interval." }),
    at: z
      .string()
      .regex(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?$/,
        "Write a date and a time, as 2026-12-01T03:00:00Z, or without Z for the local time of `timezone`.",
      )
      .optional()
      .meta({ description: "Once." }),
    timezone: z.string().max(64).optional().meta({
      description: "The IANA time zone of `cron` and `at`, for example Europe/Berlin; UTC by default.",
    }),
  })
  .refine(
    (schedule) => KINDS.filter((kind) => schedule[kind] !== undefined).length === 1,
    "Give one of `cron`, `rate` and `at`.",
  )
  .refine(
    ({ rate, timezone }) => rate === undefined || timezone === undefined,
    "A rate counts hours, not times of day: leave `timezone` out.",
  );

export type Rate = z.infer<typeof Rate>;
export type Schedule = z.infer<typeof Schedule>;
