import { expect, test } from "vitest";
import { normalCdf } from "../../../shared/numerics/normal.ts";
import { createRandom } from "../../../shared/numerics/random.ts";
import { kolmogorovSmirnov } from "../../support/statistics.ts";

const draw = <T>(n: number, next: () => T): T[] => Array.from({ length: n }, next);

test("the same words give the same numbers, any other word gives others", () => {
  const first = (...words: number[]) => draw(4, createRandom(...words).uniform);
  expect(first(1, 2)).toEqual(first(1, 2));
  for (const other of [[2, 1], [1, 3], [1], [1, 2, 0], [1 + 2 ** 32, 2]])
    expect(first(...other)).not.toEqual(first(1, 2));
});

test("neighbouring seeds share nothing: their first numbers are uniform", () => {
  const firsts = Array.from({ length: 2000 }, (_, seed) => createRandom(7, seed).uniform());
  expect(kolmogorovSmirnov(firsts, (x) => x)).toBeGreaterThan(0.01);
});

test("uniform numbers are uniform, normal ones normal, and integers hit every value alike", () => {
  const random = createRandom(3);
  expect(kolmogorovSmirnov(draw(5000, random.uniform), (x) => x)).toBeGreaterThan(0.01);
  expect(kolmogorovSmirnov(draw(5000, random.normal), normalCdf)).toBeGreaterThan(0.01);
  const counts = new Array(7).fill(0);
  for (let i = 0; i < 7000; i++) counts[random.integer(7)]++;
  // Chi-square with 6 degrees of freedom: 22.5 is its 0.999 quantile.
  expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(22.5);
});

test("the first numbers of a seed are pinned: studies that run must go on as they began", () => {
  expect(draw(3, createRandom(1, 0).uniform)).toMatchInlineSnapshot(`
    [
      0.3795178188743652,
      0.9063052719799153,
      0.36783867237381684,
    ]
  `);
});
