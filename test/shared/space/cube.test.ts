import fc from "fast-check";
import { expect, test } from "vitest";
import { compileSpace } from "../../../shared/space/compile.ts";
import { fromCube, snap, toCube } from "../../../shared/space/cube.ts";
import { isNumeric, type Space } from "../../../shared/space/space.ts";
import type { Params } from "../../../shared/values.ts";
import { anySpaceAndPoint } from "../../support/arbitraries.ts";

/** Continuous floats to 1e-9 of the larger of value and range, the rest exactly. */
const expectSame = (space: Space, actual: Params, expected: Params) => {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) {
    const parameter = space.byName.get(name)!;
    if (!isNumeric(parameter) || parameter.size !== Infinity) {
      expect(actual[name]).toBe(value);
      continue;
    }
    const range = parameter.scale === "linear" ? parameter.high - parameter.low : 0;
    const tolerance = 1e-9 * Math.max(Math.abs(Number(value)), range);
    expect(Math.abs(Number(actual[name]) - Number(value))).toBeLessThanOrEqual(tolerance);
  }
};

test("a configuration comes back from the unit cube as it went in", () => {
  fc.assert(
    fc.property(anySpaceAndPoint(), ({ space, point }) => {
      const params = fromCube(space, point);
      expectSame(space, fromCube(space, toCube(space, params)), params);
    }),
    { numRuns: 500 },
  );
});

