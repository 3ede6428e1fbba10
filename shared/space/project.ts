import { factoriseLu, solveLu } from "../numerics/lu.ts";
import type { Random } from "../numerics/random.ts";
import { coordinateOf, indexOf, numberAt, relaxedAt } from "./axis.ts";
import { constraintSum, isAllowed, reachOf } from "./constraints.ts";
import { snap } from "./cube.ts";
import { type CompiledConstraint, isNumeric, type NumericParameter, type Space } from "./space.ts";

/**
 * Finds the allowed point next to one that breaks linear constraints: Newton's method on the constraints that bind, with
 * the smallest change of the coordinates (Nocedal and Wright, section 18.3), then single steps of parameters that
 * have steps. Equations and thin bands, which draws never meet, are met this way.
 */

/** A band of sums is thin when it is narrower than this part of the sums that the parameters can have. */
const THIN = 0.05;
const ROUNDS = 30;
/** Single steps of parameters with steps. */
const STEPS = 100;
/** Of at most so many such parameters two are moved at once, by up to three steps, where one alone does not help. */
const MOST_PAIRED = 8;
/** Part of the noise that the check of a constraint allows; the rest is for conversions. */
const EXACT = 0.1;

/** The sums that a constraint allows and its parameters can have, and whether they are a thin band or a single one. */
export const bandOf = (space: Space, constraint: CompiledConstraint) => {
  const { least, most } = reachOf(space.parameters, constraint.terms);
  const low = Math.max(constraint.min, least);
  const high = Math.min(constraint.max, most);
  return { low, high, isThin: high - low <= THIN * (most - least) };
};

/** Where a sum out of bounds is moved to: the nearest bound, or anywhere within; in a thin band always anywhere. */
export type Where = "nearest" | "anywhere";

/**
 * The allowed point next to a point that breaks constraints; the point itself when it is allowed.
 * @param given a snapped point.
 * @param kept the index of a parameter that stays as it is.
 * @returns null when there is none near: a forbidden combination, steps that do not sum up, bounds in the way.
 */
export const project = (
  space: Space,
  given: Float64Array,
  random: Random,
  where: Where = "nearest",
  kept = -1,
): Float64Array | null => {
  if (isAllowed(space, given)) return given;
  if (space.constraints.length === 0) return null;
  const x = Float64Array.from(given);
  const targets = space.constraints.map(() => Number.NaN);
  const choose = (i: number, isLow: boolean): number => {
    const { low, high, isThin } = bandOf(space, space.constraints[i]!);
    if (isThin || where === "anywhere") return low + (high - low) * random.uniform();
    return isLow ? low : high;
  };
  const movable = space.parameters.filter(
    (parameter): parameter is NumericParameter =>
      isNumeric(parameter) &&
      parameter.size > 1 &&
      parameter.index !== kept &&
      !Number.isNaN(x[parameter.index]!),
  );
  const continuous = movable.filter(({ size }) => size === Infinity);
  const isMet = continuous.length > 0 && approach(space, x, continuous, targets, choose);
  if (!isMet && continuous.length < movable.length) {
    // Steps must move too: as if they were continuous, then one by one to where the sums are met again.
    approach(space, x, movable, targets, choose);
    x.set(snap(space, x));
    walk(space, x, movable, continuous);
    if (continuous.length > 0) approach(space, x, continuous, targets, choose);
  }
  const point = snap(space, x);
  return isAllowed(space, point) ? point : null;
};

/**
 * Moves coordinates until all constraints hold.
 * @param x is changed.
 * @param targets per constraint the sum that it is moved to, NaN as long as it held by itself; is filled.
 * @returns whether they hold.
 */
const approach = (
  space: Space,
  x: Float64Array,
  moving: readonly NumericParameter[],
  targets: number[],
  choose: (constraint: number, isLow: boolean) => number,
): boolean => {
  const indices = new Set(moving.map(({ index }) => index));
  // What moves has its steps relaxed.
  const valueAt = (parameter: NumericParameter, u: number): number =>
    indices.has(parameter.index) ? relaxedAt(parameter, u).value : numberAt(parameter, u);
  for (let round = 0; round < ROUNDS; round++) {
    const missing: number[] = [];
    const held: number[] = [];
    let isMet = true;
    for (const [i, constraint] of space.constraints.entries()) {
      const { sum, noise } = constraintSum(space, constraint, x, valueAt);
      const isLow = sum < constraint.min - EXACT * noise;
      if (isLow || sum > constraint.max + EXACT * noise) {
        isMet = false;
        if (Number.isNaN(targets[i]!)) targets[i] = choose(i, isLow);
      }
      if (Number.isNaN(targets[i]!)) continue;
      held.push(i);
      missing.push(targets[i]! - sum);
    }
    if (isMet) return true;
    if (!step(space, x, moving, held, missing)) return false;
  }
  return false;
};

