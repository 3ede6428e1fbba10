import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mean, median, quantile } from "../../bench/statistics.ts";

describe("a quantile", () => {
  test("is one of the values, and that share of them does not exceed it", () => {
    const numbers = fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(numbers, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const found = quantile(values, q);
        expect(values).toContain(found);
        expect(values.filter((value) => value <= found).length).toBeGreaterThanOrEqual(q * values.length);
        expect(values.filter((value) => value < found).length).toBeLessThanOrEqual(q * values.length);
      }),
    );
  });

  test("of no values is not a number", () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

test("a median is one of the values, of two in the middle the larger one; a mean lies in the middle of their sum", () => {
  expect([median([9, 1, 5]), median([4, 1, 9, 5]), median([])]).toEqual([5, 5, Number.NaN]);
  expect([mean([1, 2, 6]), mean([])]).toEqual([3, Number.NaN]);
});
