export type CronField = "minutes" | "hours" | "day of month" | "month" | "day of week" | "year";

const range = (from: string, to: string, more: string) => `${from} to ${to}, as in ${more}`;

/** What each field of a cron expression may hold, with examples. */
const ALLOWED: Readonly<Record<CronField, string>> = {
  minutes: range("0", "59", "15 or 0,30 or 10-20 or 0/15 or *"),
  hours: range("0", "23", "3 or 6,18 or 8-17 or 0/6 or *"),
  "day of month": range(
    "1",
    "31",
    "1 or 1,15 or 1-7 or 1/2 or *, L for the last day, 15W for the workday next to the 15th, or ?",
  ),
  month: range("1", "12 or JAN to DEC", "JAN or 3,9 or APR-JUN or 1/3 or *"),
  "day of week": range(
    "1",
    "7 or SUN to SAT",
    "MON or MON,THU or MON-FRI or *, 6L for the last Friday of the month, 2#1 for the first Monday, or ?",
  ),
  year: range("1970", "2199", "2027 or 2027-2029 or *"),
};

/** What may be wrong with a sweep. */
export const sweepFaults = {
  "cron-fields": ({ given }: { given: number }) =>
    `A cron expression has six fields (minutes, hours, day of month, month, day of week, year), not ${given}. 0 3 * * ? * is every day at 3 o'clock.`,
  "cron-value": ({ field, given }: { field: CronField; given: string }) =>
    `The ${field} cannot be ${given}. Write ${ALLOWED[field]}.`,
  "cron-range": ({ field, given }: { field: CronField; given: string }) =>
    `The range ${given} of the ${field} runs backwards. Write two ranges with a comma between them.`,
  "cron-step": ({ field, given, most }: { field: CronField; given: string; most: number }) =>
    `The ${field} cannot have the step ${given}. A step is from 1 to ${most}.`,
  "cron-days": ({ given }: { given: "both" | "neither" }) =>
    `${given === "both" ? "Day of month and day of week both say on which days" : "Neither day of month nor day of week says on which days"}. Write ? in one of them, as in 0 3 * * ? * or 0 3 ? * MON-FRI *.`,
  "too-frequent": ({ minutes, least }: { minutes: number; least: number }) =>
    `This fires again after ${minutes} ${minutes === 1 ? "minute" : "minutes"}. At least ${least} minutes must lie between two firings.`,
  "never-fires": () => "This never fires: no such date is still to come.",
  "timezone-unknown": ({ given, meant }: { given: string; meant: string | null }) =>
    meant === null
      ? `There is no time zone ${given}. Use a name of the IANA database, for example Europe/Berlin, America/New_York or UTC.`
      : `There is no time zone ${given}. The IANA database writes ${meant}.`,
  "timezone-twice": ({ at }: { at: string }) =>
    `${at} says itself how far it is from UTC. Leave timezone out, or write the local time.`,
  "at-no-date": ({ at }: { at: string }) => `There is no such time as ${at}.`,
  "at-skipped": ({ at, timezone }: { at: string; timezone: string }) =>
    `Clocks in ${timezone} go forward and never show ${at}. Choose another time.`,
  "at-past": ({ at }: { at: string }) => `${at} is over. Choose a time that is still to come.`,
  "at-late": ({ at }: { at: string }) => `${at} is after the year 9999 in UTC. Choose an earlier time.`,
  "earlier-missing": ({ study }: { study: string }) =>
    `There is no study ${study} in this team. Name another one, or leave it out.`,
  "too-many-earlier": ({ last, named, most }: { last: number; named: number; most: number }) =>
    `A study begins with at most ${most} earlier ones, and the template names ${named} beside these ${last}. Lower warmStart.last.`,
};
