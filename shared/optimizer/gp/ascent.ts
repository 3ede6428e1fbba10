import { type Bounds, minimise } from "../../numerics/lbfgs.ts";
import type { Random } from "../../numerics/random.ts";
import { isAllowed } from "../../space/constraints.ts";
import { snap } from "../../space/cube.ts";
import { planeAt } from "../../space/plane.ts";
import { project } from "../../space/project.ts";
import { isNumeric, type Parameter, type Space } from "../../space/space.ts";
import { isSmooth } from "../common/candidates.ts";

/** The value of an acquisition at a point of the cube and its derivatives by the coordinates of smooth parameters. */
type Slope = (x: Float64Array, gradient: Float64Array) => number;

/** Part of what an ascent gains that ends it. */
const TOLERANCE = 1e-5;

/** An ascent stays so near to its middle, along each axis; by default to its start. */
export interface Box {
  readonly reach: number;
  readonly middle?: Float64Array;
}

/**
 * One local ascent by L-BFGS from a point, on the coordinates of its smooth parameters; where linear constraints bind, along
 * them.
 * @param box what the ascent does not leave.
 * @param most evaluations of the acquisition.
 * @returns an allowed point: where the rules of the space block the way, the last allowed point found on it.
 */
export const ascend = (
  space: Space,
  slopeAt: Slope,
  start: Float64Array,
  box: Box,
  most: number,
  random: Random,
): Float64Array => {
  const moving = space.parameters.filter(
    (parameter) => isSmooth(parameter) && !Number.isNaN(start[parameter.index]!),
  );
  if (moving.length === 0) return start;
  const end =
    climbAlong(space, slopeAt, start, moving, box.reach, most) ?? climb(slopeAt, start, moving, box, most);
  for (let share = 1; share > 0.05; share /= 2) {
    const point = snap(
      space,
      start.map((u, j) => u + share * (end[j]! - u)),
    );
    if (isAllowed(space, point)) return point;
    // The end itself may lie just beside what steps and constraints allow.
    const near = share === 1 ? project(space, point, random) : null;
    if (near !== null) return near;
  }
  return start;
};

const boundsOf = (middle: Float64Array, reach: number): Bounds => ({
  lower: middle.map((u) => Math.max(0, u - reach)),
  upper: middle.map((u) => Math.min(1, u + reach)),
});

/** Where an ascent on some coordinates ends, wherever that is. */
const climb = (
  slopeAt: Slope,
  start: Float64Array,
  moving: readonly Parameter[],
  { reach, middle = start }: Box,
  most: number,
): Float64Array => {
  const indices = moving.map(({ index }) => index);
  // A start in another branch has parameters that the middle lacks.
  const around = Float64Array.from(indices, (index) =>
    Number.isNaN(middle[index]!) ? start[index]! : middle[index]!,
  );
  const x = Float64Array.from(start);
  const gradient = new Float64Array(start.length);
  const place = (v: Float64Array) => {
    for (let i = 0; i < indices.length; i++) x[indices[i]!] = v[i]!;
  };
  const first = Float64Array.from(indices, (index) => start[index]!);
  const { x: end } = minimise(
    (v, out) => {
      place(v);
      const value = slopeAt(x, gradient);
      for (let i = 0; i < indices.length; i++) out[i] = -gradient[indices[i]!]!;
      return -value;
    },
    first,
    boundsOf(around, reach),
    most,
    TOLERANCE,
  );
  place(end);
  return x;
};

/** The same along the constraints that bind; null when none does. */
const climbAlong = (
  space: Space,
  slopeAt: Slope,
  start: Float64Array,
  moving: readonly Parameter[],
  reach: number,
  most: number,
): Float64Array | null => {
  if (space.constraints.length === 0) return null;
  const plane = planeAt(space, start, moving.filter(isNumeric));
  if (plane === null) return null;
  // Ordinal parameters are in no constraint.
  const others = moving.filter((parameter) => !isNumeric(parameter));
  const { free } = plane;
  const x = Float64Array.from(start);
  const gradient = new Float64Array(start.length);
  const place = (v: Float64Array): boolean => {
    for (const [i, { index }] of others.entries()) x[index] = v[free + i]!;
    return plane.place(v, x);
  };
  const first = Float64Array.of(...plane.start, ...others.map(({ index }) => start[index]!));
  const { x: end } = minimise(
    (v, out) => {
      if (!place(v)) return Infinity;
      const value = slopeAt(x, gradient);
      plane.pull(gradient, x, out);
      for (const [i, { index }] of others.entries()) out[free + i] = gradient[index]!;
      for (let i = 0; i < out.length; i++) out[i] = -out[i]!;
      return -value;
    },
    first,
    boundsOf(first, reach),
    most,
    TOLERANCE,
  );
  place(end);
  return x;
};
