import type { ParameterValue, Params } from "../values.ts";
import { isActive } from "./activity.ts";
import { cellOf, coordinateOfNumber, numberAt, snapCoordinate } from "./axis.ts";
import { isNumeric, type Parameter, type Space } from "./space.ts";

/** The only way to and from the unit cube. What a coordinate means is in `axis.ts`. */

/** The coordinate of a valid value. */
export const coordinateOfValue = (parameter: Parameter, value: ParameterValue): number => {
  if (isNumeric(parameter)) {
    if (typeof value !== "number") throw new TypeError(`${parameter.name} is not a number.`);
    return coordinateOfNumber(parameter, value);
  }
  const choice = parameter.choices.indexOf(value);
  if (choice < 0) throw new RangeError(`${parameter.name} has no such choice.`);
  return (choice + 0.5) / parameter.size;
};

/** The value of an active parameter at a coordinate. */
const valueAt = (parameter: Parameter, u: number): ParameterValue =>
  isNumeric(parameter) ? numberAt(parameter, u) : parameter.choices[cellOf(u, parameter.size)]!;

/**
 * A configuration's point in the cube.
 * @param params a valid configuration (see `validate.ts`).
 * @returns one coordinate per parameter in the space's order, NaN where `params` has no such key.
 */
export const toCube = (space: Space, params: Params): Float64Array =>
  Float64Array.from(space.parameters, (parameter) =>
    Object.hasOwn(params, parameter.name)
      ? coordinateOfValue(parameter, params[parameter.name]!)
      : Number.NaN,
  );

/**
 * The configuration at a point of the cube: within bounds, on steps, without the parameters that its conditions
 * leave out, whatever their coordinates. An active parameter without a coordinate gets the middle of its axis.
 */
export const fromCube = (space: Space, x: ArrayLike<number>): Params => {
  const params: Params = {};
  const point = snap(space, x);
  for (const parameter of space.parameters) {
    const u = point[parameter.index]!;
    if (!Number.isNaN(u)) params[parameter.name] = valueAt(parameter, u);
  }
  return params;
};

/**
 * The one point that represents all points of the same configuration: the middle of its cell on a finite axis, NaN where
 * a parameter is inactive. Two points are the same configuration exactly when they snap to the same point.
 */
export const snap = (space: Space, x: ArrayLike<number>): Float64Array => {
  const point = new Float64Array(space.parameters.length).fill(Number.NaN);
  for (const parameter of space.parameters) {
    if (!isActive(space, parameter, point)) continue;
    const u = x[parameter.index]!;
    point[parameter.index] = snapCoordinate(parameter, Number.isNaN(u) ? 0.5 : u);
  }
  return point;
};
