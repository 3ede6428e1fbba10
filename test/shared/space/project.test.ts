import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidInput } from "../../../shared/errors.ts";
import { createRandom } from "../../../shared/numerics/random.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { isAllowed } from "../../../shared/space/constraints.ts";
import { fromCube, snap } from "../../../shared/space/cube.ts";
import type { LinearConstraint } from "../../../shared/space/definition.ts";
import { planeAt } from "../../../shared/space/plane.ts";
import { project } from "../../../shared/space/project.ts";
import { samplePrior } from "../../../shared/space/sample.ts";
import { isNumeric, type Space } from "../../../shared/space/space.ts";
import { validateConfiguration } from "../../../shared/space/validate.ts";
import { anySpaceAndPoint } from "../../support/arbitraries.ts";
import { equations } from "../../support/equations.ts";

describe.each(Object.entries(equations))("%s", (_, { space }) => {
  test("a point that breaks the constraints has an allowed one next to it, anywhere in a thin band", () => {
    const random = createRandom(1);
    for (const where of ["nearest", "anywhere"] as const) {
      for (let i = 0; i < 300; i++) {
        const point = project(space, samplePrior(space, random), random, where);
        expect(point).not.toBeNull();
        expect(snap(space, point!)).toEqual(point);
        validateConfiguration(space, fromCube(space, point!), "");
      }
    }
  });

  test("a point just beside an allowed one comes back to about where it was", () => {
    const random = createRandom(2);
    let moved = 0;
    for (let i = 0; i < 100; i++) {
      const from = project(space, samplePrior(space, random), random, "anywhere")!;
      const beside = snap(
        space,
        from.map((u) => u + 0.01 * (random.uniform() - 0.5)),
      );
      const back = project(space, beside, random)!;
      // One step of a parameter with few values is far by itself.
      for (const { index, size } of space.parameters) {
        if (Number.isNaN(from[index]!)) continue;
        moved = Math.max(moved, Math.abs(back[index]! - from[index]!) - 3 / size);
      }
    }
    expect(moved).toBeLessThan(0.3);
  });
});

const near = (space: Space, a: Float64Array, b: Float64Array) =>
  space.parameters.every(({ index }) => Math.abs(a[index]! - b[index]!) < 1e-6 || Number.isNaN(a[index]!));

/** A constraint that a drawn configuration meets, and that cuts off a part of the space: an equation, a band, or a half. */
const constraintThrough = (space: Space, seed: number, width: number): LinearConstraint => {
  const random = createRandom(seed, 3);
  const params = fromCube(space, samplePrior(space, random));
  const numbers = space.parameters.filter(isNumeric).filter(({ name }) => typeof params[name] === "number");
  const terms = numbers.map(({ name, low, high }) => {
    const coefficient = (random.uniform() - 0.5) / Math.max(high - low, 1e-3);
    return [name, coefficient, coefficient * Number(params[name])] as const;
  });
  const sum = terms.reduce((total, [, , term]) => total + term, 0);
  const bounds = width === 2 ? { max: sum } : { min: sum - width, max: sum + width };
  return { ...Object.fromEntries(terms), ...bounds } as LinearConstraint;
};

test("whatever the space, what comes back is allowed, and an allowed point is left alone", () => {
  let moved = 0;
  let cut = 0;
  const isUsable = ({ space }: { space: Space }) => space.parameters.filter(isNumeric).length > 1;
  fc.assert(
    fc.property(
      anySpaceAndPoint().filter(isUsable),
      fc.nat(),
      fc.constantFrom(0.01, 0.1, 2),
      fc.boolean(),
      ({ definition }, seed, width, isNearest) => {
        const free = compileSpace(definition);
        const constraint = constraintThrough(free, seed, width);
        fc.pre(Object.values(constraint).every(Number.isFinite) && Object.keys(constraint).length > 2);
        let space: Space;
        try {
          space = compileSpace(definition, [constraint]);
        } catch (error) {
          // What compiling refuses (a name like a bound, nothing allowed that a search could find) is another test's.
          if (error instanceof InvalidInput) return;
          throw error;
        }
        const random = createRandom(seed);
        const drawn = samplePrior(space, random);
        const point = project(space, drawn, random, isNearest ? "nearest" : "anywhere");
        if (isAllowed(space, drawn)) expect(point).toBe(drawn);
        else {
          cut++;
          if (point === null) return;
          moved++;
          expect(isAllowed(space, snap(space, point))).toBe(true);
        }
      },
    ),
    { numRuns: 300, seed: 5 },
  );
  // Most draws that a constraint refuses are moved onto it.
  expect(cut).toBeGreaterThan(50);
  expect(moved).toBeGreaterThan(cut / 2);
});

