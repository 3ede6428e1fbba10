import { expect, test } from "vitest";
import { betaCdf, betaDensity, betaQuantile, logGamma } from "../../../shared/numerics/beta.ts";
import {
  erfc,
  normalCdf,
  normalQuantile,
  truncatedNormalCdf,
  truncatedNormalDensity,
  truncatedNormalQuantile,
} from "../../../shared/numerics/normal.ts";
import golden from "../../fixtures/numerics/scipy.fixture.json" with { type: "json" };

/** Within `relative` of the golden number, or within 1e-300 of 0. */
const expectNear = (actual: number, expected: number, relative: number) =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(relative * Math.abs(expected) + 1e-300);

test("the complementary error function agrees with SciPy's", () => {
  for (const [z = 0, expected = 0] of golden.erfc) expectNear(erfc(z), expected, 1e-13);
});

test("the normal distribution function agrees with SciPy's, far into the tail", () => {
  for (const [z = 0, cdf = 0] of golden.normal) expectNear(normalCdf(z), cdf, 1e-12);
});

test("the normal quantile agrees with SciPy's", () => {
  for (const [p = 0, z = 0] of golden.normalQuantile) expectNear(normalQuantile(p), z, 1e-13);
  expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
});

test("the truncated normal agrees with SciPy's, also where its mean lies outside", () => {
  for (const [mean = 0, sd = 0, x = 0, cdf = 0, q = 0, quantile = 0] of golden.truncatedNormal) {
    expectNear(truncatedNormalCdf(x, mean, sd, 0, 1), cdf, 1e-9);
    expectNear(truncatedNormalQuantile(q, mean, sd, 0, 1), quantile, 1e-9);
  }
});

test("log gamma agrees with SciPy's", () => {
  for (const [a = 0, expected = 0] of golden.logGamma) {
    expect(Math.abs(logGamma(a) - expected)).toBeLessThan(1e-13 * Math.max(1, Math.abs(expected)));
  }
});

test("the beta distribution agrees with SciPy's", () => {
  for (const [a = 0, b = 0, x = 0, cdf = 0, q = 0, quantile = 0] of golden.beta) {
    expect(Math.abs(betaCdf(x, a, b) - cdf)).toBeLessThan(1e-11);
    expect(Math.abs(betaQuantile(q, a, b) - quantile)).toBeLessThan(1e-10);
  }
});

/** The slope of a distribution function. */
const slope = (cdf: (x: number) => number, x: number, h = 1e-6) => (cdf(x + h) - cdf(x - h)) / (2 * h);

test("a density is the slope of its distribution function, and 0 outside", () => {
  for (const [mean, sd] of [
    [0.3, 0.25],
    [0.95, 0.1],
    [0.5, 3],
  ] as const) {
    for (const x of [0.1, 0.4, 0.9]) {
      const expected = slope((v) => truncatedNormalCdf(v, mean, sd, 0, 1), x);
      expect(truncatedNormalDensity(x, mean, sd, 0, 1)).toBeCloseTo(expected, 6);
    }
    expect([-0.1, 1.1].map((x) => truncatedNormalDensity(x, mean, sd, 0, 1))).toEqual([0, 0]);
  }
  for (const [a, b] of [
    [0.5, 2],
    [4, 1],
    [20, 30],
  ] as const) {
    for (const x of [0.1, 0.4, 0.9]) {
      expect(betaDensity(x, a, b)).toBeCloseTo(
        slope((v) => betaCdf(v, a, b), x),
        6,
      );
    }
  }
});