test("a point comes back from its configuration as the one point that stands for it", () => {
  fc.assert(
    fc.property(anySpaceAndPoint(), ({ space, point }) => {
      const snapped = snap(space, point);
      const back = toCube(space, fromCube(space, point));
      for (const [i, u] of snapped.entries()) {
        if (Number.isNaN(u)) expect(back[i]).toBeNaN();
        else if (space.parameters[i]!.size !== Infinity) expect(back[i]).toBe(u);
        // How far a coordinate moves depends on how many doubles the range holds: the values are compared above.
        else expect(back[i]).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 300 },
  );
});

test("every value lies within its bounds, on a step, or among the choices", () => {
  fc.assert(
    fc.property(anySpaceAndPoint(), ({ definition, space, point }) => {
      for (const [name, value] of Object.entries(fromCube(space, point))) {
        const parameter = definition[name]!;
        if (parameter.type === "categorical" || parameter.type === "ordinal") {
          expect(parameter.choices).toContain(value);
          continue;
        }
        expect(value).toBeGreaterThanOrEqual(parameter.low);
        expect(value).toBeLessThanOrEqual(parameter.high);
        if (parameter.type === "int") {
          expect(Number.isInteger(value)).toBe(true);
          expect((Number(value) - parameter.low) % (parameter.step ?? 1)).toBe(0);
        } else if (parameter.step !== undefined) {
          const steps = (Number(value) - parameter.low) / parameter.step;
          expect(Math.abs(steps - Math.round(steps))).toBeLessThan(1e-6);
        }
      }
    }),
    { numRuns: 500 },
  );
});

/** Within the bounds, or so near to one that rounding decides. */
const isWithin = (value: number, low = -Infinity, high = Infinity): boolean | "near" => {
  const isNear = (bound: number) => Math.abs(value - bound) <= 1e-9 * Math.max(1, Math.abs(bound));
  return isNear(low) || isNear(high) ? "near" : value >= low && value <= high;
};

test("a parameter is there exactly when its conditions hold", () => {
  fc.assert(
    fc.property(anySpaceAndPoint(), ({ definition, space, point }) => {
      const params = fromCube(space, point);
      for (const [name, { when = {} }] of Object.entries(definition)) {
        const holds = Object.entries(when).map(([parent, wanted]) => {
          if (!Object.hasOwn(params, parent)) return false;
          const value = params[parent]!;
          return Array.isArray(wanted)
            ? wanted.includes(value)
            : isWithin(Number(value), wanted.low, wanted.high);
        });
        if (holds.includes("near")) continue;
        expect(Object.hasOwn(params, name)).toBe(holds.every((hold) => hold === true));
      }
    }),
    { numRuns: 500 },
  );
});

test("every value of an int owns an equal cell on a linear scale", () => {
  const space = compileSpace({ n: { type: "int", low: 3, high: 6 } });
  const values = Array.from({ length: 400 }, (_, i) => fromCube(space, [(i + 0.5) / 400]).n);
  expect(values).toEqual([3, 4, 5, 6].flatMap((n) => Array(100).fill(n)));
});

test("an int on a log scale owns the cell from half below to half above it", () => {
  const space = compileSpace({ n: { type: "int", low: 1, high: 100, scale: "log" } });
  const place = (value: number) => Math.log(value / 0.5) / Math.log(100.5 / 0.5);
  for (const n of [1, 2, 7, 99]) {
    expect(fromCube(space, [place(n - 0.5) + 1e-9]).n).toBe(n);
    expect(fromCube(space, [place(n + 0.5) - 1e-9]).n).toBe(n);
  }
});

test("steps print as a person would write them", () => {
  const space = compileSpace({ x: { type: "float", low: 0.1, high: 0.9, step: 0.1 } });
  const values = Array.from({ length: 9 }, (_, k) => fromCube(space, [(k + 0.5) / 9]).x);
  expect(values).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
});

test("a step that does not divide the range ends at the last value within it", () => {
  const space = compileSpace({ x: { type: "float", low: 0, high: 1, step: 0.3 } });
  expect(fromCube(space, [1]).x).toBe(0.9);
  expect(fromCube(space, [0]).x).toBe(0);
});

test("a reverse-log scale spreads out the values near 1", () => {
  const space = compileSpace({ beta: { type: "float", low: 0.9, high: 0.9999, scale: "reverse-log" } });
  expect(fromCube(space, [1 / 3]).beta).toBeCloseTo(0.99, 12);
  expect(fromCube(space, [2 / 3]).beta).toBeCloseTo(0.999, 12);
});

test("the bounds themselves come out exactly at the ends of the axis", () => {
  fc.assert(
    fc.property(anySpaceAndPoint(), ({ definition, space }) => {
      const lowest = fromCube(space, new Float64Array(space.parameters.length));
      for (const [name, value] of Object.entries(lowest)) {
        const parameter = definition[name]!;
        if (parameter.type === "float" || parameter.type === "int") expect(value).toBe(parameter.low + 0);
      }
    }),
  );
});

test("a bound between the digits of a step counts as that step", () => {
  const space = compileSpace({
    rate: { type: "float", low: 0, high: 1, step: 0.1 },
    child: { type: "int", low: 0, high: 1, when: { rate: { low: 0.1 + 0.2, high: 0.7 - 1e-16 } } },
  });
  const withChild = Array.from({ length: 11 }, (_, k) => fromCube(space, [(k + 0.5) / 11, 0])).filter(
    (p) => "child" in p,
  );
  expect(withChild.map(({ rate }) => rate)).toEqual([0.3, 0.4, 0.5, 0.6, 0.7]);
});

test("bounds on a parent whose choices are numbers pick those within", () => {
  const space = compileSpace({
    batch: { type: "ordinal", choices: [16, 32, 64] },
    warmup: { type: "float", low: 0, high: 1, when: { batch: { low: 32 } } },
  });
  const keys = [1 / 6, 0.5, 5 / 6].map((u) => Object.keys(fromCube(space, [u, 0.5])).length);
  expect(keys).toEqual([1, 2, 2]);
});

test("a parameter named like a method of objects is left out when it is inactive", () => {
  const space = compileSpace({
    a: { type: "categorical", choices: ["on", "off"] },
    ["valueOf" as string]: { type: "float", low: 0, high: 1, when: { a: ["on"] } },
  });
  expect(toCube(space, { a: "off" })[1]).toBeNaN();
  expect(fromCube(space, [0.75, 0.5])).toEqual({ a: "off" });
});

test("a child whose condition begins at its parent's very value is there, whatever rounding does to that value", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (bound) => {
      const space = compileSpace({
        parent: { type: "float", low: 1e-9, high: 1e9, scale: "log" },
        above: { type: "int", low: 0, high: 1, when: { parent: { low: bound } } },
        below: { type: "int", low: 0, high: 1, when: { parent: { high: bound } } },
      });
      expect(Object.keys(fromCube(space, toCube(space, { parent: bound, above: 0, below: 1 })))).toHaveLength(
        3,
      );
    }),
  );
});
