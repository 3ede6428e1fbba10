import fc from "fast-check";
import { expect, test } from "vitest";
import type { Schedule } from "../../../shared/sweep/definition.ts";
import { nextFirings } from "../../../shared/sweep/next.ts";
import { OVERLAPS, type Overlap, planFiring } from "../../../shared/sweep/overlap.ts";
import { startsFrom, tooOld } from "../../../shared/sweep/retention.ts";
import { firesAt, shownMinutes } from "../../support/cron-oracle.ts";

/**
 * A year of a sweep by a simulated clock: it fires as its schedule says, its studies take as long as chance has it, and what
 * becomes of each firing follows from the decisions of `shared/sweep` alone.
 */

const [FROM, TO] = [Date.parse("2026-01-01T00:00:00Z"), Date.parse("2027-01-01T00:00:00Z")];
const HOUR = 3_600_000;
const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"];
const nights = new Map(
  zones.map((zone) => [zone, shownMinutes(zone, FROM, TO).filter(firesAt("30 2 * * ? *"))]),
);

interface SimulatedStudy {
  readonly study: string;
  readonly created: number;
  ends: number;
  readonly completed: number;
  readonly startsFrom: readonly string[];
}

interface Setting {
  readonly schedule: Schedule;
  readonly overlap: Overlap;
  readonly keep: number;
  readonly last: number;
  /** How many hours each study takes, by turns. */
  readonly hours: readonly number[];
}

/** What became of each firing, and the studies that are left, newest first. */
const simulate = ({ schedule, overlap, keep, last, hours }: Setting) => {
  const outcomes = new Map<number, string>();
  const all: SimulatedStudy[] = [];
  const kept: SimulatedStudy[] = [];
  let queued: number | null = null;

  const known = (now: number) =>
    kept.map(({ study, ends, completed }) => ({ study, isFinished: ends <= now, completed }));
  const create = (firing: number, now: number) => {
    const ends = now + (hours[all.length % hours.length] ?? 1) * HOUR;
    const study = {
      study: new Date(firing).toISOString(),
      created: now,
      ends,
      completed: all.length % 4,
      startsFrom: startsFrom(known(now), last),
    };
    all.unshift(study);
    kept.unshift(study);
  };
  const clear = (now: number) => {
    for (const old of tooOld(known(now), keep))
      kept.splice(
        kept.findIndex(({ study }) => study === old),
        1,
      );
    expect(kept.length).toBeLessThanOrEqual(keep);
  };

  let [firing] = nextFirings(schedule, { since: FROM, after: FROM - 1, count: 1 });
  while (firing !== undefined && firing < TO) {
    const running = all[0];
    if (queued !== null && running !== undefined && running.ends <= firing) {
      create(queued, running.ends);
      queued = null;
    }
    const busy = all.find(({ ends }) => ends > firing!);
    const plan = planFiring({
      overlap,
      manual: false,
      running: busy?.study ?? null,
      queued: queued === null ? null : String(queued),
    });
    expect(outcomes.has(firing)).toBe(false);
    outcomes.set(firing, plan.outcome);
    if (plan.outcome === "replaced" && busy !== undefined) busy.ends = firing;
    if (plan.outcome === "created" || plan.outcome === "replaced") create(firing, firing);
    if (plan.outcome === "queued") queued = firing;
    clear(firing);
    [firing] = nextFirings(schedule, { since: FROM, after: firing, count: 1 });
  }
  return { outcomes, all, queued };
};

const settings = fc.record({
  overlap: fc.constantFrom(...OVERLAPS),
  keep: fc.integer({ min: 1, max: 40 }),
  last: fc.integer({ min: 1, max: 10 }),
  hours: fc.array(fc.integer({ min: 1, max: 72 }), { minLength: 1, maxLength: 5 }),
  timezone: fc.constantFrom(...zones),
});

test("over a year every firing has one outcome, and no two studies ever run at once", () => {
  fc.assert(
    fc.property(settings, ({ timezone, ...setting }) => {
      const schedule = { cron: "30 2 * * ? *", timezone };
      const { outcomes, all, queued } = simulate({ ...setting, schedule });
      const due = (nights.get(timezone) ?? []).map(({ instant }) => instant);
      expect([...outcomes.keys()]).toEqual(due);
      const of = (outcome: string) => [...outcomes.values()].filter((one) => one === outcome).length;
      expect(all.length).toBe(of("created") + of("replaced") + of("queued") - (queued === null ? 0 : 1));
      expect(new Set(all.map(({ study }) => study)).size).toBe(all.length);
      for (const [i, { ends }] of all.slice(1).entries())
        expect(ends).toBeLessThanOrEqual(all[i]?.created ?? 0);
      for (const { startsFrom: named } of all) expect(named.length).toBeLessThanOrEqual(setting.last);
      if (setting.overlap === "replace") expect(of("skipped") + of("queued")).toBe(0);
      if (setting.overlap === "skip") expect(of("queued") + of("replaced")).toBe(0);
    }),
    { numRuns: 15 },
  );
});

test("of a year of nights one is left out in spring where clocks skip its time, and none comes twice in autumn", () => {
  const counts = zones.map((timezone) => {
    const schedule = { cron: "30 2 * * ? *", timezone };
    return simulate({ schedule, overlap: "skip", keep: 5, last: 3, hours: [1] }).all.length;
  });
  // On Lord Howe Island clocks go forward from 2:00 to 2:30.
  expect(counts).toEqual([364, 364, 365]);
});

test("daily studies that take a day and a half are skipped, wait or are replaced", () => {
  const outcomes = (overlap: Overlap) => {
    const setting = { schedule: { cron: "0 6 * * ? *" }, overlap, keep: 5, last: 3, hours: [36] };
    return [...simulate(setting).outcomes.values()].slice(0, 6);
  };
  expect(outcomes("skip")).toEqual(["created", "skipped", "created", "skipped", "created", "skipped"]);
  expect(outcomes("queue")).toEqual(["created", "queued", "queued", "queued", "skipped", "queued"]);
  expect(outcomes("replace")).toEqual([
    "created",
    "replaced",
    "replaced",
    "replaced",
    "replaced",
    "replaced",
  ]);
});
