import fc from "fast-check";
import { expect, test } from "vitest";
import { hasFailed, inOrder, type Standing } from "../../../shared/scheduler/standing.ts";

const standings = fc.integer({ min: 1, max: 3 }).chain((objectives) =>
  fc
    .array(
      fc.record({
        costs: fc.oneof(
          { weight: 1, arbitrary: fc.constant<number[]>([]) },
          {
            weight: 6,
            arbitrary: fc.array(fc.integer({ min: 0, max: 4 }), {
              minLength: objectives,
              maxLength: objectives,
            }),
          },
        ),
        violation: fc.constantFrom(0, 0, 0, 1, 2.5, Number.NaN),
      }),
      { minLength: 1, maxLength: 25 },
    )
    .map((rows) => rows.map((row, trial): Standing => ({ trial, ...row }))),
);

const isBetter = (a: Standing, b: Standing) =>
  a.costs.every((cost, j) => cost <= b.costs[j]!) && a.costs.some((cost, j) => cost < b.costs[j]!);

/** How many fronts must be taken away before nothing dominates a trial. */
const depthOf = (standing: Standing, others: readonly Standing[]): number => {
  const better = others.filter((other) => isBetter(other, standing));
  return better.length === 0 ? 0 : 1 + Math.max(...better.map((other) => depthOf(other, better)));
};

/** What an order must rise in: first the kind, then how far outside or how deep, then, of a single objective, the number. */
const keyOf = (standing: Standing, all: readonly Standing[]): number[] => {
  if (hasFailed(standing)) return [2, 0, standing.trial];
  const { violation, costs, trial } = standing;
  if (!(violation <= 0))
    return [1, Number.isNaN(violation) ? Number.POSITIVE_INFINITY : violation, costs[0]!];
  const feasible = all.filter((other) => !hasFailed(other) && other.violation <= 0);
  return costs.length === 1 ? [0, costs[0]!, trial] : [0, depthOf(standing, feasible), 0];
};

test("feasible trials by fronts, then infeasible ones by how far outside, then failures, as brute force says", () => {
  fc.assert(
    fc.property(standings, (drawn) => {
      const order = inOrder(drawn);
      expect(order.map(({ trial }) => trial).sort((a, b) => a - b)).toEqual(drawn.map(({ trial }) => trial));
      const keys = order.map((standing) => keyOf(standing, drawn));
      const rises = keys.slice(1).every((key, i) => {
        const different = key.findIndex((value, j) => value !== keys[i]![j]);
        return different < 0 || key[different]! > keys[i]![different]!;
      });
      expect(rises).toBe(true);
      expect(inOrder([...drawn].reverse())).toEqual(order);
    }),
    { numRuns: 300 },
  );
});
