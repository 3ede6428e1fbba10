import type { FieldError } from "../errors.ts";
import { pointerTo } from "../json-pointer.ts";
import { numberAt } from "./axis.ts";
import {
  type CompiledConstraint,
  type ForbiddenTerm,
  isNumeric,
  type NumericParameter,
  type Parameter,
  type Space,
} from "./space.ts";

/** Representation noise that a sum may have: 0.1 + 0.2 <= 0.3 holds. Relative to the size of the sum's terms. */
const TOLERANCE = 1e-9;

/**
 * The constraint's sum at x, and the noise it may have. Inactive parameters add nothing.
 * @param valueAt the number that a parameter has at a coordinate; with its steps, if left out.
 */
export const constraintSum = (
  space: Space,
  constraint: CompiledConstraint,
  x: ArrayLike<number>,
  valueAt: (parameter: NumericParameter, u: number) => number = numberAt,
) => {
  let sum = 0;
  let size = 0;
  for (const { parameter: index, coefficient } of constraint.terms) {
    const parameter = space.parameters[index]!;
    const u = x[index]!;
    if (Number.isNaN(u) || !isNumeric(parameter)) continue;
    const term = coefficient * valueAt(parameter, u);
    sum += term;
    size += Math.abs(term);
  }
  return { sum, noise: TOLERANCE * size };
};

/** The least and the greatest sum that the terms of a constraint can have. */
export const reachOf = (parameters: readonly Parameter[], terms: CompiledConstraint["terms"]) => {
  let least = 0;
  let most = 0;
  for (const { parameter: index, coefficient } of terms) {
    const parameter = parameters[index]!;
    if (!isNumeric(parameter)) continue;
    const ends = [coefficient * parameter.low, coefficient * parameter.high];
    if (parameter.conditions.length > 0) ends.push(0);
    least += Math.min(...ends);
    most += Math.max(...ends);
  }
  return { least, most };
};

export const satisfies = (space: Space, constraint: CompiledConstraint, x: ArrayLike<number>): boolean => {
  const { sum, noise } = constraintSum(space, constraint, x);
  return sum >= constraint.min - noise && sum <= constraint.max + noise;
};

/** Sums of larger terms, and squares of larger coefficients, may overflow. */
const MOST = 1e150;

/**
 * Constraints whose sum could overflow: plus and minus infinity add up to no number, and then every point breaks them.
 * @returns a fault per constraint, at its first coefficient that is too large, or at the constraint.
 */
export const checkSizes = (space: Space): FieldError[] =>
  space.constraints.flatMap(({ terms }, i): FieldError[] => {
    let size = 0;
    for (const { parameter: index, coefficient } of terms) {
      const parameter = space.parameters[index]!;
      if (!(Math.abs(coefficient) <= MOST)) return [tooLarge("constraints", i, parameter.name)];
      if (isNumeric(parameter)) {
        size += Math.abs(coefficient) * Math.max(Math.abs(parameter.low), Math.abs(parameter.high));
      }
    }
    return size <= MOST ? [] : [tooLarge("constraints", i)];
  });

const tooLarge = (...path: readonly (string | number)[]): FieldError => ({
  pointer: pointerTo(path),
  fault: { kind: "constraint-too-large", most: MOST },
});

/** How near a continuous parameter must come to a forbidden value, on its axis. */
const SAME = 1e-9;

/** Whether x agrees with every term of a forbidden combination. */
export const isForbidden = (space: Space, terms: readonly ForbiddenTerm[], x: ArrayLike<number>): boolean =>
  terms.every(({ parameter, coordinate }) => {
    const u = x[parameter]!;
    const owner = space.parameters[parameter]!;
    if (!isNumeric(owner) || owner.size !== Infinity) return u === coordinate;
    // Between bounds that are next to each other, coordinates far apart are one number.
    return Math.abs(u - coordinate) <= SAME || numberAt(owner, u) === numberAt(owner, coordinate);
  });

/**
 * Whether the space's constraints and forbidden combinations allow a point.
 * @param x a snapped point, NaN where inactive.
 */
export const isAllowed = (space: Space, x: ArrayLike<number>): boolean =>
  space.constraints.every((constraint) => satisfies(space, constraint, x)) &&
  !space.forbidden.some((terms) => isForbidden(space, terms, x));
