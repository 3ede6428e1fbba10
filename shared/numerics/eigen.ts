/**
 * Eigenvalues and eigenvectors of a symmetric matrix by Jacobi's rotations (Golub and Van Loan, section 8.5): as exact
 * as the matrix allows, small eigenvalues included; O(d^3) with about ten sweeps, meant for d up to about a hundred.
 */

export interface Eigen {
  /** In the order of the vectors. */
  readonly values: Float64Array;
  /** Vector k is column k of this d x d matrix by rows. */
  readonly vectors: Float64Array;
}

const SWEEPS = 50;

/** @param matrix d x d, by rows, symmetric; not changed. */
export const eigenSymmetric = (matrix: Float64Array, d: number): Eigen => {
  const a = Float64Array.from(matrix);
  const v = new Float64Array(d * d);
  for (let i = 0; i < d; i++) v[i * d + i] = 1;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let off = 0;
    let on = 0;
    for (let p = 0; p < d; p++) {
      on += a[p * d + p]! ** 2;
      for (let q = p + 1; q < d; q++) off += a[p * d + q]! ** 2;
    }
    if (off <= 1e-30 * on) break;
    for (let p = 0; p < d; p++) for (let q = p + 1; q < d; q++) rotate(a, v, d, p, q);
  }
  return { values: Float64Array.from({ length: d }, (_, i) => a[i * d + i]!), vectors: v };
};

/** Turns coordinates p and q so that the element between them vanishes. */
const rotate = (a: Float64Array, v: Float64Array, d: number, p: number, q: number): void => {
  const apq = a[p * d + q]!;
  if (apq === 0) return;
  const theta = (a[q * d + q]! - a[p * d + p]!) / (2 * apq);
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < d; k++) {
    const kp = a[k * d + p]!;
    const kq = a[k * d + q]!;
    a[k * d + p] = c * kp - s * kq;
    a[k * d + q] = s * kp + c * kq;
  }
  for (let k = 0; k < d; k++) {
    const pk = a[p * d + k]!;
    const qk = a[q * d + k]!;
    a[p * d + k] = c * pk - s * qk;
    a[q * d + k] = s * pk + c * qk;
  }
  for (let k = 0; k < d; k++) {
    const kp = v[k * d + p]!;
    const kq = v[k * d + q]!;
    v[k * d + p] = c * kp - s * kq;
    v[k * d + q] = s * kp + c * kq;
  }
};
