/**
 * Numbers of 64 bits as pairs of numbers of 32 bits, in which a hint is stored: the nearest one and the remainder, together
 * 48 bits of precision. With 24 the smallest eigenvalue of a covariance matrix would be lost.
 */
export const packed = (values: readonly number[]): number[] =>
  values.flatMap((value) => {
    const near = Math.fround(value);
    return [near, Number.isFinite(near) ? Math.fround(value - near) : 0];
  });

export const unpacked = (pairs: readonly number[]): number[] =>
  Array.from({ length: pairs.length >> 1 }, (_, i) => pairs[2 * i]! + pairs[2 * i + 1]!);

/** The lower triangle of a symmetric matrix, by rows. */
export const triangleOf = (matrix: Float64Array, d: number): number[] =>
  Array.from({ length: d }, (_, i) => [...matrix.subarray(i * d, i * d + i + 1)]).flat();

export const symmetricOf = (triangle: readonly number[], d: number): Float64Array => {
  const matrix = new Float64Array(d * d);
  for (let i = 0, k = 0; i < d; i++) {
    for (let j = 0; j <= i; j++, k++) {
      matrix[i * d + j] = triangle[k]!;
      matrix[j * d + i] = triangle[k]!;
    }
  }
  return matrix;
};

/** A hash of a sequence of trial numbers: 24 bits, which a float of 32 bits holds exactly. */
export const digestOf = (numbers: Iterable<number>): number => {
  let h = 0x811c9dc5;
  for (const number of numbers) {
    h = Math.imul(h ^ number, 0x01000193);
    h ^= h >>> 15;
  }
  return (h >>> 0) & 0xffffff;
};
