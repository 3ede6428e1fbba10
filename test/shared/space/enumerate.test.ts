import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../shared/numerics/random.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { isAllowed } from "../../../shared/space/constraints.ts";
import { fromCube } from "../../../shared/space/cube.ts";
import { enumerate, everyValue } from "../../../shared/space/enumerate.ts";
import { samplePrior } from "../../../shared/space/sample.ts";
import type { Space } from "../../../shared/space/space.ts";
import { configurationKey } from "../../support/configuration-key.ts";
import { spaces } from "../../support/spaces.ts";

const none = { n: 0, x: new Float64Array(0) };

const all = (space: Space, count = 1e6) => enumerate(space, space.parameters.map(everyValue), none, count);

test.each(spaces.filter(({ size }) => size < 1000).map((named) => [named.name, named] as const))(
  "a walk meets every allowed configuration of %s once",
  (_, { space, size }) => {
    const keys = all(space).map((x) => configurationKey(fromCube(space, x)));
    expect(keys).toHaveLength(size);
    expect(new Set(keys).size).toBe(size);
  },
);

/** Small finite spaces with conditions, a constraint and a forbidden combination. */
const anyFinite = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 }),
    parent: fc.boolean(),
    max: fc.integer({ min: 1, max: 10 }),
  })
  .map(({ sizes, parent, max }) =>
    compileSpace(
      Object.fromEntries(
        sizes.map((size, i) => [
          `n${i}`,
          {
            type: "int" as const,
            low: 0,
            high: size,
            ...(parent && i > 0 ? { when: { [`n${i - 1}`]: { low: 1 } } } : {}),
          },
        ]),
      ),
      [{ n0: 1, n1: 1, max }],
      [{ n0: 1, n1: 0 }],
    ),
  );

test("a walk finds exactly the configurations that sampling without end would find", () => {
  fc.assert(
    fc.property(anyFinite, (space) => {
      const walked = new Set(all(space).map((x) => x.join()));
      expect(all(space).every((x) => isAllowed(space, x))).toBe(true);
      const random = createRandom(1);
      for (let i = 0; i < 300; i++) {
        const x = samplePrior(space, random);
        if (isAllowed(space, x)) expect(walked).toContain(x.join());
      }
    }),
    { numRuns: 50 },
  );
});

test("what was tried is left out, whatever it was, and nothing else", () => {
  fc.assert(
    fc.property(anyFinite, fc.array(fc.nat(), { maxLength: 20 }), (space, picks) => {
      const every = all(space);
      const tried = picks.map((pick) => every[pick % every.length]!);
      const d = space.parameters.length;
      const x = new Float64Array(tried.length * d);
      for (const [i, point] of tried.entries()) x.set(point, i * d);
      const axes = space.parameters.map(everyValue);
      const left = enumerate(space, axes, { n: tried.length, x }, 1e6).map((point) => point.join());
      const gone = new Set(tried.map((point) => point.join()));
      expect(left).toEqual(every.map((point) => point.join()).filter((key) => !gone.has(key)));
    }),
    { numRuns: 100 },
  );
});

test("a walk leaves whole branches out that no completion can save", () => {
  const digits = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`n${i}`, { type: "int" as const, low: 0, high: 9 }]),
  );
  const all20 = Object.fromEntries(Object.keys(digits).map((name) => [name, 1]));
  // All nines but for two: one way to miss none, 20 to miss one, 20 + 190 to miss two, among 10^20 configurations.
  expect(all(compileSpace(digits, [{ ...all20, min: 178 }]))).toHaveLength(231);
  const forbidden = Array.from({ length: 9 }, (_, value) => ({ n0: value }));
  expect(all(compileSpace(digits, [{ ...all20, min: 178 }], forbidden))).toHaveLength(1 + 19 + 19 + 171);
});

test("a walk through 10^60 configurations takes no longer than what is asked of it", () => {
  const space = compileSpace(
    Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`n${i}`, { type: "int" as const, low: 0, high: 9 }]),
    ),
  );
  expect(all(space, 1000)).toHaveLength(1000);
});
