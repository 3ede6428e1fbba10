import { dot, factorise, solveFactorised, solveLower } from "../../numerics/cholesky.ts";
import type { Parameter, Space } from "../../space/space.ts";

/**
 * A smooth trend that a forest's targets are reduced by: a quadratic without interactions, fitted by ridge regression. A
 * forest is constant between its thresholds and beyond its data, so of a smooth objective it learns the slope only with many
 * trials. Source: Zhang, Nettleton and Zhu 2019, "Regression-enhanced random forests".
 */

/** Penalties, as parts of the number of trials; the one with the least leave-one-out error is used. */
const PENALTIES = [1e-4, 1e-2, 1] as const;
/** A trend must leave less than this part of the leave-one-out error of the mean. */
const WORTH_IT = 0.8;
/** Terms at most; trials per term at least. */
const MOST_TERMS = 60;
const TRIALS_PER_TERM = 2;

/** The trend at a point of the cube. */
export type Trend = (x: ArrayLike<number>) => number;

/** Powers of each number about its middle; 0 where inactive, as at the middle. */
const termsOf = (numbers: readonly Parameter[], degree: number, x: ArrayLike<number>): Float64Array => {
  const terms = new Float64Array(numbers.length * degree);
  for (const [k, { index }] of numbers.entries()) {
    const u = x[index]!;
    if (Number.isNaN(u)) continue;
    for (let power = 1; power <= degree; power++) terms[k * degree + power - 1] = (u - 0.5) ** power;
  }
  return terms;
};

/**
 * Fits a trend. Cost O(n * terms^2).
 * @returns null when it would predict little better than the mean, or when there are too few trials for it.
 */
export const fitTrend = (
  space: Space,
  points: readonly Float64Array[],
  targets: Float64Array,
): Trend | null => {
  const numbers = space.parameters.filter(({ kind, size }) => kind !== "categorical" && size > 1);
  const n = points.length;
  const most = Math.min(MOST_TERMS, Math.floor(n / TRIALS_PER_TERM) - 1);
  const degree = 2 * numbers.length <= most ? 2 : 1;
  const p = degree * numbers.length;
  if (p === 0 || p > most) return null;
  const rows = points.map((x) => termsOf(numbers, degree, x));
  const { centre, scale } = standardOf(rows, p);
  for (const row of rows) for (let j = 0; j < p; j++) row[j] = (row[j]! - centre[j]!) / scale[j]!;
  const mean = targets.reduce((sum, y) => sum + y, 0) / n;
  const right = new Float64Array(p);
  const gram = new Float64Array(p * p);
  for (const [i, row] of rows.entries()) {
    for (let a = 0; a < p; a++) {
      right[a]! += row[a]! * (targets[i]! - mean);
      for (let b = 0; b <= a; b++) gram[a * p + b]! += row[a]! * row[b]!;
    }
  }
  let error = WORTH_IT * targets.reduce((sum, y) => sum + ((y - mean) / (1 - 1 / n)) ** 2, 0);
  let weights: Float64Array | null = null;
  for (const penalty of PENALTIES) {
    const l = Float64Array.from(gram);
    for (let j = 0; j < p; j++) l[j * p + j]! += penalty * n;
    if (!factorise(l, p)) continue;
    const solved = Float64Array.from(right);
    solveFactorised(l, p, solved);
    let sum = 0;
    for (const [i, row] of rows.entries()) {
      const residual = targets[i]! - mean - dot(row, 0, solved, 0, p);
      const pull = Float64Array.from(row);
      solveLower(l, p, pull);
      sum += (residual / Math.max(1e-6, 1 - 1 / n - dot(pull, 0, pull, 0, p))) ** 2;
    }
    if (sum < error) [error, weights] = [sum, solved];
  }
  if (weights === null) return null;
  const slopes = weights.map((w, j) => w / scale[j]!);
  const constant = mean - dot(slopes, 0, centre, 0, p);
  return (x) => constant + dot(slopes, 0, termsOf(numbers, degree, x), 0, p);
};

const standardOf = (rows: readonly Float64Array[], p: number) => {
  const centre = new Float64Array(p);
  const scale = new Float64Array(p);
  for (let j = 0; j < p; j++) {
    centre[j] = rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length;
    scale[j] = Math.sqrt(rows.reduce((sum, row) => sum + (row[j]! - centre[j]!) ** 2, 0) / rows.length) || 1;
  }
  return { centre, scale };
};
