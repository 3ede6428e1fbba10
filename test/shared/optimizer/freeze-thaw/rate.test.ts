import fc from "fast-check";
import { expect, test } from "vitest";
import { normalCdf } from "../../../../shared/numerics/normal.ts";
import { type Curve, improvement as gainOf, rateOf } from "../../../../shared/optimizer/freeze-thaw/rate.ts";

const curve = (mean: number, steps: readonly number[], costs: readonly number[]): Curve => ({
  mean,
  steps: Float64Array.from(steps),
  costs: Float64Array.from(costs),
});

/** Expected improvement below a value, by its formula. */
const improvement = (best: number, mean: number, sd: number): number => {
  const z = (best - mean) / sd;
  return (best - mean) * normalCdf(z) + (sd * Math.exp(-(z * z) / 2)) / Math.sqrt(2 * Math.PI);
};

const positive = fc.double({ min: 0.05, max: 2, noNaN: true });
const anyCurve = fc.integer({ min: 1, max: 6 }).chain((segments) =>
  fc.record({
    mean: fc.double({ min: -1, max: 1, noNaN: true }),
    steps: fc.array(positive, { minLength: segments, maxLength: segments }),
    costs: fc.array(positive, { minLength: segments, maxLength: segments }),
  }),
);

test("a curve gains at least what a run to its end would, and at most all of it for the first segment's cost", () => {
  fc.assert(
    fc.property(anyCurve, ({ mean, steps, costs }) => {
      const given = curve(mean, steps, costs);
      const gain = gainOf(0, given.mean, Math.hypot(...given.steps));
      const rate = rateOf(0, given);
      expect(rate).toBeGreaterThan((0.98 * gain) / costs.reduce((a, b) => a + b, 0));
      expect(rate).toBeLessThan((1.02 * gain) / costs[0]!);
    }),
  );
});

test("a segment that tells nothing is paid in full", () => {
  const silent = curve(0.3, [0, 0.8], [0.5, 1]);
  expect(rateOf(0, silent)).toBeCloseTo(improvement(0, 0.3, 0.8) / 1.5, 2);
});

test("when the first segment tells all, the others are paid only where it tells of an improvement", () => {
  const told = curve(0.3, [0.8, 1e-6], [0.1, 1]);
  const rate = rateOf(0, told);
  // At the right price what the first segment costs is what it gains beyond the price of the second.
  const surplus = (price: number) => improvement(-price * 1, 0.3, 0.8) - price * 0.1;
  expect(surplus(0.94 * rate)).toBeGreaterThan(0);
  expect(surplus(1.06 * rate)).toBeLessThan(0);
  expect(rate).toBeGreaterThan((1.5 * improvement(0, 0.3, 0.8)) / 1.1);
});

test("the less there is left to pay, the higher the rate", () => {
  expect(rateOf(0, curve(0, [0.2, 0.5], [0.1, 0.5]))).toBeGreaterThan(
    rateOf(0, curve(0, [0.2, 0.5], [0.1, 0.9])),
  );
});
