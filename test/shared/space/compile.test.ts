import fc from "fast-check";
import { expect, test } from "vitest";
import { faultsInWords, InvalidInput } from "../../../shared/errors.ts";
import { createRandom } from "../../../shared/numerics/random.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { fromCube, toCube } from "../../../shared/space/cube.ts";
import type {
  ForbiddenCombination,
  LinearConstraint,
  SpaceDefinition,
} from "../../../shared/space/definition.ts";
import { sampleCube } from "../../../shared/space/sample.ts";
import { validateConfiguration } from "../../../shared/space/validate.ts";
import { nested, spaces } from "../../support/spaces.ts";

const faults = (
  definition: SpaceDefinition,
  constraints?: LinearConstraint[],
  forbidden?: ForbiddenCombination[],
) => {
  try {
    compileSpace(definition, constraints, forbidden);
  } catch (error) {
    if (error instanceof InvalidInput) return faultsInWords(error.errors);
    throw error;
  }
  return [];
};

const pointers = (...input: Parameters<typeof faults>) => faults(...input).map(({ pointer }) => pointer);

const x = { type: "float", low: 0, high: 1 } as const;
const c = { type: "categorical", choices: ["a", "b"] } as const;
const choices = () => ({ ...c, choices: [...c.choices] });

test.each<[string, SpaceDefinition[string], string]>([
  ["low above high", { type: "float", low: 2, high: 1 }, "/space/x/low"],
  ["an int with low above high", { type: "int", low: 2, high: 1 }, "/space/x/low"],
  ["a log scale from 0", { type: "float", low: 0, high: 1, scale: "log" }, "/space/x/low"],
  ["a log scale from below 0", { type: "int", low: -3, high: 1, scale: "log" }, "/space/x/low"],
  ["a reverse-log scale up to 1", { type: "float", low: 0, high: 1, scale: "reverse-log" }, "/space/x/high"],
  ["a reverse-log scale of ints", { type: "int", low: -5, high: 0, scale: "reverse-log" }, "/space/x/scale"],
  ["a bound that is not finite", { type: "float", low: 0, high: Number.POSITIVE_INFINITY }, "/space/x/high"],
  ["bounds whose distance overflows", { type: "float", low: -1.7e308, high: 1.7e308 }, "/space/x/high"],
  ["step 0", { type: "float", low: 0, high: 1, step: 0 }, "/space/x/step"],
  ["a negative step", { type: "int", low: 0, high: 5, step: -1 }, "/space/x/step"],
  ["a step larger than the range", { type: "float", low: 0, high: 1, step: 1.5 }, "/space/x/step"],
  ["a broken step of an int", { type: "int", low: 0, high: 5, step: 1.5 }, "/space/x/step"],
  ["a broken bound of an int", { type: "int", low: 0.5, high: 5 }, "/space/x/low"],
  ["an int beyond 2^53 - 1", { type: "int", low: 0, high: 2 ** 53 }, "/space/x/high"],
  ["more ints than coordinates", { type: "int", low: -(2 ** 52), high: 2 ** 52 }, "/space/x/step"],
  [
    "more ints than a log scale tells apart",
    { type: "int", low: 1, high: 2 ** 45, scale: "log" },
    "/space/x/step",
  ],
  ["no choices", { type: "categorical", choices: [] }, "/space/x/choices"],
  ["a choice given twice", { type: "ordinal", choices: [1, "1", 1] }, "/space/x/choices/2"],
  ["too few weights", { type: "categorical", choices: [1, 2, 3], weights: [1, 2] }, "/space/x/weights"],
  ["a weight of 0", { type: "categorical", choices: [1, 2], weights: [1, 0] }, "/space/x/weights/1"],
  [
    "a prior's mean out of bounds",
    { ...x, prior: { type: "normal", mean: 2, sd: 1 } },
    "/space/x/prior/mean",
  ],
  ["a prior's sd of 0", { ...x, prior: { type: "normal", mean: 0.5, sd: 0 } }, "/space/x/prior/sd"],
  [
    "a beta prior beyond reason",
    { ...x, prior: { type: "beta", alpha: 1e9, beta: 1 } },
    "/space/x/prior/alpha",
  ],
])("%s is refused at its field", (_, definition, pointer) => {
  expect(pointers({ x: definition })).toEqual([pointer]);
});

