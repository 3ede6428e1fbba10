import fc from "fast-check";
import { expect, test } from "vitest";
import { checkSchedule } from "../../../shared/sweep/check.ts";
import { nextFirings } from "../../../shared/sweep/next.ts";
import { expressions, firesAt, shownMinutes } from "../../support/cron-oracle.ts";
import { firingsBetween } from "../../support/firings.ts";

const [FROM, TO] = [Date.parse("2027-01-01T00:00:00Z"), Date.parse("2028-01-01T00:00:00Z")];
const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"] as const;
const minutes = new Map(zones.map((zone) => [zone, shownMinutes(zone, FROM, TO)]));

const expected = (cron: string, zone: (typeof zones)[number]): number[] =>
  (minutes.get(zone) ?? []).filter(firesAt(cron)).map(({ instant }) => instant);
const computed = (cron: string, timezone: string) => firingsBetween({ cron, timezone }, FROM, TO);

const iso = (time: number) => new Date(time).toISOString();
const firings = (schedule: Parameters<typeof nextFirings>[0], after: string, count = 3, since = after) =>
  nextFirings(schedule, { since: Date.parse(since), after: Date.parse(after), count }).map(iso);

test.each(zones.flatMap((zone) => expressions.map((cron) => [cron, zone] as const)))(
  "a year of %s in %s fires when its definition says, minute by minute",
  (cron, zone) => {
    const wanted = expected(cron, zone);
    expect(wanted.length).toBeGreaterThan(0);
    expect(checkSchedule({ cron, timezone: zone }, FROM)).toEqual([]);
    expect(computed(cron, zone).map(iso)).toEqual(wanted.map(iso));
  },
);

const part = (low: number, high: number, hasSteps: boolean) => {
  const value = fc.integer({ min: low, max: high });
  const range = fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  const step = fc.tuple(value, fc.integer({ min: 1, max: high - low })).map(([a, by]) => `${a}/${by}`);
  return fc.oneof(value.map(String), range, ...(hasSteps ? [step] : []));
};
const field = (low: number, high: number, hasSteps = true) =>
  fc.oneof(
    fc.constant("*"),
    fc.array(part(low, high, hasSteps), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(",")),
  );
const dayFields = fc.oneof(
  field(1, 31).map((ofMonth) => [ofMonth, "?"]),
  field(1, 7, false).map((ofWeek) => ["?", ofWeek]),
  fc.constant(["L", "?"]),
  fc.integer({ min: 1, max: 31 }).map((day) => [`${day}W`, "?"]),
  fc.integer({ min: 1, max: 7 }).map((day) => ["?", `${day}L`]),
  fc
    .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 5 }))
    .map(([day, n]) => ["?", `${day}#${n}`]),
);
/** A few minutes of an hour: with all of them a comparison would take seconds. */
const someMinutes = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 3 }).map((list) => list.join(",")),
  fc.tuple(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 10, max: 59 })).map(([a, by]) => `${a}/${by}`),
);
const anyCron = fc
  .tuple(someMinutes, field(0, 23), dayFields, field(1, 12))
  .map(([minute, hour, [ofMonth, ofWeek], month]) => `${minute} ${hour} ${ofMonth} ${month} ${ofWeek} *`);

test("so does any expression", () => {
  fc.assert(
    fc.property(anyCron, fc.constantFrom(...zones), (cron, zone) => {
      const [found, wanted] = [computed(cron, zone), expected(cron, zone)];
      expect(found.length).toBe(wanted.length);
      // The first difference: a whole year would fill the screen.
      expect(found.find((time, i) => time !== wanted[i])).toBeUndefined();
    }),
    { numRuns: 40 },
  );
});

test("a time that clocks skip does not fire, one that they show twice fires the first time", () => {
  const night = { cron: "30 2 * * ? *", timezone: "America/Los_Angeles" };
  expect(firings(night, "2026-03-07T00:00Z")).toEqual([
    "2026-03-07T10:30:00.000Z",
    "2026-03-09T09:30:00.000Z",
    "2026-03-10T09:30:00.000Z",
  ]);
  const early = { cron: "30 1 * * ? *", timezone: "America/Los_Angeles" };
  expect(firings(early, "2026-11-01T00:00Z")).toEqual([
    "2026-11-01T08:30:00.000Z",
    "2026-11-02T09:30:00.000Z",
    "2026-11-03T09:30:00.000Z",
  ]);
  expect(firings(early, "2026-11-01T08:30Z", 1)).toEqual(["2026-11-02T09:30:00.000Z"]);
});

test("only what is later than `after` counts, and firings are found far ahead", () => {
  const cron = { cron: "0 3 * * ? *" };
  expect(firings(cron, "2026-12-31T02:59:59.999Z", 1)).toEqual(["2026-12-31T03:00:00.000Z"]);
  expect(firings(cron, "2026-12-31T03:00:00Z", 1)).toEqual(["2027-01-01T03:00:00.000Z"]);
  expect(firings({ cron: "0 0 29 2 ? 2096-2104" }, "2026-01-01T00:00Z")).toEqual([
    "2096-02-29T00:00:00.000Z",
    "2104-02-29T00:00:00.000Z",
  ]);
  expect(firings(cron, "2199-12-31T00:00Z")).toEqual(["2199-12-31T03:00:00.000Z"]);
  expect(firings(cron, "2026-12-31T00:00Z", 0)).toEqual([]);
  expect(() => firings({ cron: "0 3 * * *" }, "2026-12-31T00:00Z")).toThrow("was not checked");
});

test("a rate counts from when the sweep got it, in hours that no clock changes", () => {
  const rate = { rate: { days: 1 } };
  expect(firings(rate, "2026-03-28T12:00:30Z", 2)).toEqual([
    "2026-03-29T12:01:00.000Z",
    "2026-03-30T12:01:00.000Z",
  ]);
  const since = "2026-03-28T12:00:00Z";
  expect(firings(rate, since, 1, since)).toEqual(["2026-03-29T12:00:00.000Z"]);
  expect(firings(rate, "2026-03-29T12:00:00Z", 1, since)).toEqual(["2026-03-30T12:00:00.000Z"]);
  expect(firings(rate, "2026-04-08T11:59:59Z", 1, since)).toEqual(["2026-04-08T12:00:00.000Z"]);
  expect(firings(rate, "2026-01-01T00:00:00Z", 1, since)).toEqual(["2026-03-29T12:00:00.000Z"]);
  expect(firings({ rate: { minutes: 90 } }, since, 2)).toEqual([
    "2026-03-28T13:30:00.000Z",
    "2026-03-28T15:00:00.000Z",
  ]);
  expect(firings({ rate: { hours: 6 } }, since, 1)).toEqual(["2026-03-28T18:00:00.000Z"]);
});

test("what fires once fires once", () => {
  const once = { at: "2026-12-01T03:00", timezone: "America/New_York" };
  expect(firings(once, "2026-11-27T00:00Z")).toEqual(["2026-12-01T08:00:00.000Z"]);
  expect(firings(once, "2026-12-01T08:00Z")).toEqual([]);
  expect(firings(once, "2026-11-27T00:00Z", 0)).toEqual([]);
  expect(firings({ at: "2026-12-01T03:00:30-03:30" }, "2026-11-27T00:00Z")).toEqual([
    "2026-12-01T06:30:30.000Z",
  ]);
  expect(firings({ at: "2026-10-25T02:30", timezone: "Europe/Berlin" }, "2026-10-01T00:00Z")).toEqual([
    "2026-10-25T00:30:00.000Z",
  ]);
});
