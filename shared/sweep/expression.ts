import { instantOfAt } from "./at.ts";
import { calendarDay } from "./calendar.ts";
import { type Schedule, UNITS } from "./definition.ts";
import { firstOfRate } from "./next.ts";
import { DAY, UTC } from "./zone.ts";

/** A schedule as EventBridge Scheduler takes it. */
export interface SchedulerExpression {
  readonly ScheduleExpression: string;
  readonly ScheduleExpressionTimezone: string;
  /** Milliseconds since 1970, for a rate: without it EventBridge fires at once. */
  readonly startDate?: number;
}

/**
 * @param schedule one in which `checkSchedule` finds no fault.
 * @param since when the sweep got it; a rate counts from there.
 */
export const toExpression = (schedule: Schedule, since: number): SchedulerExpression => {
  const { cron, rate, at = "", timezone = UTC } = schedule;
  if (cron !== undefined) {
    const fields = cron.trim().toUpperCase().split(/\s+/).join(" ");
    return { ScheduleExpression: `cron(${fields})`, ScheduleExpressionTimezone: timezone };
  }
  if (rate !== undefined) {
    const [unit = "days"] = UNITS.filter((one) => rate[one] !== undefined);
    // EventBridge writes a single unit in the singular.
    const value = rate[unit] ?? 1;
    return {
      ScheduleExpression: `rate(${value} ${value === 1 ? unit.slice(0, -1) : unit})`,
      ScheduleExpressionTimezone: UTC,
      startDate: firstOfRate(rate, since),
    };
  }
  const instant = instantOfAt(at, timezone);
  if (instant === null) throw new Error(`the time ${at} was not checked`);
  return { ScheduleExpression: `at(${written(instant)})`, ScheduleExpressionTimezone: UTC };
};

const written = (instant: number): string => {
  const days = Math.floor(instant / DAY);
  const { year, month, day } = calendarDay(days);
  const seconds = Math.floor((instant - days * DAY) / 1000);
  const [hour, minute, second] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return `${padded(year, 4)}-${padded(month)}-${padded(day)}T${padded(hour)}:${padded(minute)}:${padded(second)}`;
};

const padded = (value: number, length = 2) => String(value).padStart(length, "0");
