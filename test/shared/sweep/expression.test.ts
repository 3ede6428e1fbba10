import { expect, test } from "vitest";
import type { Schedule } from "../../../shared/sweep/definition.ts";
import { toExpression } from "../../../shared/sweep/expression.ts";

const SINCE = Date.parse("2026-11-27T12:00:30Z");
const START = Date.parse("2026-11-27T12:01:00Z");
const HOUR = 3_600_000;

test.each<[Schedule, string, string]>([
  [{ cron: "0 3 * * ? *" }, "cron(0 3 * * ? *)", "UTC"],
  [
    { cron: " 0  3 ? jan mon-fri * ", timezone: "Europe/Berlin" },
    "cron(0 3 ? JAN MON-FRI *)",
    "Europe/Berlin",
  ],
  [{ at: "2026-12-01T03:00:00Z" }, "at(2026-12-01T03:00:00)", "UTC"],
  [{ at: "2026-12-01T03:00", timezone: "America/New_York" }, "at(2026-12-01T08:00:00)", "UTC"],
  [{ at: "2026-12-31T23:59:59-01:00" }, "at(2027-01-01T00:59:59)", "UTC"],
])("%j is %s in %s", (schedule, ScheduleExpression, ScheduleExpressionTimezone) => {
  expect(toExpression(schedule, SINCE)).toEqual({ ScheduleExpression, ScheduleExpressionTimezone });
});

test.each<[Schedule, string, number]>([
  [{ rate: { minutes: 15 } }, "rate(15 minutes)", HOUR / 4],
  [{ rate: { hours: 1 } }, "rate(1 hour)", HOUR],
  [{ rate: { days: 2 } }, "rate(2 days)", 48 * HOUR],
])("%j is %s and begins after one interval", (schedule, ScheduleExpression, interval) => {
  expect(toExpression(schedule, SINCE)).toEqual({
    ScheduleExpression,
    ScheduleExpressionTimezone: "UTC",
    startDate: START + interval,
  });
});

test("a time that was not checked has no expression", () => {
  expect(() => toExpression({ at: "2027-02-29T03:00Z" }, SINCE)).toThrow("was not checked");
});
