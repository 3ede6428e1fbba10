import fc from "fast-check";
import { expect, test } from "vitest";
import { normalQuantile } from "../../../../shared/numerics/normal.ts";
import { createRandom } from "../../../../shared/numerics/random.ts";
import * as warping from "../../../../shared/optimizer/common/output-warp.ts";

const halfRank = (values: Float64Array) => warping.halfRank(values).targets;
const yeoJohnson = (values: Float64Array) => warping.yeoJohnson(values).targets;
const warps = [
  ["half-rank", halfRank],
  ["Yeo and Johnson's", yeoJohnson],
] as const;

/** Values as studies have them: ties, outliers, and sizes far from 1. */
const anyValues = fc
  .record({
    values: fc.array(
      fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ min: -50, max: 50, noNaN: true })),
      {
        minLength: 2,
        maxLength: 80,
      },
    ),
    size: fc.constantFrom(1e-6, 1, 1e9),
    shift: fc.constantFrom(0, 5),
  })
  .map(({ values, size, shift }) => Float64Array.from(values, (v) => size * (v + shift)));

const meanOf = (y: Float64Array) => y.reduce((sum, v) => sum + v, 0) / y.length;
const sdOf = (y: Float64Array) => {
  const mean = meanOf(y);
  return Math.sqrt(meanOf(y.map((v) => (v - mean) ** 2)));
};

test.each(warps)("the %s warp keeps the order of the values, and what is equal stays equal", (_, warp) => {
  fc.assert(
    fc.property(anyValues, (values) => {
      const warped = warp(values);
      const order = Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
      for (const [k, i] of order.entries()) {
        if (k === 0) continue;
        const before = order[k - 1]!;
        if (values[before] === values[i]) expect(warped[i]).toBe(warped[before]);
        else expect(warped[i]).toBeGreaterThanOrEqual(warped[before]!);
      }
    }),
  );
});

test.each(warps)("the %s warp gives mean 0 and standard deviation 1", (_, warp) => {
  fc.assert(
    fc.property(anyValues, (values) => {
      fc.pre(sdOf(values) > 1e-3 * Math.max(...values.map(Math.abs)));
      const warped = warp(values);
      expect(meanOf(warped)).toBeCloseTo(0, 9);
      expect(sdOf(warped)).toBeCloseTo(1, 9);
    }),
  );
});

test.each(warps)("the %s warp makes zeros of values that all agree", (_, warp) => {
  expect([...warp(Float64Array.of(7, 7, 7, 7))]).toEqual([0, 0, 0, 0]);
});

test("an outlier among the worse half counts by its rank alone, whatever its size", () => {
  const values = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const near = halfRank(Float64Array.of(...values, 9));
  const far = halfRank(Float64Array.of(...values, 1e12));
  expect([...far]).toEqual([...near]);
});

test("the better half keeps its distances", () => {
  const warped = halfRank(Float64Array.of(-10, -4, -2, -1, 0, 1, 50, 51, 52));
  const unit = warped[4]! - warped[3]!;
  expect(unit).toBeGreaterThan(0);
  expect((warped[3]! - warped[0]!) / unit).toBeCloseTo(9, 9);
  expect((warped[2]! - warped[1]!) / unit).toBeCloseTo(2, 9);
});

test("equal values of the worse half share the mean of their ranks", () => {
  // Of eight values the last four hold ranks 4 to 7: one, then three that share the mean of 5, 6 and 7.
  const warped = halfRank(Float64Array.of(0, 1, 2, 3, 8, 9, 9, 9));
  const step = (warped[3]! - warped[2]!) * sdOfBetterHalf([0, 1, 2, 3], 5.5);
  expect((warped[5]! - warped[4]!) / step).toBeCloseTo(normalQuantile(6.5 / 8) - normalQuantile(4.5 / 8), 9);
});

/** The spread of the better half below the median. */
const sdOfBetterHalf = (better: readonly number[], middle: number) =>
  Math.sqrt(better.reduce((sum, v) => sum + (v - middle) ** 2, 0) / better.length);

test("a power transform makes skewed values more like a normal's", () => {
  const random = createRandom(5);
  const values = Float64Array.from({ length: 300 }, () => Math.exp(random.normal()));
  const skew = (y: Float64Array) => {
    const [mean, sd] = [meanOf(y), sdOf(y)];
    return meanOf(y.map((v) => ((v - mean) / sd) ** 3));
  };
  expect(skew(values)).toBeGreaterThan(2);
  expect(Math.abs(skew(yeoJohnson(values)))).toBeLessThan(0.5);
});

test.each([
  ["half-rank", warping.halfRank],
  ["Yeo and Johnson's", warping.yeoJohnson],
] as const)(
  "the slopes of the %s warp are the ratios of small differences, where it is smooth",
  (_, warp) => {
    const values = Float64Array.from({ length: 401 }, (_, i) => 1e5 * (3 + Math.sinh(i / 80 - 2)));
    const { targets, slopes } = warp(values);
    expect([...slopes].filter(Number.isFinite).length).toBeGreaterThan(190);
    for (let i = 1; i < 400; i++) {
      if (Number.isNaN(slopes[i + 1]!)) continue;
      const ratio = (targets[i + 1]! - targets[i - 1]!) / (values[i + 1]! - values[i - 1]!);
      expect(slopes[i]! / ratio).toBeCloseTo(1, 3);
    }
  },
);

test("where only ranks count there is no slope", () => {
  const { slopes } = warping.halfRank(Float64Array.of(0, 1, 2, 3, 4));
  expect([...slopes].map(Number.isFinite)).toEqual([true, true, true, false, false]);
  expect([...warping.halfRank(Float64Array.of(7, 7, 7)).slopes]).toEqual([NaN, NaN, NaN]);
});

test("half of 100,000 values may agree: ranks are still quick to find", () => {
  const random = createRandom(6);
  const values = Float64Array.from({ length: 100_000 }, (_, i) => (i % 2 === 0 ? 9 : random.uniform()));
  const begin = performance.now();
  const warped = halfRank(values);
  expect(performance.now() - begin).toBeLessThan(3000); // 0.05 s alone; a rank by counting takes minutes
  expect(warped[0]).toBe(warped[2]);
});