/** One step of Newton's method: the least change of the coordinates, none beyond its bounds. False when there is none. */
const step = (
  space: Space,
  x: Float64Array,
  moving: readonly NumericParameter[],
  held: readonly number[],
  missing: readonly number[],
): boolean => {
  const k = held.length;
  const columns = moving.map((parameter) => relaxedAt(parameter, x[parameter.index]!).slope);
  const rows = held.map((i) => {
    const coefficients = new Map(
      space.constraints[i]!.terms.map(({ parameter, coefficient }) => [parameter, coefficient]),
    );
    return moving.map(({ index }, j) => (coefficients.get(index) ?? 0) * columns[j]!);
  });
  const isFree = moving.map(() => true);
  for (let attempt = 0; attempt <= moving.length; attempt++) {
    const matrix = new Float64Array(k * k);
    for (let a = 0; a < k; a++) {
      for (let b = 0; b < k; b++) {
        let sum = 0;
        for (let j = 0; j < moving.length; j++) if (isFree[j]) sum += rows[a]![j]! * rows[b]![j]!;
        matrix[a * k + b] = sum;
      }
    }
    // A sum that nothing here moves, and equations that say the same, would leave the matrix singular.
    for (let a = 0; a < k; a++) matrix[a * k + a] = (1 + 1e-12) * matrix[a * k + a]! || 1;
    const factors = factoriseLu(matrix, k);
    if (factors === null) return false;
    const pull = solveLu(factors, missing);
    const change = moving.map((_, j) => {
      let sum = 0;
      if (isFree[j]) for (let a = 0; a < k; a++) sum += rows[a]![j]! * pull[a]!;
      return sum;
    });
    const blocked = moving.flatMap(({ index }, j) =>
      isFree[j] && ((x[index]! <= 0 && change[j]! < 0) || (x[index]! >= 1 && change[j]! > 0)) ? [j] : [],
    );
    if (blocked.length > 0) {
      for (const j of blocked) isFree[j] = false;
      continue;
    }
    if (!change.some((v) => v !== 0) || !change.every(Number.isFinite)) return false;
    for (const [j, { index }] of moving.entries())
      x[index] = Math.min(1, Math.max(0, x[index]! + change[j]!));
    return true;
  }
  return false;
};

/**
 * Changes parameters with steps by one step at a time, or two of them, always what brings the sums nearest to their bands.
 * @param x a snapped point; is changed.
 * @param continuous parameters that will make up for what is left.
 */
const walk = (
  space: Space,
  x: Float64Array,
  movable: readonly NumericParameter[],
  continuous: readonly NumericParameter[],
): void => {
  const stepped = movable.filter(({ size }) => size !== Infinity);
  const distance = (): number => {
    let total = 0;
    for (const constraint of space.constraints) {
      const { sum, noise } = constraintSum(space, constraint, x);
      const out = Math.max(constraint.min - sum, sum - constraint.max, 0);
      // What continuous parameters can make up for costs nothing.
      let room = noise;
      for (const { parameter: index, coefficient } of constraint.terms) {
        const parameter = continuous.find((one) => one.index === index);
        if (parameter === undefined) continue;
        const value = numberAt(parameter, x[index]!);
        const ends = [coefficient * (parameter.low - value), coefficient * (parameter.high - value)];
        room += sum < constraint.min ? Math.max(...ends) : -Math.min(...ends);
      }
      total += out <= room ? 0 : out - room;
    }
    return total;
  };
  const moves = (sizes: readonly number[]) =>
    stepped.flatMap((parameter) => sizes.map((by) => ({ parameter, by })));
  const single = moves([-1, 1]).map((move) => [move]);
  const some = stepped.length > MOST_PAIRED ? [] : moves([-3, -2, -1, 1, 2, 3]);
  const pairs = some.flatMap((a) =>
    some.filter((b) => a.parameter.index < b.parameter.index).map((b) => [a, b]),
  );
  let here = distance();
  for (let taken = 0; taken < STEPS && here > 0; taken++) {
    const start = Float64Array.from(x);
    let best: Float64Array | null = null;
    for (const group of [single, pairs]) {
      for (const move of group) {
        for (const { parameter, by } of move) {
          const k = indexOf(parameter, start[parameter.index]!) + by;
          if (k >= 0 && k < parameter.size) x[parameter.index] = coordinateOf(parameter, k);
        }
        const there = distance();
        if (there < here) {
          here = there;
          best = Float64Array.from(x);
        }
        x.set(start);
      }
      if (best !== null) break;
    }
    if (best === null) return;
    x.set(best);
  }
};
