import { instantOfAt } from "./at.ts";
import { calendarDay, dayNumber } from "./calendar.ts";
import { type Cron, parseCron } from "./cron.ts";
import { daysIn } from "./days.ts";
import type { Rate, Schedule } from "./definition.ts";
import { DAY, UTC, zoneOf } from "./zone.ts";

const MINUTE = 60_000;
const LENGTH = { minutes: MINUTE, hours: 60 * MINUTE, days: DAY } as const;

/** The interval of a rate in milliseconds. */
export const intervalOf = (rate: Rate): number =>
  (rate.minutes ?? 0) * LENGTH.minutes + (rate.hours ?? 0) * LENGTH.hours + (rate.days ?? 0) * LENGTH.days;

/** When a rate fires first: an interval after the full minute in which its sweep got it, or the next. */
export const firstOfRate = (rate: Rate, since: number): number =>
  Math.ceil(since / MINUTE) * MINUTE + intervalOf(rate);

interface Span {
  /** When the sweep got this schedule; a rate counts from there. */
  readonly since: number;
  /** The firings later than this. */
  readonly after: number;
  readonly count: number;
}

/**
 * When a schedule fires next, as milliseconds since 1970, in ascending order. A local time that clocks skip fires not at all,
 * one that they show twice fires the first time, as EventBridge Scheduler has it.
 * @param schedule one in which `checkSchedule` finds no fault.
 * @returns fewer than `count` when no more are to come.
 */
export const nextFirings = (schedule: Schedule, span: Span): number[] => {
  const { rate, cron, at, timezone } = schedule;
  if (rate !== undefined) return ofRate(rate, span);
  if (cron !== undefined) return ofCron(soundCron(cron), timezone ?? UTC, span);
  const instant = at === undefined ? null : instantOfAt(at, timezone ?? UTC);
  return instant !== null && instant > span.after ? [instant].slice(0, span.count) : [];
};

const ofRate = (rate: Rate, { since, after, count }: Span): number[] => {
  const [first, interval] = [firstOfRate(rate, since), intervalOf(rate)];
  const passed = after < first ? 0 : Math.floor((after - first) / interval) + 1;
  return Array.from({ length: count }, (_, i) => first + (passed + i) * interval);
};

/** @throws Error for an expression with a fault. */
export const soundCron = (text: string): Cron => {
  const cron = parseCron(text);
  if ("faults" in cron) throw new Error(`the cron expression ${text} was not checked`);
  return cron;
};

const ofCron = (cron: Cron, timezone: string, { after, count }: Span): number[] => {
  const zone = zoneOf(timezone);
  const found: number[] = [];
  for (const day of daysFrom(cron, Math.floor(zone.wallAt(after) / DAY))) {
    for (const time of timesOfDay(cron)) {
      if (found.length >= count) return found;
      const instant = zone.instantOf(day * DAY + time * MINUTE);
      if (instant !== null && instant > after) found.push(instant);
    }
  }
  return found;
};

/** The times of a day, in minutes, in ascending order. */
export const timesOfDay = ({ hours, minutes }: Cron): number[] =>
  hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute));

/** The days on which an expression fires, from one on, by their numbers. */
export function* daysFrom(cron: Cron, start: number): Generator<number> {
  const from = calendarDay(start);
  for (const year of cron.years.filter((one) => one >= from.year)) {
    for (const month of cron.months.filter((one) => year > from.year || one >= from.month)) {
      for (const day of daysIn(cron.days, year, month)) {
        const number = dayNumber({ year, month, day });
        if (number >= start) yield number;
      }
    }
  }
}
