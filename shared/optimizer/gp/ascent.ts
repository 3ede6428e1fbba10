import { type Bounds, minimise } from "../../numerics/lbfgs.ts";
import { isAllowed } from "../../space/constraints.ts";
import { snap } from "../../space/cube.ts";
import type { Parameter, Space } from "../../space/space.ts";
import { isSmooth } from "../common/candidates.ts";

/** The value of an acquisition at a point of the cube and its derivatives by the coordinates of smooth parameters. */
type Slope = (x: Float64Array, gradient: Float64Array) => number;

/**
 * One local ascent by L-BFGS from a point, on the coordinates of its smooth parameters.
 * @param box the ascent stays so near to its middle, along each axis; by default to the start.
 * @param most evaluations of the acquisition.
 * @returns an allowed point: where the rules of the space block the way, the last allowed point found on it.
 */
export const ascend = (
  space: Space,
  slopeAt: Slope,
  start: Float64Array,
  { reach, middle = start }: { readonly reach: number; readonly middle?: Float64Array },
  most: number,
): Float64Array => {
  const moving = space.parameters.filter(
    (parameter) => isSmooth(parameter) && !Number.isNaN(start[parameter.index]!),
  );
  if (moving.length === 0) return start;
  // A start in another branch has parameters that the middle lacks.
  const from = ({ index }: Parameter) => (Number.isNaN(middle[index]!) ? start[index]! : middle[index]!);
  const bounds: Bounds = {
    lower: Float64Array.from(moving, (parameter) => Math.max(0, from(parameter) - reach)),
    upper: Float64Array.from(moving, (parameter) => Math.min(1, from(parameter) + reach)),
  };
  const x = Float64Array.from(start);
  const gradient = new Float64Array(start.length);
  const place = (v: Float64Array) => {
    for (let i = 0; i < moving.length; i++) x[moving[i]!.index] = v[i]!;
  };
  const { x: end } = minimise(
    (v, out) => {
      place(v);
      const value = slopeAt(x, gradient);
      for (let i = 0; i < moving.length; i++) out[i] = -gradient[moving[i]!.index]!;
      return -value;
    },
    Float64Array.from(moving, ({ index }) => start[index]!),
    bounds,
    most,
    1e-5,
  );
  place(end);
  for (let share = 1; share > 0.05; share /= 2) {
    const point = snap(
      space,
      start.map((u, j) => u + share * (x[j]! - u)),
    );
    if (isAllowed(space, point)) return point;
  }
  return start;
};