test.each<[string, SpaceDefinition, string]>([
  ["an unknown parent", { x: { ...x, when: { y: [1] } } }, "/space/x/when/y"],
  [
    "a choice that the parent lacks",
    { c: choices(), x: { ...x, when: { c: ["a", "z"] } } },
    "/space/x/when/c/1",
  ],
  [
    "a number that the parent never is",
    { n: { type: "int", low: 0, high: 9, step: 3 }, x: { ...x, when: { n: [3, 4] } } },
    "/space/x/when/n/1",
  ],
  ["a single value of a continuous parent", { y: x, x: { ...x, when: { y: [0.5] } } }, "/space/x/when/y/0"],
  ["bounds beyond the parent's", { y: x, x: { ...x, when: { y: { low: 2 } } } }, "/space/x/when/y"],
  [
    "bounds between the parent's steps",
    { n: { type: "int", low: 0, high: 9, step: 3 }, x: { ...x, when: { n: { low: 4, high: 5 } } } },
    "/space/x/when/n",
  ],
  [
    "bounds that are swapped",
    { y: x, x: { ...x, when: { y: { low: 0.5, high: 0.1 } } } },
    "/space/x/when/y/low",
  ],
  ["bounds on words", { c: choices(), x: { ...x, when: { c: { low: 1 } } } }, "/space/x/when/c"],
  ["itself as parent", { x: { ...x, when: { x: { low: 0.5 } } } }, "/space/x/when/x"],
])("a condition on %s is refused at its field", (_, definition, pointer) => {
  expect(pointers(definition)).toEqual([pointer]);
});

test("a cycle of conditions is refused, and the way round it is named", () => {
  const [fault, ...others] = faults({
    a: { ...x, when: { b: { low: 0.5 } } },
    b: { ...x, when: { c: { low: 0.5 } } },
    c: { ...x, when: { a: { low: 0.5 } } },
    d: x,
  });
  expect(others).toEqual([]);
  expect(fault?.pointer).toBe("/space/c/when/a");
  expect(fault?.detail).toContain("a needs b needs c needs a");
});

test.each<[string, LinearConstraint, string]>([
  ["over an unknown parameter", { z: 1, max: 1 }, "/constraints/0/z"],
  ["over a categorical parameter", { c: 1, x: 1, max: 1 }, "/constraints/0/c"],
  ["without a bound", { x: 1 }, "/constraints/0"],
  ["without a parameter", { max: 1 }, "/constraints/0"],
  ["with min above max", { x: 1, min: 1, max: 0 }, "/constraints/0/min"],
  ["that no value can satisfy", { x: 1, y: 1, max: -1 }, "/constraints/0/max"],
  ["that asks for more than there is", { x: 1, y: 1, min: 3 }, "/constraints/0/min"],
])("a constraint %s is refused at its field", (_, constraint, pointer) => {
  expect(pointers({ x, y: x, c: choices() }, [constraint])).toEqual([pointer]);
});

test.each<[string, ForbiddenCombination, string]>([
  ["with an unknown parameter", { x: 0, opt: 1 }, "/forbidden/1/opt"],
  ["with a choice that does not exist", { c: "z" }, "/forbidden/1/c"],
  ["with a number out of bounds", { x: 2 }, "/forbidden/1/x"],
  ["with a word for a number", { x: "0" }, "/forbidden/1/x"],
  ["with a number between steps", { n: 2 }, "/forbidden/1/n"],
  ["of nothing", {}, "/forbidden/1"],
])("a forbidden combination %s is refused at its field", (_, combination, pointer) => {
  const definition: SpaceDefinition = { x, c: choices(), n: { type: "int", low: 1, high: 9, step: 2 } };
  expect(pointers(definition, [], [{ c: "a" }, combination])).toEqual([pointer]);
});

test("all faults are told at once", () => {
  expect(
    pointers(
      { x: { type: "float", low: 2, high: 1 }, y: { type: "categorical", choices: [] } },
      [{ z: 1, max: 1 }],
      [{ q: 1 }],
    ),
  ).toEqual(["/space/x/low", "/space/y/choices", "/constraints/0/z", "/forbidden/0/q"]);
});

test("a parameter may be called max, but not beside constraints, where max is the bound", () => {
  const definition: SpaceDefinition = { max: x, y: x };
  expect(pointers(definition)).toEqual([]);
  expect(pointers(definition, [{ y: 1, max: 0.5 }])).toEqual(["/space/max"]);
});

test("a space in which nothing is allowed is refused when it is created", () => {
  const bits: SpaceDefinition = {
    a: { type: "int", low: 0, high: 1 },
    b: { type: "int", low: 0, high: 1 },
  };
  expect(pointers(bits, [], [{ a: 0 }, { a: 1 }])).toEqual(["/forbidden"]);
  expect(
    pointers(bits, [
      { a: 1, b: 1, min: 1, max: 1 },
      { a: 1, b: -1, min: 0, max: 0 },
    ]),
  ).toEqual(["/constraints"]);
});

test("one allowed configuration among a million is found", () => {
  const digits: SpaceDefinition = Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => [`d${i}`, { type: "int", low: 0, high: 9 }]),
  );
  const forbidden = Array.from({ length: 6 }, (_, i) =>
    Array.from({ length: 9 }, (_, value) => ({ [`d${i}`]: value })),
  ).flat();
  expect(pointers(digits, [], forbidden)).toEqual([]);
});

test("parents stand before their children, and otherwise the order is the client's", () => {
  const names = compileSpace(nested).parameters.map(({ name }) => name);
  expect(names).toEqual(["model", "kernel", "gamma", "C", "degree", "coef0", "trees", "bootstrap"]);
});

