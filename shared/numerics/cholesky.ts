/**
 * Symmetric positive definite systems by Cholesky's factorisation. Matrices are dense, by rows, in `Float64Array`s whose
 * rows may be longer than the matrix (`stride`), so that one can grow without being copied. Only the lower triangle of
 * a symmetric matrix is read. Inner loops run along rows, and one row is multiplied with four others at a time, so
 * that it is read from memory once: about twice as fast as one by one.
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

/** Four dot products of one row with four rows that lie `stride` apart; the sums go into `out`. */
const dotFour = (
  a: Float64Array,
  i: number,
  b: Float64Array,
  j: number,
  stride: number,
  length: number,
  out: Float64Array,
): void => {
  const j1 = j + stride;
  const j2 = j1 + stride;
  const j3 = j2 + stride;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let t0 = 0;
  let t1 = 0;
  let t2 = 0;
  let t3 = 0;
  let k = 0;
  for (; k + 1 < length; k += 2) {
    const u = a[i + k]!;
    const v = a[i + k + 1]!;
    s0 += u * b[j + k]!;
    t0 += v * b[j + k + 1]!;
    s1 += u * b[j1 + k]!;
    t1 += v * b[j1 + k + 1]!;
    s2 += u * b[j2 + k]!;
    t2 += v * b[j2 + k + 1]!;
    s3 += u * b[j3 + k]!;
    t3 += v * b[j3 + k + 1]!;
  }
  if (k < length) {
    const u = a[i + k]!;
    s0 += u * b[j + k]!;
    s1 += u * b[j1 + k]!;
    s2 += u * b[j2 + k]!;
    s3 += u * b[j3 + k]!;
  }
  out[0] = s0 + t0;
  out[1] = s1 + t1;
  out[2] = s2 + t2;
  out[3] = s3 + t3;
};

/**
 * Replaces the lower triangle of A by L with L L' = A. Cost n^3 / 3.
 * @param a n rows of `stride` numbers.
 * @returns false when A is not positive definite; the content of `a` is then undefined.
 */
export const factorise = (a: Float64Array, n: number, stride = n): boolean => {
  const sums = new Float64Array(4);
  for (let i = 0; i < n; i += 4) {
    const rows = Math.min(4, n - i);
    if (rows === 4) {
      for (let j = 0; j < i; j++) {
        const other = j * stride;
        const pivot = a[other + j]!;
        dotFour(a, other, a, i * stride, stride, j, sums);
        for (let r = 0; r < 4; r++) {
          const at = (i + r) * stride + j;
          a[at] = (a[at]! - sums[r]!) / pivot;
        }
      }
    }
    for (let r = 0; r < rows; r++) {
      const row = (i + r) * stride;
      for (let j = rows === 4 ? i : 0; j < i + r; j++) {
        const other = j * stride;
        a[row + j] = (a[row + j]! - dot(a, row, a, other, j)) / a[other + j]!;
      }
      const pivot = a[row + i + r]! - dot(a, row, a, row, i + r);
      if (!(pivot > 0)) return false;
      a[row + i + r] = Math.sqrt(pivot);
    }
  }
  return true;
};

/** Replaces b by the solution of L x = b. Cost n^2. */
export const solveLower = (l: Float64Array, n: number, b: Float64Array, stride = n, offset = 0): void => {
  for (let i = 0; i < n; i++) {
    b[offset + i] = (b[offset + i]! - dot(l, i * stride, b, offset, i)) / l[i * stride + i]!;
  }
};

/** Replaces each of the first `count` rows of b, `width` apart, by the solution of L x = b. Cost count * n^2. */
export const solveLowerRows = (
  l: Float64Array,
  n: number,
  b: Float64Array,
  count: number,
  width: number,
  stride = n,
): void => {
  const sums = new Float64Array(4);
  let c = 0;
  for (; c + 3 < count; c += 4) {
    for (let i = 0; i < n; i++) {
      const pivot = l[i * stride + i]!;
      dotFour(l, i * stride, b, c * width, width, i, sums);
      for (let r = 0; r < 4; r++) {
        const at = (c + r) * width + i;
        b[at] = (b[at]! - sums[r]!) / pivot;
      }
    }
  }
  for (; c < count; c++) solveLower(l, n, b, stride, c * width);
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
 * @param scratch memory for n * n numbers.
 * @param out memory for n * n numbers, by rows.
 */
export const invertFactorised = (
  l: Float64Array,
  n: number,
  scratch: Float64Array,
  out: Float64Array,
): void => {
  // Rows of `scratch` are the columns of L^-1, so that every inner loop runs along rows. Column j is 0 before j.
  const sums = new Float64Array(4);
  scratch.fill(0, 0, n * n);
  for (let j = 0; j < n; j += 4) {
    const columns = Math.min(4, n - j);
    for (let r = 0; r < columns; r++) scratch[(j + r) * n + j + r] = 1 / l[(j + r) * n + j + r]!;
    for (let i = j + 1; i < n; i++) {
      const pivot = l[i * n + i]!;
      const filled = Math.min(columns, i - j);
      if (columns === 4) dotFour(l, i * n + j, scratch, j * n + j, n, i - j, sums);
      for (let r = 0; r < filled; r++) {
        const at = (j + r) * n;
        const sum = columns === 4 ? sums[r]! : dot(l, i * n + j, scratch, at + j, i - j);
        scratch[at + i] = -sum / pivot;
      }
    }
  }
  for (let i = 0; i < n; i++) {
    let j = 0;
    for (; j + 3 <= i; j += 4) {
      dotFour(scratch, i * n + i, scratch, j * n + i, n, n - i, sums);
      for (let r = 0; r < 4; r++) {
        out[i * n + j + r] = sums[r]!;
        out[(j + r) * n + i] = sums[r]!;
      }
    }
    for (; j <= i; j++) {
      const value = dot(scratch, i * n + i, scratch, j * n + i, n - i);
      out[i * n + j] = value;
      out[j * n + i] = value;
    }
  }
};
