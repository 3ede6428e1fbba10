import { expect, test } from "vitest";
import { isZone, spelledZone, zoneOf } from "../../../shared/sweep/zone.ts";

const at = (text: string) => Date.parse(text);
/** A wall time is written as if it were UTC. */
const instant = (zone: string, wall: string) => {
  const found = zoneOf(zone).instantOf(at(`${wall}Z`));
  return found === null ? null : new Date(found).toISOString();
};

test.each([
  ["Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59:00.000Z"],
  ["Europe/Berlin", "2026-03-29T02:00", null],
  ["Europe/Berlin", "2026-03-29T02:59", null],
  ["Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00:00.000Z"],
  ["America/New_York", "2026-03-08T02:30", null],
  ["America/New_York", "2026-03-08T03:00", "2026-03-08T07:00:00.000Z"],
  ["Australia/Lord_Howe", "2026-10-04T02:15", null],
  ["Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30:00.000Z"],
  ["Pacific/Apia", "2011-12-30T12:00", null],
  ["Asia/Kolkata", "2026-06-01T00:00", "2026-05-31T18:30:00.000Z"],
  ["UTC", "2026-06-01T00:00", "2026-06-01T00:00:00.000Z"],
])("where clocks go forward in %s, %s is %s", (zone, wall, expected) => {
  expect(instant(zone, wall)).toBe(expected);
});

test.each([
  ["Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30:00.000Z"],
  ["Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00:00.000Z"],
  ["America/New_York", "2026-11-01T01:30", "2026-11-01T05:30:00.000Z"],
  ["America/New_York", "2026-11-01T02:00", "2026-11-01T07:00:00.000Z"],
  ["Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00.000Z"],
  ["Atlantic/Azores", "2026-10-25T00:30", "2026-10-25T00:30:00.000Z"],
])("where clocks go back in %s, %s is the first time that they show it, %s", (zone, wall, expected) => {
  expect(instant(zone, wall)).toBe(expected);
});

test("what clocks show leads back to when they showed it", () => {
  for (const name of ["Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "America/Havana"]) {
    const zone = zoneOf(name);
    let skipped = 0;
    for (let time = at("2026-01-01T00:00Z"); time < at("2027-01-01T00:00Z"); time += 1_800_000) {
      const back = zone.instantOf(zone.wallAt(time));
      if (back !== time) {
        expect(back).toBeLessThan(time);
        expect(zone.wallAt(back ?? 0)).toBe(zone.wallAt(time));
        skipped++;
      }
    }
    // Half an hour or an hour is shown twice a year.
    expect(skipped).toBeLessThanOrEqual(2);
    expect(skipped).toBeGreaterThan(0);
  }
});

test("a time zone is a name of the IANA database as it is written there", () => {
  const names = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Argentina/Buenos_Aires", "Etc/GMT+5"];
  expect(names.filter((name) => !isZone(name))).toEqual([]);
  expect(Intl.supportedValuesOf("timeZone").filter((name) => !isZone(name))).toEqual([]);
  const others = [
    "",
    "EST",
    "+01:00",
    "europe/berlin",
    "EUROPE/BERLIN",
    "Europe/Nowhere",
    "Europe/",
    "Z",
    "utc",
  ];
  expect(others.filter(isZone)).toEqual([]);
  expect(spelledZone("EUROPE/BERLIN")).toBe("Europe/Berlin");
  expect(spelledZone("Europe/Nowhere")).toBeUndefined();
});
