import fc from "fast-check";
import { expect, test } from "vitest";
import { smallestAt } from "../../../shared/numerics/select.ts";

test("the k-th smallest is the one that sorting puts there, with ties and infinities too; the values stay as they are", () => {
  const number = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ noNaN: true }));
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 60 }), fc.nat(), (values, at) => {
      const given = Float64Array.from(values, (value) => value + 0);
      const before = given.slice();
      const k = at % given.length;
      expect(smallestAt(given, k)).toBe(before.toSorted()[k]);
      expect(given).toEqual(before);
    }),
  );
});

test("values in order, in reverse and all the same take no longer than others", () => {
  const n = 200_000;
  for (const column of [(i: number) => i, (i: number) => n - i, () => 1]) {
    const values = Float64Array.from({ length: n }, (_, i) => column(i));
    expect(smallestAt(values, n >> 1)).toBe(values.toSorted()[n >> 1]);
  }
});
