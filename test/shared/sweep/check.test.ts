import { expect, test } from "vitest";
import { checkSchedule } from "../../../shared/sweep/check.ts";
import type { Schedule } from "../../../shared/sweep/definition.ts";

const NOW = Date.parse("2026-11-27T12:00:30Z");
const check = (schedule: Schedule) => checkSchedule(schedule, NOW);

test.each<[Schedule]>([
  [{ cron: "0 3 * * ? *" }],
  [{ cron: "0 3 * * ? *", timezone: "Europe/Berlin" }],
  [{ cron: "0/5 * * * ? *" }],
  [{ cron: "0,58 3,5 * * ? *" }],
  [{ cron: "0,58 0,23 1 * ? *" }],
  [{ cron: "3,58 0,23 * * ? *" }],
  [{ cron: "0,58 0,23 ? * 2#1 *" }],
  [{ cron: "30 2 29 2 ? *" }],
  [{ cron: "0 0 1 1 ? 2199" }],
  [{ rate: { minutes: 5 } }],
  [{ rate: { days: 1 } }],
  [{ at: "2026-11-27T12:01:00Z" }],
  [{ at: "9999-12-31T23:59:59Z" }],
  [{ at: "9999-12-31T23:59:59", timezone: "Asia/Tokyo" }],
  [{ at: "2026-11-27T14:01:00+02:00" }],
  [{ at: "2026-11-27T13:01", timezone: "Europe/Berlin" }],
  [{ at: "2027-10-31T02:30", timezone: "Europe/Berlin" }],
])("nothing is wrong with %j", (schedule) => {
  expect(check(schedule)).toEqual([]);
});

const frequent = (minutes: number) => ({ kind: "too-frequent", minutes, least: 5 });

test.each<[Schedule, string, object]>([
  [{ cron: "* 3 * * ? *" }, "/cron", frequent(1)],
  [{ cron: "0,56 * * * ? *" }, "/cron", frequent(4)],
  [{ cron: "0,58 3,4 * * ? *" }, "/cron", frequent(2)],
  [{ cron: "0,58 0,23 * * ? *" }, "/cron", frequent(2)],
  [{ cron: "2,58 0,23 * * ? *" }, "/cron", frequent(4)],
  [{ cron: "0,58 0,23 1,2 * ? *" }, "/cron", frequent(2)],
  [{ cron: "0,58 0,23 ? * 1,7 *" }, "/cron", frequent(2)],
  [{ cron: "0 0 31 2 ? *" }, "/cron", { kind: "never-fires" }],
  [{ cron: "0 12 27 11 ? 2026" }, "/cron", { kind: "never-fires" }],
  [{ cron: "0 3 * * ? 2025" }, "/cron", { kind: "never-fires" }],
  [{ cron: "0 3 * * *" }, "/cron", { kind: "cron-fields", given: 5 }],
  [
    { cron: "0 3 * * *", timezone: "Europe/Nowhere" },
    "/timezone",
    { kind: "timezone-unknown", given: "Europe/Nowhere", meant: null },
  ],
  [
    { at: "2027-01-01T00:00", timezone: "europe/berlin" },
    "/timezone",
    { kind: "timezone-unknown", given: "europe/berlin", meant: "Europe/Berlin" },
  ],
  [{ rate: { minutes: 4 } }, "/rate", frequent(4)],
  [{ at: "2027-02-29T03:00Z" }, "/at", { kind: "at-no-date", at: "2027-02-29T03:00Z" }],
  [{ at: "2027-02-01T24:00Z" }, "/at", { kind: "at-no-date", at: "2027-02-01T24:00Z" }],
  [{ at: "2027-13-01T03:00Z" }, "/at", { kind: "at-no-date", at: "2027-13-01T03:00Z" }],
  [{ at: "2027-12-01T03:00+24:00" }, "/at", { kind: "at-no-date", at: "2027-12-01T03:00+24:00" }],
  [
    { at: "2027-01-01T00:00:00Z", timezone: "Europe/Berlin" },
    "/at",
    { kind: "timezone-twice", at: "2027-01-01T00:00:00Z" },
  ],
  [
    { at: "2027-03-28T02:30", timezone: "Europe/Berlin" },
    "/at",
    { kind: "at-skipped", at: "2027-03-28T02:30", timezone: "Europe/Berlin" },
  ],
  [{ at: "2026-11-27T12:00:30Z" }, "/at", { kind: "at-past", at: "2026-11-27T12:00:30Z" }],
  [{ at: "2026-11-27T13:00", timezone: "Europe/Berlin" }, "/at", { kind: "at-past", at: "2026-11-27T13:00" }],
  [{ at: "9999-12-31T23:59:59-00:01" }, "/at", { kind: "at-late", at: "9999-12-31T23:59:59-00:01" }],
  [
    { at: "9999-12-31T23:59", timezone: "America/New_York" },
    "/at",
    { kind: "at-late", at: "9999-12-31T23:59" },
  ],
])("%j is refused at %s as %j", (schedule, pointer, fault) => {
  expect(check(schedule)).toEqual([{ pointer, fault }]);
});

test("two firings in neighbouring years count as neighbouring days", () => {
  expect(check({ cron: "0,58 0,23 1,31 * ? *" })).toEqual([{ pointer: "/cron", fault: frequent(2) }]);
  expect(check({ cron: "0,58 0,23 1,31 1,12 ? 2027" })).toEqual([]);
});

test("the last day of February and the first of March are neighbours in a common year alone", () => {
  expect(check({ cron: "0,58 0,23 28,1 2,3 ? 2028" })).toEqual([]);
  expect(check({ cron: "0,58 0,23 28,1 2,3 ? 2028-2029" })).toEqual([
    { pointer: "/cron", fault: frequent(2) },
  ]);
});
