import { expect, test } from "vitest";
import { instantOfAt, readAt } from "../../../shared/sweep/at.ts";

const iso = (at: string, timezone = "UTC") => {
  const instant = instantOfAt(at, timezone);
  return instant === null ? null : new Date(instant).toISOString();
};

test.each([
  ["2026-12-01T03:00:00Z", "2026-12-01T03:00:00.000Z"],
  ["2026-12-01T03:00", "2026-12-01T03:00:00.000Z"],
  ["2028-02-29T23:59:59", "2028-02-29T23:59:59.000Z"],
  ["2026-12-01T03:00:00+05:45", "2026-11-30T21:15:00.000Z"],
  ["2026-12-01T03:00:00-03:30", "2026-12-01T06:30:00.000Z"],
  ["2026-12-01T03:00:00+23:59", "2026-11-30T03:01:00.000Z"],
])("%s is %s", (at, expected) => {
  expect(iso(at)).toBe(expected);
});

test.each([
  "2026-00-01T03:00Z",
  "2026-13-01T03:00Z",
  "2026-12-00T03:00Z",
  "2026-02-29T03:00Z",
  "2026-12-01T24:00Z",
  "2026-12-01T03:60Z",
  "2026-12-01T03:00:60Z",
  "2026-12-01T03:00+24:00",
  "2026-12-01T03:00+01:60",
  "2026-12-01",
  "tomorrow",
])("there is no %s", (at) => {
  expect(readAt(at)).toBeNull();
  expect(iso(at)).toBeNull();
});

test("a time without an offset is one of the time zone", () => {
  expect(readAt("2026-12-01T03:00")?.offset).toBeNull();
  expect(readAt("2026-12-01T03:00Z")?.offset).toBe(0);
  expect(iso("2026-12-01T03:00", "America/New_York")).toBe("2026-12-01T08:00:00.000Z");
  expect(iso("2026-12-01T03:00+01:00", "America/New_York")).toBe("2026-12-01T02:00:00.000Z");
  expect(iso("2026-03-29T02:30", "Europe/Berlin")).toBeNull();
});
