import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import { ladder } from "../../../shared/scheduler/ladder.ts";
import { schedulerOf } from "../../../shared/scheduler/registry.ts";
import type { Scheduler } from "../../../shared/scheduler/scheduler.ts";
import { type Course, type Curves, LadderWorld, ofKind } from "../../support/ladder-world.ts";

/** Successive halving in its three modes, beside models of it that are written without its tables. */

const resource = { name: "epoch", min: 1, max: 27 };
const schedulers = (eta: number) => ({
  synchronous: schedulerOf({ name: "sha", resource, eta }, "client"),
  promotion: schedulerOf({ name: "asha", resource, eta, type: "promotion" }, "client"),
  stopping: schedulerOf({ name: "asha", resource, eta, type: "stopping" }, "client"),
  "hyperband, synchronous": schedulerOf({ name: "hyperband", resource, eta, type: "synchronous" }, "client"),
  "hyperband, promotion": schedulerOf({ name: "hyperband", resource, eta, type: "promotion" }, "client"),
  "hyperband, stopping": schedulerOf({ name: "hyperband", resource, eta, type: "stopping" }, "client"),
  pasha: schedulerOf({ name: "pasha", resource, eta }, "client"),
});
type Mode = keyof ReturnType<typeof schedulers>;

/** Results that a seed decides, with ties and failures. */
const curvesOf =
  (seed: number, failures: number): Curves =>
  (trial, step) => {
    const random = createRandom(seed, trial, step);
    if (random.uniform() < failures) return null;
    return random.uniform() < 0.3 ? random.integer(3) : random.uniform() * 3;
  };

const courses = fc.record({
  seed: fc.nat(),
  eta: fc.integer({ min: 2, max: 4 }),
  trials: fc.integer({ min: 1, max: 60 }),
  workers: fc.integer({ min: 1, max: 12 }),
  tables: fc.integer({ min: 1, max: 3 }),
  failures: fc.constantFrom(0, 0, 0.1, 0.5, 1),
});
type Drawn = typeof courses extends fc.Arbitrary<infer T> ? T : never;

const courseOf = ({ seed, trials, workers, tables, failures }: Drawn): Course => ({
  trials,
  workers,
  tables,
  curves: curvesOf(seed, failures),
  random: createRandom(seed, 1),
});
const play = (scheduler: Scheduler, drawn: Drawn) => new LadderWorld(scheduler, courseOf(drawn)).run();

const allModes = Object.keys(schedulers(3)) as Mode[];

