import fc from "fast-check";
import { expect, test } from "vitest";
import { paretoFront } from "../../../shared/numerics/pareto.ts";
import { createRandom } from "../../../shared/numerics/random.ts";

/** Few distinct values, so that ties and equal rows are common. */
const rows = fc
  .integer({ min: 1, max: 5 })
  .chain((m) => fc.array(fc.array(fc.integer({ min: -2, max: 3 }), { minLength: m, maxLength: m })))
  .filter((all) => all.length > 0);

const dominates = (a: readonly number[], b: readonly number[]) =>
  a.every((v, j) => v <= b[j]!) && a.some((v, j) => v < b[j]!);

test("the front is every row that no other row dominates, equal rows included", () => {
  fc.assert(
    fc.property(rows, (all) => {
      const expected = all.flatMap((row, i) => (all.some((other) => dominates(other, row)) ? [] : [i]));
      expect(paretoFront(Float64Array.from(all.flat()), all[0]!.length)).toEqual(expected);
    }),
  );
});

test("nothing has no front", () => {
  expect(paretoFront(new Float64Array(0), 2)).toEqual([]);
});

test("a hundred thousand rows of two columns, all of them on the front, take no quadratic time", () => {
  const random = createRandom(1);
  const y = new Float64Array(200_000);
  for (let i = 0; i < 100_000; i++) {
    y[2 * i] = random.uniform();
    y[2 * i + 1] = -y[2 * i]!;
  }
  const begin = performance.now();
  expect(paretoFront(y, 2)).toHaveLength(100_000);
  // Comparing all pairs takes tens of seconds.
  expect(performance.now() - begin).toBeLessThan(3000);
});
