import type { Random } from "../numerics/random.ts";
import { isActive } from "./activity.ts";
import { coordinateOf, coordinateOfNumber, indexOf, numberAt, snapCoordinate, stepValue } from "./axis.ts";
import { constraintSum, isAllowed, isForbidden, satisfies } from "./constraints.ts";
import { priorCdf, priorQuantile } from "./prior.ts";
import { type CompiledConstraint, isNumeric, type NumericParameter, type Space } from "./space.ts";

/**
 * Finds allowed points where drawing and rejecting would take too long: a random walk that repairs one broken rule at a
 * time (as WalkSAT does), then Gibbs steps that move the point away from the edge where the repair ended.
 */

const STEPS = 200;
/** Gibbs steps: this many per term of a constraint, and at most so many in total. */
const MOVES_PER_TERM = 5;
const MAX_MOVES = 200;
/** A value within this part of a step of one counts as on the step. */
const NOISE = 1e-9;

const pick = <T>(items: readonly T[], random: Random): T => items[random.integer(items.length)]!;

/** Sets one coordinate; children that become active are drawn from their priors, those that become inactive are dropped. */
const assign = (space: Space, x: Float64Array, index: number, u: number, random: Random): Float64Array => {
  const next = new Float64Array(x.length).fill(Number.NaN);
  for (const parameter of space.parameters) {
    if (!isActive(space, parameter, next)) continue;
    const kept = parameter.index === index ? u : x[parameter.index]!;
    next[parameter.index] = Number.isNaN(kept) ? priorQuantile(parameter, random.uniform()) : kept;
  }
  return next;
};

/** The values of the parameter with which the constraint holds when all others stay as they are. */
const intervalOf = (
  space: Space,
  constraint: CompiledConstraint,
  x: Float64Array,
  parameter: NumericParameter,
  coefficient: number,
): [number, number] => {
  const { sum, noise } = constraintSum(space, constraint, x);
  const rest = sum - coefficient * numberAt(parameter, x[parameter.index]!);
  // Half the noise that the check allows, so that a value on the edge passes it.
  const ends = [
    (constraint.min - rest - noise / 2) / coefficient,
    (constraint.max - rest + noise / 2) / coefficient,
  ];
  return coefficient > 0 ? [ends[0]!, ends[1]!] : [ends[1]!, ends[0]!];
};

/** A coordinate from the prior between two values, or the nearest one when no value lies between them. */
const drawBetween = (parameter: NumericParameter, low: number, high: number, random: Random): number => {
  let from = Math.min(parameter.high, Math.max(parameter.low, low));
  let to = Math.min(parameter.high, Math.max(parameter.low, high));
  if (parameter.step !== null && parameter.size !== Infinity) {
    const first = Math.ceil((from - parameter.low) / parameter.step - NOISE);
    const last = Math.floor((to - parameter.low) / parameter.step + NOISE);
    if (first > last) return coordinateOfNumber(parameter, pick([from, to], random));
    from = stepValue(parameter, first);
    to = stepValue(parameter, last);
  }
  const a = coordinateOfNumber(parameter, from);
  const b = coordinateOfNumber(parameter, to);
  const p = priorCdf(parameter, a);
  const q = priorCdf(parameter, b);
  const u = priorQuantile(parameter, p + (q - p) * random.uniform());
  return snapCoordinate(parameter, Math.min(b, Math.max(a, u)));
};

const activeTerms = (space: Space, constraint: CompiledConstraint, x: Float64Array) =>
  constraint.terms.flatMap(({ parameter: index, coefficient }) => {
    const parameter = space.parameters[index]!;
    return coefficient !== 0 && isNumeric(parameter) && !Number.isNaN(x[index]!)
      ? [{ parameter, coefficient }]
      : [];
  });

