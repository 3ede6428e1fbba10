import fc from "fast-check";
import { expect, test } from "vitest";
import { bonferroni, holm } from "../../../shared/numerics/multiple-tests.ts";
import golden from "../../fixtures/numerics/multiple-tests.fixture.json" with { type: "json" };

test("the corrections of Bonferroni and Holm agree with statsmodels on random p-values with ties", () => {
  for (const { p, bonferroni: byNumber, holm: byRank } of golden) {
    bonferroni(p).forEach((one, i) => {
      expect(one).toBeCloseTo(byNumber[i]!, 12);
    });
    holm(p).forEach((one, i) => {
      expect(one).toBeCloseTo(byRank[i]!, 12);
    });
  }
});

test("Holm's correction is between none and Bonferroni's, and keeps the order", () => {
  const probability = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(probability, { minLength: 1, maxLength: 12 }), (ps) => {
      const [low, high] = [holm(ps), bonferroni(ps)];
      for (const [i, p] of ps.entries()) {
        expect(low[i]).toBeGreaterThanOrEqual(p);
        expect(low[i]).toBeLessThanOrEqual(high[i]!);
        for (const [j, q] of ps.entries()) if (p < q) expect(low[i]).toBeLessThanOrEqual(low[j]!);
      }
    }),
  );
});
