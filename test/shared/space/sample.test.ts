import fc from "fast-check";
import { expect, test } from "vitest";
import { betaCdf } from "../../../shared/numerics/beta.ts";
import { truncatedNormalCdf } from "../../../shared/numerics/normal.ts";
import { createRandom } from "../../../shared/numerics/random.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { isAllowed } from "../../../shared/space/constraints.ts";
import { fromCube, snap, toCube } from "../../../shared/space/cube.ts";
import type { ParameterDefinition } from "../../../shared/space/definition.ts";
import { repair } from "../../../shared/space/repair.ts";
import { fromPriorQuantiles, sampleCube, samplePrior, sampleUniform } from "../../../shared/space/sample.ts";
import { validateConfiguration } from "../../../shared/space/validate.ts";
import { anySpaceAndPoint } from "../../support/arbitraries.ts";
import { spaceNamed, spaces } from "../../support/spaces.ts";
import { chiSquare, kolmogorovSmirnov } from "../../support/statistics.ts";

const N = 3000;

const sampleValues = (definition: ParameterDefinition, seed: number) => {
  const space = compileSpace({ x: definition });
  const random = createRandom(seed);
  return Array.from({ length: N }, () => fromCube(space, sampleCube(space, random)).x);
};

test.each<[number, number]>([
  [0, Number.MIN_VALUE],
  [1, 1 + 2 * Number.EPSILON],
  [1e15, 1e15 + 1],
])("no draw between %s and %s, which have few numbers between them, is the forbidden one", (low, high) => {
  for (const x of [low, high]) {
    const space = compileSpace({ x: { type: "float", low, high } }, [], [{ x }]);
    const random = createRandom(1);
    for (let i = 0; i < 100; i++) {
      const params = fromCube(space, sampleCube(space, random));
      expect(params.x).not.toBe(x);
      expect(validateConfiguration(space, params, "")).toEqual(params);
    }
  }
});

test.each<[string, ParameterDefinition, (x: number) => number]>([
  ["uniform", { type: "float", low: -2, high: 6 }, (x) => (x + 2) / 8],
  ["log-uniform", { type: "float", low: 1e-4, high: 1, scale: "log" }, (x) => 1 + Math.log10(x) / 4],
  [
    "reverse-log-uniform",
    { type: "float", low: 0.9, high: 0.999, scale: "reverse-log" },
    (x) => (-1 - Math.log10(1 - x)) / 2,
  ],
  [
    "normal, cut off at a bound",
    { type: "float", low: 0, high: 10, prior: { type: "normal", mean: 2, sd: 3 } },
    (x) => truncatedNormalCdf(x, 2, 3, 0, 10),
  ],
  [
    "log-normal",
    { type: "float", low: 1e-5, high: 0.1, scale: "log", prior: { type: "normal", mean: 1e-3, sd: 0.5 } },
    (x) => truncatedNormalCdf(Math.log(x), Math.log(1e-3), 0.5, Math.log(1e-5), Math.log(0.1)),
  ],
  [
    "normal in the logarithm of the distance to 1",
    {
      type: "float",
      low: 0,
      high: 0.9999,
      scale: "reverse-log",
      prior: { type: "normal", mean: 0.99, sd: 1 },
    },
    (x) => truncatedNormalCdf(-Math.log(1 - x), -Math.log(0.01), 1, 0, -Math.log(1e-4)),
  ],
  [
    "beta",
    { type: "float", low: -1, high: 3, prior: { type: "beta", alpha: 2, beta: 5 } },
    (x) => betaCdf((x + 1) / 4, 2, 5),
  ],
])("samples of a float follow its prior: %s", (_, definition, cdf) => {
  for (const seed of [1, 2, 3]) {
    expect(kolmogorovSmirnov(sampleValues(definition, seed) as number[], cdf)).toBeGreaterThan(0.005);
  }
});

/** The 0.999 quantile of chi-square, by Wilson and Hilferty. */
const chiSquareLimit = (degrees: number) => {
  const spread = 2 / (9 * degrees);
  return degrees * (1 - spread + 3.09 * Math.sqrt(spread)) ** 3;
};

