import { expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import { SOBOL_DIMENSIONS, scrambledSobolPoint, sobolPoint } from "../../../shared/numerics/sobol.ts";
import golden from "../../fixtures/numerics/scipy.fixture.json" with { type: "json" };

test("unscrambled points are SciPy's, bit for bit, in all 128 dimensions", () => {
  for (const { index, point } of golden.sobol) expect([...sobolPoint(index, 128)]).toEqual(point);
});

test("the sums over 1,024 points are SciPy's in every dimension", () => {
  const sums = new Array(128).fill(0);
  for (let i = 0; i < 1024; i++) for (const [j, u] of sobolPoint(i, 128).entries()) sums[j] += u * (i + 1);
  expect(sums).toEqual(golden.sobolSums);
});

test("scrambling keeps one point in each of 2^m intervals, in every dimension, for every seed", () => {
  for (const seed of [0, 1, 4294967295]) {
    for (const m of [3, 6]) {
      const n = 2 ** m;
      for (let j = 0; j < 40; j++) {
        const cells = Array.from({ length: n }, (_, i) =>
          Math.floor(scrambledSobolPoint(i, 40, seed)[j]! * n),
        );
        expect(new Set(cells).size).toBe(n);
      }
    }
  }
});

test("scrambling keeps the first two dimensions a net: one point in each elementary interval of 2^m", () => {
  const m = 8;
  const points = Array.from({ length: 2 ** m }, (_, i) => scrambledSobolPoint(i, 2, 7));
  for (let k = 0; k <= m; k++) {
    const cells = points.map(([x = 0, y = 0]) => `${Math.floor(x * 2 ** k)} ${Math.floor(y * 2 ** (m - k))}`);
    expect(new Set(cells).size).toBe(2 ** m);
  }
});

/** Centred L2 discrepancy (Hickernell 1998): how far points are from evenly spread; lower is better. */
const discrepancy = (points: readonly Float64Array[]): number => {
  const n = points.length;
  const d = points[0]!.length;
  const product = (factor: (j: number) => number) => {
    let p = 1;
    for (let j = 0; j < d; j++) p *= factor(j);
    return p;
  };
  const from = (u: number) => Math.abs(u - 0.5);
  let single = 0;
  let pairs = 0;
  for (const a of points) {
    single += product((j) => 1 + from(a[j]!) / 2 - from(a[j]!) ** 2 / 2);
    for (const b of points) {
      pairs += product((j) => 1 + from(a[j]!) / 2 + from(b[j]!) / 2 - Math.abs(a[j]! - b[j]!) / 2);
    }
  }
  return (13 / 12) ** d - (2 / n) * single + pairs / n ** 2;
};

test("scrambled points are spread more evenly than random ones, in 5 and in 20 dimensions, also from the middle on", () => {
  for (const d of [5, 20]) {
    for (const seed of [1, 2, 3]) {
      const random = createRandom(seed);
      const chance = Array.from({ length: 128 }, () =>
        Float64Array.from({ length: d }, () => random.uniform()),
      );
      for (const start of [0, 128]) {
        const points = Array.from({ length: 128 }, (_, i) => scrambledSobolPoint(start + i, d, seed));
        expect(discrepancy(points)).toBeLessThan(discrepancy(chance) * (d === 5 ? 0.4 : 0.8));
      }
    }
  }
});

test("another seed gives other points, and beyond 128 dimensions points stay reproducible and in range", () => {
  expect(scrambledSobolPoint(5, 3, 1)).not.toEqual(scrambledSobolPoint(5, 3, 2));
  const wide = scrambledSobolPoint(9, SOBOL_DIMENSIONS + 20, 1);
  expect(wide).toEqual(scrambledSobolPoint(9, SOBOL_DIMENSIONS + 20, 1));
  expect(wide.every((u) => u >= 0 && u < 1)).toBe(true);
  expect(wide.slice(SOBOL_DIMENSIONS)).not.toEqual(
    scrambledSobolPoint(10, SOBOL_DIMENSIONS + 20, 1).slice(SOBOL_DIMENSIONS),
  );
});
