import fc from "fast-check";
import { expect, test } from "vitest";
import { gammaTail } from "../../../shared/numerics/gamma.ts";
import {
  averageRanks,
  conoverDifference,
  friedman,
  pairedT,
  wilcoxon,
} from "../../../shared/numerics/paired-tests.ts";
import { studentQuantile, studentTwoTails } from "../../../shared/numerics/student.ts";
import golden from "../../fixtures/numerics/paired-tests.fixture.json" with { type: "json" };

/** Absolute for numbers up to 1, relative for larger ones. */
const CLOSE = 1e-10;
const expectNear = (actual: number, expected: number | undefined) =>
  expect(Math.abs(actual - (expected ?? Number.NaN))).toBeLessThan(
    CLOSE * Math.max(1, Math.abs(expected ?? 0)),
  );

const column = (y: readonly (readonly number[])[], j: number) => y.map((row) => row.at(j) ?? Number.NaN);

test("Friedman's test and Conover's critical difference agree with SciPy on random matrices with ties", () => {
  for (const { y, friedman: expected, sums, difference } of golden.matrices) {
    const n = y.length;
    const result = friedman(Float64Array.from(y.flat()), n, sums.length);
    expectNear(result.statistic, expected[0]);
    expectNear(result.p, expected[1]);
    expect([...result.rankSums]).toEqual(sums);
    expectNear(conoverDifference(result, n, 0.05), difference);
  }
});

test("Wilcoxon's signed rank test agrees with SciPy", () => {
  for (const { y, wilcoxon: expected } of golden.matrices) {
    const { statistic, p } = wilcoxon(column(y, 0), column(y, -1));
    expectNear(statistic, expected[0]);
    expectNear(p, expected[1]);
  }
});

test("the paired t test agrees with SciPy", () => {
  for (const { y, t: expected } of golden.matrices) {
    const { statistic, p } = pairedT(column(y, 0), column(y, -1));
    expectNear(statistic, expected[0]);
    expectNear(p, expected[1]);
  }
});

test("quantiles and tails of Student's t and chi-squared agree with SciPy", () => {
  for (const [df = 0, q = 0, quantile, tails] of golden.student) {
    expectNear(studentQuantile(q, df), quantile);
    expectNear(studentTwoTails(1.7, df), tails);
  }
  for (const [df = 0, x = 0, tail] of golden.chiSquared) expectNear(gammaTail(df / 2, x / 2), tail);
});

test("ranks are those of a count, with ties in the middle of their places", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 20 }), (values) => {
      const expected = values.map((value) => {
        const below = values.filter((other) => other < value).length;
        return below + (values.filter((other) => other === value).length + 1) / 2;
      });
      expect([...averageRanks(values).ranks]).toEqual(expected);
    }),
  );
});

test("where nothing differs, no test finds a difference", () => {
  expect(friedman(new Float64Array(12).fill(3), 4, 3).p).toBeNaN();
  expect(wilcoxon([1, 2, 3], [1, 2, 3]).p).toBeNaN();
  expect(pairedT([1, 2, 3], [1, 2, 3]).p).toBe(1);
  expect(pairedT([2, 3, 4], [1, 2, 3]).p).toBe(0);
});
