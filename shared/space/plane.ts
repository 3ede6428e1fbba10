import { relaxedAt, relaxedCoordinateOf } from "./axis.ts";
import { constraintSum } from "./constraints.ts";
import { bandOf } from "./project.ts";
import type { NumericParameter, Space } from "./space.ts";

/**
 * Motion along linear constraints: equations, thin bands, and bounds that a point lies at. Each takes one parameter's freedom,
 * which follows from all others; the sum of a constraint that is no equation moves as a coordinate of its own.
 */
export interface Plane {
  /** Coordinates that move freely: those of parameters, then those of sums within their bands. */
  readonly free: number;
  /** The free coordinates of the point that the plane was made at. */
  readonly start: Float64Array;
  /**
   * Writes the point of the cube with these free coordinates into x; steps are relaxed.
   * @returns false when a parameter that follows would leave its range.
   */
  place(v: ArrayLike<number>, x: Float64Array): boolean;
  /** The derivatives by the free coordinates, of those by the coordinates of x, where `place` left it. */
  pull(gradient: ArrayLike<number>, x: Float64Array, out: Float64Array): void;
}

/** A sum this near to a bound, as a part of its band, lies at it. */
const AT = 1e-3;
/** Rounding may place a parameter that follows so little outside of its range. */
const OUTSIDE = 1e-12;

interface Row {
  /** Coefficients of the moving parameters. */
  readonly terms: Float64Array;
  /** What the sum is without them: constant and fixed parameters. */
  rest: number;
  /** Coefficients of the sums that move. */
  readonly sums: Float64Array;
}

/**
 * The constraints that bind at a point, or should while it moves.
 * @param moving parameters that may move.
 * @returns null when none binds, or when those that do leave no freedom.
 */
export const planeAt = (
  space: Space,
  point: Float64Array,
  moving: readonly NumericParameter[],
): Plane | null => {
  const d = moving.length;
  const positions = new Map(moving.map(({ index }, j) => [index, j]));
  const sums: { low: number; span: number; at: number }[] = [];
  const binding = space.constraints.flatMap((constraint) => {
    const { low, high, isThin } = bandOf(space, constraint);
    const { sum } = constraintSum(space, constraint, point);
    const near = AT * (high - low);
    const binds = isThin || sum - low <= near || high - sum <= near;
    return binds &&
      constraint.terms.some(({ parameter, coefficient }) => coefficient !== 0 && positions.has(parameter))
      ? [{ constraint, low, high, sum }]
      : [];
  });
  if (binding.length === 0) return null;
  const wide = binding.filter(({ low, high }) => high > low);
  const rows = binding.map((one): Row => {
    const { constraint, low, high, sum } = one;
    const terms = new Float64Array(d);
    let moved = 0;
    for (const { parameter, coefficient } of constraint.terms) {
      const j = positions.get(parameter);
      if (j === undefined) continue;
      terms[j] = coefficient;
      moved += coefficient * relaxedAt(moving[j]!, point[parameter]!).value;
    }
    const coefficients = new Float64Array(wide.length);
    if (high > low) {
      coefficients[sums.length] = -1;
      sums.push({ low, span: high - low, at: Math.min(high, Math.max(low, sum)) });
      return { terms, rest: sum - moved, sums: coefficients };
    }
    // The bound itself, not the sum at the point, which may be off by a rounding.
    return { terms, rest: sum - moved - low, sums: coefficients };
  });
  const pivots = eliminate(rows, moving, point);
  if (pivots === null) return null;
  const followers = new Set(pivots);
  const freely = moving.map((_, j) => j).filter((j) => !followers.has(j));
  const free = freely.length + sums.length;
  if (free === 0) return null;
  const values = new Float64Array(d);
  return {
    free,
    start: Float64Array.from([
      ...freely.map((j) => point[moving[j]!.index]!),
      ...sums.map(({ low, span, at }) => (at - low) / span),
    ]),
    place: (v, x) => {
      for (const [i, j] of freely.entries()) {
        const { index } = moving[j]!;
        x[index] = v[i]!;
        values[j] = relaxedAt(moving[j]!, v[i]!).value;
      }
      for (const [r, row] of rows.entries()) {
        let value = -row.rest;
        for (const j of freely) value -= row.terms[j]! * values[j]!;
        for (const [s, { low, span }] of sums.entries()) {
          value -= row.sums[s]! * (low + span * v[freely.length + s]!);
        }
        const parameter = moving[pivots[r]!]!;
        const u = relaxedCoordinateOf(parameter, value);
        if (!(u >= -OUTSIDE && u <= 1 + OUTSIDE)) return false;
        x[parameter.index] = Math.min(1, Math.max(0, u));
      }
      return true;
    },
    pull: (gradient, x, out) => {
      const slopeOf = (j: number) => relaxedAt(moving[j]!, x[moving[j]!.index]!).slope;
      for (const [i, j] of freely.entries()) out[i] = gradient[moving[j]!.index]!;
      for (let s = 0; s < sums.length; s++) out[freely.length + s] = 0;
      for (const [r, row] of rows.entries()) {
        const pivot = pivots[r]!;
        const perValue = gradient[moving[pivot]!.index]! / slopeOf(pivot);
        for (const [i, j] of freely.entries()) {
          if (row.terms[j] !== 0) out[i]! -= perValue * row.terms[j]! * slopeOf(j);
        }
        for (const [s, { span }] of sums.entries()) out[freely.length + s]! -= perValue * row.sums[s]! * span;
      }
    },
  };
};

/**
 * Gauss-Jordan elimination: afterwards each row has one parameter of its own, with coefficient 1, which no other row has. That is
 * the one with the most room to move, continuous if possible.
 * Equations that say what others say are taken out.
 * @returns the position of each row's parameter; null when a row has none left.
 */
const eliminate = (
  rows: Row[],
  moving: readonly NumericParameter[],
  point: Float64Array,
): number[] | null => {
  const sizes = new Map(
    rows.map((row) => [row, row.terms.reduce((most, v) => Math.max(most, Math.abs(v)), 0)]),
  );
  const pivots: number[] = [];
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!;
    let pivot = -1;
    let most = 0;
    for (const [j, parameter] of moving.entries()) {
      if (pivots.includes(j) || !(Math.abs(row.terms[j]!) > 1e-9 * sizes.get(row)!)) continue;
      const u = point[parameter.index]!;
      const room = Math.abs(row.terms[j]! * relaxedAt(parameter, u).slope) * Math.min(u, 1 - u);
      const worth = (room + 1e-9) * (parameter.size === Infinity ? 1 : 1e-6);
      if (worth > most) {
        most = worth;
        pivot = j;
      }
    }
    if (pivot < 0) {
      if (row.sums.some((v) => v !== 0)) return null;
      rows.splice(r--, 1);
      continue;
    }
    pivots.push(pivot);
    scale(row, 1 / row.terms[pivot]!);
    for (const other of rows) {
      if (other !== row && other.terms[pivot] !== 0) subtract(other, row, other.terms[pivot]!);
    }
  }
  return pivots;
};

const scale = (row: Row, factor: number): void => {
  for (const column of [row.terms, row.sums]) for (let i = 0; i < column.length; i++) column[i]! *= factor;
  row.rest *= factor;
};

const subtract = (row: Row, other: Row, times: number): void => {
  for (let i = 0; i < row.terms.length; i++) row.terms[i]! -= times * other.terms[i]!;
  for (let i = 0; i < row.sums.length; i++) row.sums[i]! -= times * other.sums[i]!;
  row.rest -= times * other.rest;
};
