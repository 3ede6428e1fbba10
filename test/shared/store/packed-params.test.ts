import fc from "fast-check";
import { expect, test } from "vitest";
import { compileSpace } from "../../../shared/space/compile.ts";
import { packedBytes, packParams, unpackParams } from "../../../shared/store/packed-params.ts";
import type { Params } from "../../../shared/values.ts";

const choices = [null, "null", true, "true", 0, 1e300, "", "ü".repeat(100)];
const space = compileSpace({
  x: { type: "float", low: -1e300, high: 1e300 },
  n: { type: "int", low: -5, high: 5 },
  choice: { type: "categorical", choices },
  level: { type: "ordinal", choices: [1, 2, 3], when: { choice: [true] } },
});

const double = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e300, max: 1e300 });
const params: fc.Arbitrary<Params> = fc
  .record({
    x: fc.oneof(double, fc.constantFrom(5e-324, 0.1 + 0.2, 2 ** 53 - 1, -1e300)),
    n: fc.integer({ min: -5, max: 5 }),
    choice: fc.constantFrom(...choices),
    level: fc.constantFrom(1, 2, 3),
  })
  .map(({ level, ...rest }) => (rest.choice === true ? { ...rest, level } : rest));

test("every configuration comes back as it went in, its doubles bit for bit, wherever its bytes lie", () => {
  fc.assert(
    fc.property(params, fc.integer({ min: 0, max: 9 }), (given, shift) => {
      const packed = packParams(space, given);
      expect(packed).toHaveLength(packedBytes(space));
      const moved = new Uint8Array(packed.length + shift);
      moved.set(packed, shift);
      const back = unpackParams(space, moved.subarray(shift));
      expect(back).toEqual(given);
      expect(Object.keys(back)).toEqual(
        space.parameters.map(({ name }) => name).filter((name) => name in given),
      );
    }),
  );
});

test("a size is the space's, whatever its choices are", () => {
  expect(packedBytes(space)).toBe(8 + 8 + 2 + 2);
});

test("a value that the space does not have is refused, not stored as another", () => {
  const good = { x: 1, n: 1, choice: 0 };
  expect(() => packParams(space, { ...good, choice: "0" })).toThrow(RangeError);
  expect(() => packParams(space, { ...good, x: "1" })).toThrow(RangeError);
  expect(() => packParams(space, { ...good, x: Number.NaN })).toThrow(RangeError);
});