/** Redraws a random parameter of a broken constraint, or one of the parents on which its terms depend. */
const repairConstraint = (space: Space, constraint: CompiledConstraint, x: Float64Array, random: Random) => {
  const parents = constraint.terms.flatMap(({ parameter }) =>
    space.parameters[parameter]!.conditions.map((condition) => condition.parent),
  );
  const terms = activeTerms(space, constraint, x);
  if (terms.length === 0 || (parents.length > 0 && random.uniform() < 0.2)) {
    return parents.length === 0 ? x : redraw(space, x, pick(parents, random), random);
  }
  return redrawWithin(space, constraint, x, pick(terms, random), random);
};

/** Redraws one parameter among the values that a constraint allows. */
const redrawWithin = (
  space: Space,
  constraint: CompiledConstraint,
  x: Float64Array,
  { parameter, coefficient }: { parameter: NumericParameter; coefficient: number },
  random: Random,
): Float64Array => {
  const [low, high] = intervalOf(space, constraint, x, parameter, coefficient);
  return assign(space, x, parameter.index, drawBetween(parameter, low, high, random), random);
};

/** Another value from the prior, different from the present one if a few tries find one. */
const redraw = (space: Space, x: Float64Array, index: number, random: Random): Float64Array => {
  const parameter = space.parameters[index]!;
  if (Number.isNaN(x[index]!)) return x;
  for (let i = 0; i < 10; i++) {
    const u = priorQuantile(parameter, random.uniform());
    if (u !== x[index]) return assign(space, x, index, u, random);
  }
  if (parameter.size === Infinity) return x;
  const other =
    (indexOf(parameter, x[index]!) + 1 + random.integer(Math.max(1, parameter.size - 1))) % parameter.size;
  return assign(space, x, index, coordinateOf(parameter, other), random);
};

/** Moves along a constraint that is an equation: one parameter is redrawn, and another compensates. */
const slide = (space: Space, constraint: CompiledConstraint, x: Float64Array, random: Random) => {
  const terms = activeTerms(space, constraint, x);
  if (terms.length < 2) return x;
  const i = random.integer(terms.length);
  const j = (i + 1 + random.integer(terms.length - 1)) % terms.length;
  const moved = terms[i]!;
  const other = terms[j]!;
  const next = assign(
    space,
    x,
    moved.parameter.index,
    priorQuantile(moved.parameter, random.uniform()),
    random,
  );
  const u = next[other.parameter.index]!;
  if (Number.isNaN(u)) return x;
  return redrawWithin(space, constraint, next, other, random);
};

/** Redraws constrained parameters one at a time, among the values that the others allow. */
const spread = (space: Space, start: Float64Array, random: Random): Float64Array => {
  let x = start;
  const terms = space.constraints.reduce((sum, constraint) => sum + constraint.terms.length, 0);
  for (let move = 0; move < Math.min(MAX_MOVES, MOVES_PER_TERM * terms); move++) {
    const constraint = pick(space.constraints, random);
    const active = activeTerms(space, constraint, x);
    if (active.length === 0) continue;
    const next =
      constraint.min === constraint.max
        ? slide(space, constraint, x, random)
        : redrawWithin(space, constraint, x, pick(active, random), random);
    if (isAllowed(space, next)) x = next;
  }
  return x;
};

/**
 * An allowed point, reached from a point that breaks constraints or agrees with a forbidden combination.
 * @param start a snapped point.
 * @returns null when the walk did not find one.
 */
export const repair = (space: Space, start: Float64Array, random: Random): Float64Array | null => {
  let x = start;
  for (let step = 0; step < STEPS; step++) {
    const constraints = space.constraints.filter((constraint) => !satisfies(space, constraint, x));
    const combinations = space.forbidden.filter((terms) => isForbidden(space, terms, x));
    if (constraints.length + combinations.length === 0) return spread(space, x, random);
    const i = random.integer(constraints.length + combinations.length);
    x =
      i < constraints.length
        ? repairConstraint(space, constraints[i]!, x, random)
        : redraw(space, x, pick(combinations[i - constraints.length]!, random).parameter, random);
  }
  return null;
};
