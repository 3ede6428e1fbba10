import fc from "fast-check";
import { compileSpace } from "../../shared/space/compile.ts";
import type { ParameterDefinition, SpaceDefinition, When } from "../../shared/space/definition.ts";
import type { Space } from "../../shared/space/space.ts";

/** Arbitraries of fast-check over what a client may write, shared by the tests of the core. */

const finite = (min: number, max: number) => fc.double({ min, max, noNaN: true, noDefaultInfinity: true });

const bounds = (min: number, max: number) =>
  fc
    .tuple(finite(min, max), finite(min, max))
    .map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) }));

const linearFloat = bounds(-1e6, 1e6).map((range) => ({ type: "float" as const, ...range }));

const logFloat = bounds(-12, 6).map(({ low, high }) => ({
  type: "float" as const,
  low: 10 ** low,
  high: 10 ** high,
  scale: "log" as const,
}));

const reverseLogFloat = bounds(-6, 0).map(({ low, high }) => ({
  type: "float" as const,
  low: 1 - 10 ** high,
  high: 1 - 10 ** low,
  scale: "reverse-log" as const,
}));

/** Bounds and steps as people write them: few digits, the range seldom a whole number of steps. */
const steppedFloat = fc
  .record({
    low: fc.integer({ min: -500, max: 500 }),
    steps: fc.integer({ min: 1, max: 300 }),
    step: fc.integer({ min: 1, max: 50 }),
    over: fc.double({ min: 0, max: 0.9, noNaN: true }),
    digits: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ low, steps, step, over, digits }) => ({
    type: "float" as const,
    low: Number(`${low}e-${digits}`),
    high: Number(`${low + (steps + over) * step}e-${digits}`),
    step: Number(`${step}e-${digits}`),
  }));

const int = fc
  .record({
    low: fc.integer({ min: -1000, max: 1000 }),
    range: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 2 ** 40 })),
    step: fc.integer({ min: 1, max: 20 }),
  })
  .map(({ low, range, step }) => ({
    type: "int" as const,
    low,
    high: low + range,
    ...(step > 1 && step <= range ? { step } : {}),
  }));

const logInt = fc
  .record({ low: fc.integer({ min: 1, max: 1000 }), range: fc.integer({ min: 0, max: 2 ** 30 }) })
  .map(({ low, range }) => ({ type: "int" as const, low, high: low + range, scale: "log" as const }));

const choice = fc.oneof(fc.string({ maxLength: 6 }), fc.integer(), fc.boolean(), fc.constant(null));

const choices = fc
  .record({
    type: fc.constantFrom("categorical" as const, "ordinal" as const),
    choices: fc.uniqueArray(choice, { minLength: 1, maxLength: 8, comparator: "SameValueZero" }),
    weight: fc.option(finite(0.1, 10), { nil: undefined }),
  })
  .map(({ weight, ...definition }) => ({
    ...definition,
    ...(weight === undefined ? {} : { weights: definition.choices.map((_, i) => 1 + i * weight) }),
  }));

/** One parameter without conditions. */
export const anyParameter = (): fc.Arbitrary<ParameterDefinition> =>
  fc.oneof(linearFloat, logFloat, reverseLogFloat, steppedFloat, int, logInt, choices);

/** A parent's values or bounds that some of its values satisfy. */
const whenOf = (parent: ParameterDefinition, pick: number): When[string] => {
  if (parent.type === "float" || parent.type === "int") {
    const middle = parent.low + (parent.high - parent.low) * pick;
    return { high: Math.max(parent.low, middle) };
  }
  const count = 1 + Math.floor(pick * (parent.choices.length - 1));
  return parent.choices.slice(0, count);
};

/** A space of up to eight parameters, about half of them conditional, so that conditions nest; in any order. */
export const anySpaceDefinition = (): fc.Arbitrary<SpaceDefinition> =>
  fc
    .record({
      items: fc.array(
        fc.record({
          parameter: anyParameter(),
          parent: fc.option(fc.nat(7), { nil: undefined }),
          pick: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      childrenFirst: fc.boolean(),
    })
    .map(({ items, childrenFirst }) => {
      const entries = items.map(({ parameter, parent, pick }, i): [string, ParameterDefinition] => {
        const above = parent === undefined || parent >= i ? undefined : items[parent];
        return [
          `p${i}`,
          above ? { ...parameter, when: { [`p${parent}`]: whenOf(above.parameter, pick) } } : parameter,
        ];
      });
      return Object.fromEntries(childrenFirst ? entries.reverse() : entries);
    });

/** A compiled space and a point of the unit cube, every coordinate set. */
export const anySpaceAndPoint = (): fc.Arbitrary<{
  definition: SpaceDefinition;
  space: Space;
  point: Float64Array;
}> =>
  anySpaceDefinition().chain((definition) => {
    const space = compileSpace(definition);
    const coordinate = fc.oneof(
      { weight: 8, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
      { weight: 1, arbitrary: fc.constantFrom(0, 0.5, 1) },
    );
    return fc
      .array(coordinate, { minLength: space.parameters.length, maxLength: space.parameters.length })
      .map((point) => ({ definition, space, point: Float64Array.from(point) }));
  });
