/**
 * Symmetric positive definite systems by Cholesky's factorisation. Matrices are dense, by rows, in `Float64Array`s whose
 * rows may be longer than the matrix (`stride`), so that one can grow without being copied. Only the lower triangle of
 * a symmetric matrix is read. Inner loops run along rows, four products at a time.
 */

/** Sum of a[i + k] * b[j + k] for k < length. */
export const dot = (a: Float64Array, i: number, b: Float64Array, j: number, length: number): number => {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s0 += a[i + k]! * b[j + k]!;
    s1 += a[i + k + 1]! * b[j + k + 1]!;
    s2 += a[i + k + 2]! * b[j + k + 2]!;
    s3 += a[i + k + 3]! * b[j + k + 3]!;
  }
  for (; k < length; k++) s0 += a[i + k]! * b[j + k]!;
  return s0 + s1 + (s2 + s3);
};

/**
 * Replaces the lower triangle of A by L with L L' = A. Cost n^3 / 3.
 * @param a n rows of `stride` numbers.
 * @param from rows before this one are factorised already; the others are as in A.
 * @returns false when A is not positive definite; `a` is then spoilt.
 */
export const factorise = (a: Float64Array, n: number, stride = n, from = 0): boolean => {
  for (let i = from; i < n; i++) {
    const row = i * stride;
    for (let j = 0; j < i; j++) {
      const other = j * stride;
      a[row + j] = (a[row + j]! - dot(a, row, a, other, j)) / a[other + j]!;
    }
    const pivot = a[row + i]! - dot(a, row, a, row, i);
    if (!(pivot > 0)) return false;
    a[row + i] = Math.sqrt(pivot);
  }
  return true;
};

/** Replaces b by the solution of L x = b. Cost n^2. */
export const solveLower = (l: Float64Array, n: number, b: Float64Array, stride = n, offset = 0): void => {
  for (let i = 0; i < n; i++) {
    b[offset + i] = (b[offset + i]! - dot(l, i * stride, b, offset, i)) / l[i * stride + i]!;
  }
};

/** Replaces b by the solution of L' x = b. Cost n^2. */
export const solveLowerTransposed = (l: Float64Array, n: number, b: Float64Array, stride = n): void => {
  for (let i = n - 1; i >= 0; i--) {
    const row = i * stride;
    const x = b[i]! / l[row + i]!;
    b[i] = x;
    for (let k = 0; k < i; k++) b[k]! -= x * l[row + k]!;
  }
};

/** Replaces b by the solution of L L' x = b. */
export const solveFactorised = (l: Float64Array, n: number, b: Float64Array, stride = n): void => {
  solveLower(l, n, b, stride);
  solveLowerTransposed(l, n, b, stride);
};

/** The logarithm of the determinant of L L'. */
export const logDeterminant = (l: Float64Array, n: number, stride = n): number => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.log(l[i * stride + i]!);
  return 2 * sum;
};

/**
 * The inverse of L L', both triangles. Cost 2 n^3 / 3.
 * @param scratch room for n * n numbers.
 * @param out room for n * n numbers, by rows.
 */
export const invertFactorised = (
  l: Float64Array,
  n: number,
  scratch: Float64Array,
  out: Float64Array,
): void => {
  // Rows of `scratch` are the columns of L^-1, so that every inner loop runs along rows: column j of L^-1 begins at j.
  for (let j = 0; j < n; j++) {
    const column = j * n;
    scratch[column + j] = 1 / l[column + j]!;
    for (let i = j + 1; i < n; i++) {
      const row = i * n;
      scratch[column + i] = -dot(l, row + j, scratch, column + j, i - j) / l[row + i]!;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const value = dot(scratch, i * n + i, scratch, j * n + i, n - i);
      out[i * n + j] = value;
      out[j * n + i] = value;
    }
  }
};
