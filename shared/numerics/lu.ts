/**
 * Linear systems by LU factorisation with partial pivoting (Golub and Van Loan, algorithm 3.4.1), for matrices that need
 * not be definite. Matrices are dense, by rows.
 */

export interface Factors {
  readonly n: number;
  /** L below the diagonal (its own diagonal is 1), U on and above it. */
  readonly lu: Float64Array;
  /** Row i of the factors is row `order[i]` of the matrix. */
  readonly order: Int32Array;
}

/** @returns null when the matrix is singular to working precision. */
export const factoriseLu = (matrix: Float64Array, n: number): Factors | null => {
  const lu = Float64Array.from(matrix);
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const size = lu.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) {
      if (Math.abs(lu[i * n + k]!) > Math.abs(lu[pivot * n + k]!)) pivot = i;
    }
    if (!(Math.abs(lu[pivot * n + k]!) > 1e-14 * size)) return null;
    if (pivot !== k) {
      for (let j = 0; j < n; j++) {
        const held = lu[k * n + j]!;
        lu[k * n + j] = lu[pivot * n + j]!;
        lu[pivot * n + j] = held;
      }
      const held = order[k]!;
      order[k] = order[pivot]!;
      order[pivot] = held;
    }
    for (let i = k + 1; i < n; i++) {
      const factor = lu[i * n + k]! / lu[k * n + k]!;
      lu[i * n + k] = factor;
      if (factor === 0) continue;
      for (let j = k + 1; j < n; j++) lu[i * n + j]! -= factor * lu[k * n + j]!;
    }
  }
  return { n, lu, order };
};

/** The solution of A x = b. */
export const solveLu = ({ n, lu, order }: Factors, b: ArrayLike<number>): Float64Array => {
  const x = Float64Array.from(order, (row) => b[row]!);
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) x[i]! -= lu[i * n + j]! * x[j]!;
  for (let i = n - 1; i >= 0; i--) {
    for (let j = i + 1; j < n; j++) x[i]! -= lu[i * n + j]! * x[j]!;
    x[i]! /= lu[i * n + i]!;
  }
  return x;
};
