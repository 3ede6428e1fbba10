import { scales } from "./scale.ts";
import { isNumeric, type NumericParameter, type Parameter } from "./space.ts";

/**
 * One parameter and its coordinate. A number lies at its place on the parameter's scale. A parameter with steps has
 * an axis that is half a step wider at both ends, so that each value owns the cell around it: equal cells on a linear
 * scale. Choice k of n owns the k-th of n equal cells.
 */

/** Which of n equal cells of [0, 1] holds u. */
export const cellOf = (u: number, n: number): number => Math.min(n - 1, Math.max(0, Math.floor(u * n)));

/** The k-th value of a parameter with steps, without representation noise: 0.1 + 2 * 0.1 is 0.3. */
export const stepValue = (parameter: NumericParameter, k: number): number => {
  const value = parameter.low + k * (parameter.step ?? 0);
  const clean = parameter.decimals === null ? value : Number(value.toFixed(parameter.decimals));
  return Math.min(parameter.high, Math.max(parameter.low, clean)) + 0;
};

/** Which step a value of a parameter with steps is nearest to. */
export const stepOf = (parameter: NumericParameter, value: number): number =>
  Math.min(parameter.size - 1, Math.max(0, Math.round((value - parameter.low) / (parameter.step ?? 1))));

/** The coordinate of the k-th value of a finite parameter. */
export const coordinateOf = (parameter: Parameter, k: number): number => {
  if (!isNumeric(parameter) || scales[parameter.scale].equalSteps) return (k + 0.5) / parameter.size;
  if (parameter.size === 1) return 0.5;
  return (scales[parameter.scale].toScale(stepValue(parameter, k)) - parameter.start) / parameter.span;
};

/** Which value of a finite parameter owns the coordinate. */
export const indexOf = (parameter: Parameter, u: number): number => {
  if (!isNumeric(parameter) || scales[parameter.scale].equalSteps) return cellOf(u, parameter.size);
  if (parameter.size === 1) return 0;
  return stepOf(parameter, scales[parameter.scale].fromScale(parameter.start + clamp(u) * parameter.span));
};

/** The number at a coordinate; always within the bounds, and on a step if there are steps. */
export const numberAt = (parameter: NumericParameter, u: number): number => {
  if (parameter.size !== Infinity) return stepValue(parameter, indexOf(parameter, u));
  if (!(u > 0)) return parameter.low;
  if (u >= 1) return parameter.high;
  const value = scales[parameter.scale].fromScale(parameter.start + u * parameter.span);
  return Math.min(parameter.high, Math.max(parameter.low, value)) + 0;
};

/** The coordinate of a number within the bounds. */
export const coordinateOfNumber = (parameter: NumericParameter, value: number): number =>
  parameter.size === Infinity
    ? clamp((scales[parameter.scale].toScale(value) - parameter.start) / parameter.span)
    : coordinateOf(parameter, stepOf(parameter, value));

/** The number at a coordinate as if the parameter had no steps, and how fast it grows with the coordinate. */
export const relaxedAt = ({ scale, start, span }: NumericParameter, u: number) => {
  const place = start + u * span;
  return { value: scales[scale].fromScale(place), slope: scales[scale].slopeAt(place) * span };
};

/** The coordinate of a number as if the parameter had neither steps nor bounds; NaN beyond the end of its scale. */
export const relaxedCoordinateOf = ({ scale, start, span }: NumericParameter, value: number): number =>
  (scales[scale].toScale(value) - start) / span;

/** The coordinate that represents all coordinates of the same value: the middle of a cell, or u itself. */
export const snapCoordinate = (parameter: Parameter, u: number): number =>
  parameter.size === Infinity ? clamp(u) : coordinateOf(parameter, indexOf(parameter, u));

const clamp = (u: number): number => Math.min(1, Math.max(0, u));
