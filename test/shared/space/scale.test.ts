import { describe, expect, test } from "vitest";
import { faultsInWords, InvalidInput } from "../../../shared/errors.ts";
import { compileSpace } from "../../../shared/space/compile.ts";
import { fromCube, snap, toCube } from "../../../shared/space/cube.ts";
import { FloatParameter, type SpaceDefinition } from "../../../shared/space/definition.ts";
import { type ScaleRules, scaleNames, scales } from "../../../shared/space/scale.ts";

/** Bounds that the scale accepts: as close to its limits as makes a difference, and wide where it has no limit. */
const boundsOf = ({ limits }: ScaleRules) => {
  const low = Number.isFinite(limits.low) ? limits.low + 1e-4 : limits.high - 1000;
  const high = Number.isFinite(limits.high) ? limits.high - 1e-4 : limits.low + 1000;
  return Number.isFinite(low) && Number.isFinite(high) ? { low, high } : { low: -500, high: 500 };
};

const placesOf = (rules: ScaleRules, count: number): number[] => {
  const { low, high } = boundsOf(rules);
  return Array.from({ length: count }, (_, i) => low + (i * (high - low)) / (count - 1));
};

const pointersOf = (definition: SpaceDefinition): string[] => {
  try {
    compileSpace(definition);
    return [];
  } catch (error) {
    if (error instanceof InvalidInput) return faultsInWords(error.errors).map(({ pointer }) => pointer);
    throw error;
  }
};

describe.each(scaleNames)("the scale %s", (scale) => {
  const rules: ScaleRules = scales[scale];
  const bounds = boundsOf(rules);

  test("takes a number to its place and back", () => {
    for (const value of placesOf(rules, 101)) {
      const back = rules.fromScale(rules.toScale(value));
      expect(Math.abs(back - value)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)));
    }
  });

  test("knows how fast a number grows with its place", () => {
    for (const value of placesOf(rules, 101)) {
      const place = rules.toScale(value);
      const h = 1e-4 * Math.max(1e-3, Math.abs(place));
      const [low, high] = [-h, h].map((by) => rules.fromScale(place + by));
      const slope = (high! - low!) / (2 * h);
      expect(Math.abs(rules.slopeAt(place) / slope - 1)).toBeLessThan(1e-3);
    }
  });

  test("is strictly increasing", () => {
    const places = placesOf(rules, 101).map(rules.toScale);
    for (let i = 1; i < places.length; i++) expect(places[i]!).toBeGreaterThan(places[i - 1]!);
  });

  test("has places that are even in the cube: half of the axis is half of the way on the scale", () => {
    const space = compileSpace({ x: { type: "float", ...bounds, scale } });
    const middle = rules.fromScale((rules.toScale(bounds.low) + rules.toScale(bounds.high)) / 2);
    expect(fromCube(space, [0]).x).toBe(bounds.low);
    expect(fromCube(space, [1]).x).toBe(bounds.high);
    const error = Math.abs(Number(fromCube(space, [0.5]).x) - middle);
    expect(error).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(middle)));
  });

  test("allows bounds inside its limits, and refuses a bound that lies on one", () => {
    const { low, high } = rules.limits;
    expect(pointersOf({ x: { type: "float", ...bounds, scale } })).toEqual([]);
    if (Number.isFinite(low)) {
      expect(pointersOf({ x: { type: "float", low, high: low + 0.5, scale } })).toEqual(["/space/x/low"]);
    }
    if (Number.isFinite(high)) {
      expect(pointersOf({ x: { type: "float", low: high - 0.5, high, scale } })).toEqual(["/space/x/high"]);
    }
  });

  test("is for ints where it says so", () => {
    const ends = { low: Math.ceil(bounds.low), high: Math.floor(bounds.high) };
    const faults = pointersOf({ x: { type: "int", ...ends, scale } });
    expect(faults).toEqual(rules.allowsInts ? [] : ["/space/x/scale"]);
  });

  test("gives every step the coordinates around it, also where half a step would pass the scale's end", () => {
    const { low, high } = bounds;
    const step = (high - low) / 4;
    const space = compileSpace({ x: { type: "float", low, high, step, scale } });
    const values = [0, 1, 2, 3, 4].map((k) => toCube(space, { x: low + k * step })[0]!);
    for (const [k, u] of values.entries()) {
      expect(u).toBeGreaterThan(k === 0 ? 0 : values[k - 1]!);
      expect(u).toBeLessThan(1);
      expect(snap(space, [u])[0]).toBe(u);
      if (rules.equalSteps) expect(u).toBeCloseTo((k + 0.5) / 5, 12);
    }
    const [first] = snap(space, [0]);
    const [last] = snap(space, [1]);
    expect([first, last]).toEqual([values[0], values[4]]);
  });

  test("refuses more steps than it tells values apart", () => {
    const { low, high } = bounds;
    const stepped = (count: number) =>
      pointersOf({ x: { type: "float", low, high, step: (high - low) / (count - 0.5), scale } });
    expect(stepped(rules.mostValues)).toEqual([]);
    expect(stepped(rules.mostValues + 1)).toEqual(["/space/x/step"]);
  });

  test("can be asked for, and the unit of a prior on it is documented", () => {
    expect(FloatParameter.safeParse({ type: "float", ...bounds, scale }).success).toBe(true);
    expect(rules.priorUnit.length).toBeGreaterThan(0);
  });
});

test.each(scaleNames.filter((scale) => scales[scale].allowsInts))(
  "the scale %s tells as many ints apart as it says, and refuses more",
  (scale) => {
    const { mostValues, limits } = scales[scale];
    const low = Math.max(1, limits.low + 1);
    expect(pointersOf({ x: { type: "int", low, high: low + mostValues - 1, scale } })).toEqual([]);
    expect(pointersOf({ x: { type: "int", low, high: low + mostValues, scale } })).toEqual(["/space/x/step"]);
    const space = compileSpace({ x: { type: "int", low, high: low + mostValues - 1, scale } });
    const x = low + mostValues - 2;
    expect(fromCube(space, toCube(space, { x }))).toEqual({ x });
  },
);

test("a reverse-log scale is the logarithm of the distance to 1, as a log scale is of the distance to 0", () => {
  const log = compileSpace({ x: { type: "float", low: 1e-4, high: 0.1, scale: "log" } });
  const reverse = compileSpace({ x: { type: "float", low: 0.9, high: 0.9999, scale: "reverse-log" } });
  for (const u of [0, 0.1, 0.5, 0.9, 1]) {
    const distance = 1 - Number(fromCube(reverse, [1 - u]).x);
    expect(distance / Number(fromCube(log, [u]).x)).toBeCloseTo(1, 9);
  }
});
