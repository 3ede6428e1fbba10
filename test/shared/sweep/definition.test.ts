import { expect, test } from "vitest";
import { Schedule } from "../../../shared/sweep/definition.ts";

/** What a schema says of a schedule: the first fault's words, and where. */
const faultOf = (schedule: unknown) => {
  const [issue] = Schedule.safeParse(schedule).error?.issues ?? [];
  return issue === undefined ? null : `/${issue.path.join("/")}: ${issue.message}`;
};

test.each([
  { cron: "0 3 * * ? *" },
  { cron: "0 3 * * ? *", timezone: "Europe/Berlin" },
  { rate: { minutes: 5 } },
  { rate: { hours: 8784 } },
  { rate: { days: 366 } },
  { at: "2026-12-01T03:00" },
  { at: "2026-12-01T03:00:00", timezone: "Europe/Berlin" },
  { at: "2026-12-01T03:00:00Z" },
  { at: "2026-12-01T03:00:00+05:45" },
])("%j is a schedule", (schedule) => {
  expect(Schedule.parse(schedule)).toEqual(schedule);
});

const one = "/: Give one of `cron`, `rate` and `at`.";

test.each([
  [{}, one],
  [{ timezone: "Europe/Berlin" }, one],
  [{ cron: "0 3 * * ? *", at: "2026-12-01T03:00" }, one],
  [{ cron: "0 3 * * ? *", rate: { hours: 1 } }, one],
  [
    { rate: { hours: 1 }, timezone: "UTC" },
    "/: A rate counts hours, not times of day: leave `timezone` out.",
  ],
  [{ rate: {} }, "/rate: Give one of `minutes`, `hours` and `days`."],
  [{ rate: { hours: 1, minutes: 30 } }, "/rate: Give one of `minutes`, `hours` and `days`."],
])("%j is refused with %j", (schedule, fault) => {
  expect(faultOf(schedule)).toBe(fault);
});

test.each([
  { rate: { minutes: 0 } },
  { rate: { hours: 1.5 } },
  { rate: { days: 367 } },
  { rate: { weeks: 1 } },
  { cron: "0 3 * * ? *", every: 1 },
  { at: "tomorrow" },
  { at: "2026-12-01" },
  { at: "2026-12-01T03:00:00.5Z" },
  { at: "2026-12-01 03:00" },
  { cron: "0".repeat(257) },
])("%j is refused", (schedule) => {
  expect(faultOf(schedule)).not.toBeNull();
});
