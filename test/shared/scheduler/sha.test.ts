import fc from "fast-check";
import { expect, test } from "vitest";
import { hyperband } from "../../../shared/scheduler/hyperband.ts";
import { ladder, promotedOf } from "../../../shared/scheduler/ladder.ts";
import { MOST_MEMBERS, rank } from "../../../shared/scheduler/rounds.ts";
import { sha } from "../../../shared/scheduler/sha.ts";
import type { Standing } from "../../../shared/scheduler/standing.ts";

test("a ladder rises by eta from min and ends at max", () => {
  expect(ladder(1, 81, 3)).toEqual([1, 3, 9, 27, 81]);
  expect(ladder(1, 50, 3)).toEqual([1, 3, 9, 27, 50]);
  expect(ladder(10, 10, 3)).toEqual([10]);
});

test("a rung of a batch study may have as many trials as its item holds, and not one more", () => {
  const options = { resource: { name: "epoch", min: 9, max: 9 } };
  const faultsOf = (trials: number) => sha.check(options, { executor: "batch", objectives: 1, trials });
  expect(faultsOf(MOST_MEMBERS)).toEqual([]);
  expect(faultsOf(MOST_MEMBERS + 1)).toMatchObject([{ pointer: "/budget/trials" }]);
});

test("the brackets of Hyperband follow each other, pass by pass, however many trials the study has", () => {
  const options = { resource: { name: "epoch", min: 1, max: 9 }, type: "synchronous" as const };
  expect(hyperband.check(options, { executor: "batch", objectives: 1, trials: 1_000_000 })).toEqual([]);
  const scheduler = hyperband.create(options, "batch");
  const starts = Array.from({ length: 20 }, (_, ordinal) => scheduler.start(ordinal));
  expect(starts.map((place) => place?.bracket).join("")).toBe("00000000011111222333");
  expect(starts.map((place) => place?.resource).join("")).toBe("11111111133333999111");
});

test("a bracket of Hyperband that is wider than a rung holds is refused", () => {
  const options = { resource: { name: "row", min: 1, max: 59_049 }, type: "synchronous" as const };
  const faultsOf = (trials: number) => hyperband.check(options, { executor: "batch", objectives: 1, trials });
  expect(faultsOf(MOST_MEMBERS)).toEqual([]);
  expect(faultsOf(MOST_MEMBERS + 1)).toMatchObject([{ pointer: "/budget/trials" }]);
});

test("a trial that stands on no ladder is completed at its end, and recorded in no rung", () => {
  const scheduler = sha.create({ resource: { name: "epoch", min: 1, max: 9 } }, "batch");
  expect(scheduler.end(null)).toEqual({ state: "completed", reason: null, records: null });
});

test("feasible stands before infeasible, then the lower cost, then the lower number; failures last", () => {
  const standings: Standing[] = [
    { trial: 0, costs: [0.1], violation: 2 },
    { trial: 1, costs: [0.5], violation: 0 },
    { trial: 2, costs: [], violation: Number.NaN },
    { trial: 3, costs: [0.5], violation: 0 },
    { trial: 4, costs: [-1], violation: 1 },
  ];
  expect(rank(standings, 2)).toEqual({ order: [1, 3, 4, 0, 2], promoted: [1, 3] });
});

const anyStanding = (trial: number): fc.Arbitrary<Standing> =>
  fc.record({
    trial: fc.constant(trial),
    costs: fc.oneof(
      fc.constant([]),
      fc.tuple(fc.double({ noNaN: true })),
      fc.tuple(fc.integer({ min: 0, max: 3 })),
    ),
    violation: fc.constantFrom(0, 0, 1, 2.5),
  });
const anyRung = fc
  .integer({ min: 1, max: 30 })
  .chain((n) => fc.tuple(...Array.from({ length: n }, (_, trial) => anyStanding(trial))));

test("promotions depend on the results alone, not on the order in which they came", () => {
  fc.assert(
    fc.property(anyRung, fc.integer({ min: 2, max: 5 }), fc.infiniteStream(fc.nat()), (rung, eta, keys) => {
      const shuffled = rung
        .map((standing) => ({ standing, key: keys.next().value }))
        .sort((a, b) => a.key - b.key)
        .map(({ standing }) => standing);
      expect(rank(shuffled, eta)).toEqual(rank(rung, eta));
    }),
  );
});

test("the promoted are the best, none has failed, and one at least goes on if one is left", () => {
  fc.assert(
    fc.property(anyRung, fc.integer({ min: 2, max: 5 }), (rung, eta) => {
      const { order, promoted } = rank(rung, eta);
      expect([...order].sort((a, b) => a - b)).toEqual(rung.map(({ trial }) => trial));
      expect(promoted).toEqual(order.slice(0, promoted.length));
      const alive = rung.filter(({ costs }) => costs.length > 0);
      expect(promoted.length).toBe(Math.min(alive.length, promotedOf(rung.length, eta)));
      for (const trial of promoted) expect(rung[trial]?.costs).toHaveLength(1);
      const worst = rung[promoted.at(-1) ?? 0];
      for (const standing of alive) {
        if (promoted.includes(standing.trial) || promoted.length === 0 || worst === undefined) continue;
        expect(standing.violation).toBeGreaterThanOrEqual(worst.violation);
        if (standing.violation === worst.violation) {
          expect(standing.costs[0]).toBeGreaterThanOrEqual(worst.costs[0] ?? Number.NaN);
        }
      }
    }),
  );
});