test("equal bounds make a constant", () => {
  const space = compileSpace({
    x: { type: "float", low: 0.3, high: 0.3 },
    n: { type: "int", low: 4, high: 4 },
  });
  expect(space.size).toBe(1);
});

test("every space of the contract tests compiles again from what JSON makes of it", () => {
  for (const { definition, constraints, forbidden, space } of spaces) {
    const again = JSON.parse(JSON.stringify({ definition, constraints, forbidden }));
    expect(compileSpace(again.definition, again.constraints, again.forbidden)).toEqual(space);
  }
});

const weird = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    0.1,
    0.30000000000000004,
    5e-324,
    1e-300,
    1e300,
    -1e300,
    2 ** 53,
    2 ** 53 - 1,
    1 - 2 ** -53,
  ),
  fc.double(),
  fc.integer({ min: -5, max: 5 }),
);
/** Seldom there, so that not everything is refused. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** Mostly in order. */
const range = fc
  .tuple(weird, weird, fc.nat(9))
  .map(([a, b, swap]) => (swap > 0 && a > b ? { low: b, high: a } : { low: a, high: b }));

const anything = fc.oneof(
  fc
    .record({
      type: fc.constantFrom("float" as const, "int" as const),
      range,
      step: maybe(weird),
      scale: maybe(fc.constantFrom("linear" as const, "log" as const, "reverse-log" as const)),
      prior: maybe(
        fc.oneof(
          fc.record({ type: fc.constant("normal" as const), mean: weird, sd: weird }),
          fc.record({ type: fc.constant("beta" as const), alpha: weird, beta: weird }),
        ),
      ),
      points: maybe(fc.integer({ min: 1, max: 9 })),
    })
    .map(({ range: bounds, ...definition }) => ({ ...definition, ...bounds })),
  fc.record({
    type: fc.constantFrom("categorical" as const, "ordinal" as const),
    choices: fc.uniqueArray(fc.oneof(weird, fc.constantFrom("a", "b", true, null)), { maxLength: 4 }),
    weights: maybe(fc.array(weird, { maxLength: 4 })),
  }),
);

const whens = fc.dictionary(
  fc.constantFrom("p0", "p1", "p2", "toString"),
  fc.oneof(
    fc.array(fc.oneof(weird, fc.constantFrom("a", "b", true)), { minLength: 1, maxLength: 2 }),
    fc.record({ low: maybe(weird), high: maybe(weird) }),
  ),
  { maxKeys: 2 },
);

test("whatever is written is either refused with pointers or is a space that works", () => {
  const names = fc.constantFrom("p0", "p1", "p2", "max", "toString");
  fc.assert(
    fc.property(
      fc.dictionary(names, fc.tuple(anything, maybe(whens)), { minKeys: 1, maxKeys: 3 }),
      fc.array(fc.dictionary(names, weird, { maxKeys: 3 }), { maxLength: 1 }),
      fc.array(fc.dictionary(names, fc.oneof(weird, fc.constant("a")), { maxKeys: 2 }), { maxLength: 1 }),
      (parameters, constraints, forbidden) => {
        const entries = Object.entries(parameters).map(([name, [definition, when]]) => [
          name,
          { ...definition, when },
        ]);
        const definition = Object.fromEntries(entries) as SpaceDefinition;
        let space: ReturnType<typeof compileSpace>;
        try {
          space = compileSpace(definition, constraints, forbidden);
        } catch (error) {
          if (!(error instanceof InvalidInput)) throw error;
          for (const { pointer } of error.errors)
            expect(pointer).toMatch(/^\/(space|constraints|forbidden)(\/|$)/);
          return;
        }
        const random = createRandom(1);
        for (let i = 0; i < 5; i++) {
          const params = fromCube(space, sampleCube(space, random));
          for (const value of Object.values(params)) expect(value).not.toBeNaN();
          expect(validateConfiguration(space, params, "")).toEqual(params);
          expect(Object.keys(fromCube(space, toCube(space, params)))).toEqual(Object.keys(params));
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test("a fault holds facts, of which its sentence is made", () => {
  const facts = (definition: SpaceDefinition) => {
    try {
      compileSpace(definition);
      return [];
    } catch (error) {
      return error instanceof InvalidInput ? error.errors.map(({ fault }) => fault) : [];
    }
  };
  expect(facts({ x: { type: "float", low: 2, high: 1 } })).toEqual([
    { kind: "low-above-high", low: 2, high: 1 },
  ]);
  expect(facts({ x: { ...x, when: { y: [1] } } })).toEqual([
    { kind: "unknown-parameter", name: "y", known: ["x"], hasMore: false },
  ]);
  expect(faults({ x: { type: "float", low: 0, high: 1, scale: "log" } })).toEqual([
    {
      pointer: "/space/x/low",
      detail: "A log scale needs low above 0, not 0. Raise low, or use another scale.",
    },
  ]);
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`p${i}`, x]));
  const [fault] = faults({ ...many, c: { ...choices(), when: { q: [1] } } });
  expect(fault?.detail).toBe(
    "There is no parameter q; the space has p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and others.",
  );
});