test.each<[string, ParameterDefinition, (number | string)[], number[]]>([
  ["equal for each int", { type: "int", low: 3, high: 7 }, [3, 4, 5, 6, 7], [1, 1, 1, 1, 1]],
  [
    "equal for each step",
    { type: "float", low: 0.1, high: 0.5, step: 0.1 },
    [0.1, 0.2, 0.3, 0.4, 0.5],
    [1, 1, 1, 1, 1],
  ],
  [
    "as wide as the cell of an int on a log scale",
    { type: "int", low: 1, high: 4, scale: "log" },
    [1, 2, 3, 4],
    [3, 5 / 3, 7 / 5, 9 / 7].map(Math.log),
  ],
  [
    "the normal's mass around an int",
    { type: "int", low: 0, high: 4, prior: { type: "normal", mean: 1, sd: 1 } },
    [0, 1, 2, 3, 4],
    [0, 1, 2, 3, 4].map(
      (k) => truncatedNormalCdf(k + 0.5, 1, 1, -0.5, 4.5) - truncatedNormalCdf(k - 0.5, 1, 1, -0.5, 4.5),
    ),
  ],
  [
    "its weight for a choice",
    { type: "categorical", choices: ["a", "b", "c"], weights: [1, 3, 6] },
    ["a", "b", "c"],
    [1, 3, 6],
  ],
  [
    "its weight for an ordinal",
    { type: "ordinal", choices: ["s", "m"], weights: [4, 1] },
    ["s", "m"],
    [4, 1],
  ],
])("the probability of a value is %s", (_, definition, values, weights) => {
  const sample = sampleValues(definition, 11);
  const counts = values.map((value) => sample.filter((drawn) => drawn === value).length);
  expect(counts.reduce((a, b) => a + b)).toBe(N);
  const total = weights.reduce((a, b) => a + b);
  const { value, degrees } = chiSquare(
    counts,
    weights.map((weight) => weight / total),
  );
  expect(value).toBeLessThan(chiSquareLimit(degrees));
});

test("a sample is a valid configuration of its space", () => {
  fc.assert(
    fc.property(anySpaceAndPoint(), fc.integer(), ({ space }, seed) => {
      const x = sampleCube(space, createRandom(seed));
      expect(snap(space, x)).toEqual(x);
      validateConfiguration(space, fromCube(space, x), "");
    }),
    { numRuns: 200 },
  );
});

test.each(spaces.map((named) => [named.name, named] as const))(
  "samples of %s are allowed",
  (_, { space }) => {
    const random = createRandom(5);
    for (let i = 0; i < 100; i++) {
      const x = sampleCube(space, random);
      expect(isAllowed(space, x)).toBe(true);
      validateConfiguration(space, fromCube(space, x), "");
    }
  },
);

test("a sum may miss its bound by the noise that doubles have, and by no more", () => {
  const step = { type: "float", low: 0, high: 1, step: 0.1 } as const;
  const space = compileSpace({ a: step, b: step }, [{ a: 1, b: 1, max: 0.3 }]);
  const isFine = (a: number, b: number) => isAllowed(space, toCube(space, { a, b }));
  expect([isFine(0.1, 0.2), isFine(0.2, 0.2)]).toEqual([true, false]);
  const floats = compileSpace({ x: { type: "float", low: 0, high: 1 } }, [{ x: 1, max: 0.3 }]);
  expect([isAllowed(floats, [0.3]), isAllowed(floats, [0.3 + 1e-6])]).toEqual([true, false]);
});

test("a constraint cuts the prior off and leaves it as it is otherwise", () => {
  const space = compileSpace(
    { x: { type: "float", low: 0, high: 1 }, y: { type: "float", low: 0, high: 1 } },
    [{ x: 1, y: 1, max: 1 }],
  );
  const random = createRandom(2);
  const sample = Array.from({ length: N }, () => Number(fromCube(space, sampleCube(space, random)).x));
  // Uniform on the triangle below x + y = 1.
  expect(kolmogorovSmirnov(sample, (x) => 1 - (1 - x) ** 2)).toBeGreaterThan(0.005);
});

