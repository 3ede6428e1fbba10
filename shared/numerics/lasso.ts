import { dot } from "./cholesky.ts";

/**
 * Least squares with an absolute penalty, by cyclic coordinate descent (Friedman, Hastie and Tibshirani 2010,
 * "Regularization paths for generalized linear models via coordinate descent"): minimises
 * |y - a - X b|^2 / (2 n) + alpha |b|_1.
 */

const SWEEPS = 500;
const TOLERANCE = 1e-7;

/**
 * @param columns of X, n numbers each; a column of zeros gets no weight.
 * @returns the coefficients and the intercept.
 */
export const lasso = (
  columns: readonly Float64Array[],
  y: Float64Array,
  alpha: number,
): { coefficients: Float64Array; intercept: number } => {
  const n = y.length;
  const mean = (v: Float64Array) => v.reduce((sum, u) => sum + u, 0) / n;
  const means = columns.map(mean);
  const centred = columns.map((column, j) => column.map((u) => u - means[j]!));
  const squares = centred.map((column) => dot(column, 0, column, 0, n));
  const level = mean(y);
  const residual = y.map((v) => v - level);
  const size = Math.sqrt(dot(residual, 0, residual, 0, n) / n) || 1;
  const coefficients = new Float64Array(columns.length);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let largest = 0;
    for (const [j, column] of centred.entries()) {
      if (!(squares[j]! > 0)) continue;
      const old = coefficients[j]!;
      const pull = dot(column, 0, residual, 0, n) + squares[j]! * old;
      const next = (Math.sign(pull) * Math.max(0, Math.abs(pull) - n * alpha)) / squares[j]!;
      if (next === old) continue;
      for (let i = 0; i < n; i++) residual[i]! -= (next - old) * column[i]!;
      coefficients[j] = next;
      largest = Math.max(largest, Math.abs(next - old));
    }
    if (largest <= TOLERANCE * size) break;
  }
  const intercept = level - coefficients.reduce((sum, b, j) => sum + b * means[j]!, 0);
  return { coefficients, intercept };
};