test("a parameter that is kept stays as it is", () => {
  const { space } = equations["ints and floats"]!;
  const random = createRandom(3);
  for (let i = 0; i < 50; i++) {
    const drawn = samplePrior(space, random);
    const kept = random.integer(2);
    const point = project(space, drawn, random, "nearest", kept);
    if (point !== null) expect(point[kept]).toBe(drawn[kept]);
  }
});

test("where a forbidden combination or the bounds of what may move are in the way, there is nothing next to a point", () => {
  const two = { type: "int", low: 0, high: 1 } as const;
  const space = compileSpace({ a: two, b: two }, [{ a: 1, b: 1, min: 1, max: 1 }], [{ a: 0, b: 1 }]);
  const random = createRandom(4);
  const point = Float64Array.of(0.25, 0.25);
  expect(project(space, point, random, "nearest", 0)).toBeNull();
  expect(project(space, point, random, "nearest", 1)).toEqual(Float64Array.of(0.75, 0.25));
});

describe.each(Object.entries(equations))("along %s", (_, { space }) => {
  /** Planes at random allowed points, where one is. */
  const planes = Array.from({ length: 20 }, (_, seed) => {
    const random = createRandom(seed, 7);
    const point = project(space, samplePrior(space, random), random, "anywhere")!;
    const moving = space.parameters.filter(isNumeric).filter(({ index }) => !Number.isNaN(point[index]!));
    return { point, moving, plane: planeAt(space, point, moving), random };
  });

  test("the start is the point itself", () => {
    expect(planes.some(({ plane }) => plane !== null)).toBe(true);
    for (const { point, plane } of planes) {
      const x = Float64Array.from(point);
      if (plane?.place(plane.start, x)) expect(near(space, x, point)).toBe(true);
    }
  });

  test("every move keeps the sums, and derivatives agree with differences", () => {
    for (const { point, plane, random, moving } of planes) {
      if (plane === null) continue;
      const x = Float64Array.from(point);
      const weights = point.map((_, i) => Math.sin(1 + i));
      const valueAt = (v: Float64Array) =>
        plane.place(v, x) ? moving.reduce((sum, { index }) => sum + weights[index]! * x[index]!, 0) : null;
      const v = plane.start.map((u) => Math.min(0.99, Math.max(0.01, u + 0.02 * (random.uniform() - 0.5))));
      if (valueAt(v) === null) continue;
      const steps = moving.some(({ size }) => size !== Infinity);
      if (!steps) expect(isAllowed(space, x)).toBe(true);
      const slopes = new Float64Array(plane.free);
      plane.pull(weights, x, slopes);
      for (let i = 0; i < plane.free; i++) {
        const [low, high] = [-1e-6, 1e-6].map((h) => valueAt(v.with(i, v[i]! + h)));
        if (low == null || high == null) continue;
        expect(Math.abs(slopes[i]! - (high - low) / 2e-6)).toBeLessThan(1e-4 * (1 + Math.abs(slopes[i]!)));
      }
    }
  });
});

test("where no constraint binds there is no plane", () => {
  const float = { type: "float", low: 0, high: 1 } as const;
  const space = compileSpace({ a: float, b: float }, [{ a: 1, b: 1, max: 1 }]);
  const moving = space.parameters.filter(isNumeric);
  expect(planeAt(space, Float64Array.of(0.2, 0.2), moving)).toBeNull();
  expect(planeAt(space, Float64Array.of(0.5, 0.5), moving)).not.toBeNull();
});