describe.each(allModes)("%s", (mode) => {
  test("the trials come to an end, nobody enters a rung or goes on from it twice, and resources only rise", () => {
    fc.assert(
      fc.property(courses, (drawn) => {
        const { happenings } = play(schedulers(drawn.eta)[mode], drawn);
        expect(ofKind(happenings, "started")).toHaveLength(drawn.trials);
        const entries = ofKind(happenings, "entered").map(
          ({ at, standing }) => `${at.bracket}/${at.rung}/${standing.trial}`,
        );
        expect(new Set(entries).size).toBe(entries.length);
        const resumptions = ofKind(happenings, "resumed").map(({ resumption }) => resumption);
        const steps = resumptions.map(({ from, trial }) => `${from.bracket}/${from.rung}/${trial}`);
        expect(new Set(steps).size).toBe(steps.length);
        const reached = new Map(ofKind(happenings, "started").map((each) => [each.trial, each.place]));
        for (const { trial, from, place } of resumptions) {
          expect(place.bracket).toBe(from.bracket);
          expect(place.resource).toBeGreaterThan(reached.get(trial)!.resource);
          reached.set(trial, place);
        }
        // Who was stopped or lost is heard of no more.
        for (const [i, { kind }] of happenings.entries()) {
          if (kind !== "stopped" && kind !== "lost") continue;
          const { trial } = happenings[i] as { trial: number };
          for (const later of happenings.slice(i + 1)) {
            if (later.kind === "entered") expect(later.standing.trial).not.toBe(trial);
            if (later.kind === "resumed") expect(later.resumption.trial).not.toBe(trial);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  test("some trial comes to the top of a ladder, unless all that could have failed", () => {
    fc.assert(
      fc.property(courses, (drawn) => {
        const world = play(schedulers(drawn.eta)[mode], drawn);
        const { happenings } = world;
        const entered = ofKind(happenings, "entered");
        const lost = new Set(ofKind(happenings, "lost").map(({ trial }) => trial));
        if (mode === "pasha") {
          const isAbove = entered.some(({ at }) => at.rung >= 1);
          expect(isAbove || entered.every(({ standing }) => lost.has(standing.trial))).toBe(true);
          return;
        }
        if (mode.endsWith("stopping")) return;
        const levels = ladder(resource.min, resource.max, drawn.eta);
        const hasArrived = entered.some(
          ({ at }) =>
            at.rung === levels.length - 1 - (mode.startsWith("hyperband") ? at.bracket % levels.length : 0),
        );
        if (!hasArrived) expect(entered.every(({ standing }) => lost.has(standing.trial))).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});

/** A trial and what it came to. */
type Result = readonly [trial: number, cost: number];
const byCost = (a: Result, b: Result) => a[1] - b[1] || a[0] - b[0];

/**
 * Synchronous halving on paper: sort, cut, run those, replace who fails by the next; null when a rung is left with nobody.
 */
const onPaper = (drawn: Drawn, levels: readonly number[], curves: Curves): Result[][] | null => {
  const run = (trials: readonly number[], step: number) =>
    trials.flatMap((trial): Result[] => {
      const cost = curves(trial, step);
      return cost === null ? [] : [[trial, cost]];
    });
  let quota = drawn.trials;
  let candidates = Array.from({ length: drawn.trials }, (_, trial) => trial);
  const rungs: Result[][] = [];
  for (const [rung, step] of levels.entries()) {
    const tried: number[] = [];
    let results: Result[] = [];
    while (results.length < quota && candidates.length > 0) {
      const next = candidates.splice(0, quota - results.length);
      tried.push(...next);
      results = [...results, ...run(next, step)];
      if (rung === 0) break;
    }
    if (results.length === 0) return null;
    results.sort(byCost);
    rungs.push(results);
    quota = Math.max(1, Math.floor(tried.length / drawn.eta));
    candidates = results.map(([trial]) => trial);
  }
  return rungs;
};

test("synchronous halving is sorting and cutting, whatever the workers, their order and the tables", () => {
  let compared = 0;
  fc.assert(
    fc.property(courses, (drawn) => {
      const levels = ladder(resource.min, resource.max, drawn.eta);
      const expected = onPaper(drawn, levels, curvesOf(drawn.seed, drawn.failures));
      if (expected === null) return;
      compared++;
      const entered = ofKind(play(schedulers(drawn.eta).synchronous, drawn).happenings, "entered");
      for (const [rung, results] of expected.entries()) {
        const here = entered.filter(({ at }) => at.rung === rung);
        const got = here.map(({ standing }): Result => [standing.trial, standing.costs[0]!]).sort(byCost);
        expect(got).toEqual(results);
      }
    }),
    { numRuns: 60 },
  );
  expect(compared).toBeGreaterThan(20);
});

/** ASHA on paper (Li et al. 2020, algorithm 2, get_job), with the results of each rung in plain lists. */
const jobOnPaper = (
  rungs: readonly Result[][],
  promoted: readonly Set<number>[],
  lost: readonly Set<number>[],
  eta: number,
) => {
  for (let rung = rungs.length - 2; rung >= 0; rung--) {
    const results = rungs[rung]!;
    const goOn = Math.floor(results.length / eta);
    // What the paper leaves open: one that failed above gives its place to the next.
    const top = results
      .filter(([trial]) => !lost[rung + 1]!.has(trial))
      .sort(byCost)
      .slice(0, goOn);
    const next = top.find(([trial]) => !promoted[rung]!.has(trial));
    if (next !== undefined) return { trial: next[0], rung };
  }
  return null;
};

test("asynchronous promotion takes the jobs of the paper's algorithm, until nothing else is left to do", () => {
  fc.assert(
    fc.property(courses, (drawn) => {
      const levels = ladder(resource.min, resource.max, drawn.eta);
      const rungs: Result[][] = levels.map(() => []);
      const promoted = levels.map(() => new Set<number>());
      const lost = levels.map(() => new Set<number>());
      for (const each of play(schedulers(drawn.eta).promotion, drawn).happenings) {
        if (each.kind === "entered")
          rungs[each.at.rung]!.push([each.standing.trial, each.standing.costs[0]!]);
        if (each.kind === "lost") lost[each.at.rung]!.add(each.trial);
        if (each.kind === "started") expect(jobOnPaper(rungs, promoted, lost, drawn.eta)).toBeNull();
        if (each.kind !== "resumed") continue;
        const { trial, from } = each.resumption;
        const job = jobOnPaper(rungs, promoted, lost, drawn.eta);
        const { mayStart, busy } = each.progress;
        if (job !== null) expect({ trial, rung: from.rung }).toEqual(job);
        // Alone, to let one reach the top: only at the end, and only while none has.
        else expect([mayStart, busy, rungs.at(-1)]).toEqual([false, 0, []]);
        promoted[from.rung]!.add(trial);
      }
    }),
    { numRuns: 60 },
  );
});

test("asynchronous stopping lets a trial go on when it is among the first 1/eta so far, or when there are too few", () => {
  let stops = 0;
  fc.assert(
    fc.property(courses, (drawn) => {
      const seen = new Map<number, Result[]>();
      const { happenings } = play(schedulers(drawn.eta).stopping, drawn);
      for (const [i, each] of happenings.entries()) {
        if (each.kind !== "entered") continue;
        const { rung } = each.at;
        const results = seen.get(rung) ?? [];
        seen.set(rung, results);
        const own: Result = [each.standing.trial, each.standing.costs[0]!];
        results.push(own);
        const next = happenings[i + 1];
        const isStopped = next?.kind === "stopped" && next.trial === own[0];
        const isTop = rung === ladder(resource.min, resource.max, drawn.eta).length - 1;
        const rank = 1 + results.filter((other) => byCost(other, own) < 0).length;
        const goesOn = results.length < drawn.eta || rank <= Math.floor(results.length / drawn.eta);
        expect(isStopped).toBe(!isTop && !goesOn);
        if (isStopped) stops++;
      }
    }),
    { numRuns: 60 },
  );
  expect(stops).toBeGreaterThan(50);
});

test("a ladder of many rungs is decided as quickly as a short one", () => {
  const high = schedulerOf({ name: "sha", resource: { name: "row", min: 1, max: 1e9 }, eta: 2 }, "client");
  expect(high.levels.length).toBeGreaterThan(30);
  const course = { trials: 3, workers: 2, tables: 1, random: createRandom(1) };
  const { happenings } = new LadderWorld(high, { ...course, curves: (trial) => trial }).run();
  const arrived = ofKind(happenings, "entered").filter(({ at }) => at.rung === high.levels.length - 1);
  expect(arrived.map(({ standing }) => standing.trial)).toEqual([0]);
});