test("uniform draws know neither priors nor weights, and keep to the constraints", () => {
  const prior = { type: "normal", mean: 0.9, sd: 0.05 } as const;
  const space = compileSpace(
    {
      x: { type: "float", low: 0, high: 1, prior },
      y: { type: "float", low: 0, high: 1 },
      c: { type: "categorical", choices: ["a", "b"], weights: [99, 1] },
    },
    [{ x: 1, y: 1, max: 1 }],
  );
  const random = createRandom(4);
  const sample = Array.from({ length: N }, () => fromCube(space, sampleUniform(space, random)));
  // Uniform on the triangle below x + y = 1.
  expect(
    kolmogorovSmirnov(
      sample.map(({ x }) => Number(x)),
      (x) => 1 - (1 - x) ** 2,
    ),
  ).toBeGreaterThan(0.005);
  const counts = ["a", "b"].map((choice) => sample.filter(({ c }) => c === choice).length);
  expect(chiSquare(counts, [0.5, 0.5]).value).toBeLessThan(chiSquareLimit(1));
});

test("where drawing and rejecting is hopeless, samples are found all the same, and differ", () => {
  const definition = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`x${i}`, { type: "float" as const, low: 0, high: 1 }]),
  );
  const names = Object.keys(definition);
  const space = compileSpace(definition, [
    { ...Object.fromEntries(names.map((name) => [name, 1])), max: 0.5 },
  ]);
  const random = createRandom(9);
  const sums = Array.from({ length: 50 }, () => {
    const params = fromCube(space, sampleCube(space, random));
    return names.reduce((sum, name) => sum + Number(params[name]), 0);
  });
  expect(Math.max(...sums)).toBeLessThanOrEqual(0.5 * (1 + 1e-9));
  expect(new Set(sums).size).toBe(50);
});

test("shares that sum to 1 fill the simplex evenly", () => {
  const { space } = spaceNamed("shares that sum to 1");
  const random = createRandom(4);
  const sample = Array.from({ length: 1000 }, () => fromCube(space, sampleCube(space, random)));
  for (const name of ["x0", "x1", "x2"]) {
    const mean = sample.reduce((sum, params) => sum + Number(params[name]), 0) / sample.length;
    expect(Math.abs(mean - 1 / 3)).toBeLessThan(0.04);
    expect(sample.filter((params) => Number(params[name]) > 0.7).length).toBeGreaterThan(30);
  }
});

test("repair reaches an allowed point in every constrained space, and returns null where there is none", () => {
  for (const { space } of spaces) {
    const random = createRandom(8);
    const reached = Array.from({ length: 30 }, () => repair(space, samplePrior(space, random), random));
    const found = reached.filter((x) => x !== null);
    expect(found.length).toBeGreaterThanOrEqual(25);
    for (const x of found) expect(isAllowed(space, x)).toBe(true);
  }
});

test("quantiles go through the priors: the middle of each is its median", () => {
  const space = compileSpace({
    lr: { type: "float", low: 1e-6, high: 1, scale: "log", prior: { type: "normal", mean: 1e-3, sd: 1 } },
    c: { type: "categorical", choices: ["rare", "common"], weights: [1, 3] },
    n: { type: "int", low: 1, high: 5 },
  });
  expect(fromCube(space, fromPriorQuantiles(space, [0.5, 0.5, 0.5]))).toEqual({
    lr: expect.closeTo(1e-3, 9),
    c: "common",
    n: 3,
  });
  expect(fromCube(space, fromPriorQuantiles(space, [0.5, 0.24, 0])).c).toBe("rare");
});

test("a space where nothing can be found is refused with a sentence that says so", () => {
  const { space } = spaceNamed("finite and constrained");
  const nothing = {
    ...space,
    constraints: [{ terms: [{ parameter: 0, coefficient: 1 }], min: 20, max: 30 }],
  };
  expect(() => sampleCube(nothing, createRandom(1))).toThrow("No configuration satisfies");
});
