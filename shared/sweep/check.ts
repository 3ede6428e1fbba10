import type { FieldError } from "../errors.ts";
import type { Fault } from "../sentences/faults.ts";
import { instantOfAt, readAt } from "./at.ts";
import { dayNumber } from "./calendar.ts";
import { type Cron, parseCron } from "./cron.ts";
import type { Schedule } from "./definition.ts";
import { daysFrom, intervalOf, nextFirings, timesOfDay } from "./next.ts";
import { DAY, isZone, spelledZone, UTC } from "./zone.ts";

/** Minutes between two firings, on the clock. */
export const LEAST_MINUTES = 5;
const MINUTE = 60_000;
const DAY_MINUTES = DAY / MINUTE;
/** Timestamps have years of four digits. */
const TOO_LATE = dayNumber({ year: 10_000, month: 1, day: 1 }) * DAY;

/**
 * What is wrong with a schedule beyond its form. The pointers begin at the schedule.
 * @param now only firings later than this count.
 */
export const checkSchedule = (schedule: Schedule, now: number): FieldError[] => {
  const { timezone, rate, cron, at } = schedule;
  if (timezone !== undefined && !isZone(timezone)) {
    const meant = spelledZone(timezone) ?? null;
    return [{ pointer: "/timezone", fault: { kind: "timezone-unknown", given: timezone, meant } }];
  }
  const below = (pointer: string, faults: readonly Fault[]) => faults.map((fault) => ({ pointer, fault }));
  return [
    ...below("/rate", rate === undefined ? [] : tooFrequent(intervalOf(rate) / MINUTE)),
    ...below("/cron", cron === undefined ? [] : cronFaults(schedule, cron, now)),
    ...below("/at", at === undefined ? [] : atFaults(at, timezone, now)),
  ];
};

const tooFrequent = (minutes: number): Fault[] =>
  minutes < LEAST_MINUTES ? [{ kind: "too-frequent", minutes, least: LEAST_MINUTES }] : [];

const cronFaults = (schedule: Schedule, text: string, now: number): readonly Fault[] => {
  const cron = parseCron(text);
  if ("faults" in cron) return cron.faults;
  if (nextFirings(schedule, { since: now, after: now, count: 1 }).length === 0)
    return [{ kind: "never-fires" }];
  return tooFrequent(shortestGap(cron, Math.floor(now / DAY)));
};

/** The least minutes between two firings, from a day on; the changes of clocks aside. */
const shortestGap = (cron: Cron, today: number): number => {
  const times = timesOfDay(cron);
  const within = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  const overNight = DAY_MINUTES - (times.at(-1) ?? 0) + (times[0] ?? 0);
  return Math.min(...within, ...(hasNeighbours(cron, today) ? [overNight] : []));
};

/** Whether an expression fires on two days one after the other. */
const hasNeighbours = (cron: Cron, today: number): boolean => {
  let last = Number.NEGATIVE_INFINITY;
  for (const day of daysFrom(cron, today)) {
    if (day === last + 1) return true;
    last = day;
  }
  return false;
};

const atFaults = (at: string, timezone: string | undefined, now: number): Fault[] => {
  const written = readAt(at);
  if (written === null) return [{ kind: "at-no-date", at }];
  if (written.offset !== null && timezone !== undefined) return [{ kind: "timezone-twice", at }];
  const instant = instantOfAt(at, timezone ?? UTC);
  if (instant === null) return [{ kind: "at-skipped", at, timezone: timezone ?? UTC }];
  if (instant >= TOO_LATE) return [{ kind: "at-late", at }];
  return instant <= now ? [{ kind: "at-past", at }] : [];
};
