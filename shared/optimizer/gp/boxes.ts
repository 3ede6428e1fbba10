/**
 * The part of the space of objectives (all minimised) that a front does not dominate, below a reference point, as
 * disjoint boxes. Infinitely low sides are -Infinity.
 */

/** Sides by rows: `count` boxes of `m` lower and upper ends. */
export interface Boxes {
  readonly m: number;
  readonly count: number;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/**
 * Slices the space along the last objective at the values of the front, each slice along the objective before it, and
 * so on (Beume et al. 2009 give the same recursion for the hypervolume). For k points: k + 1 boxes of two objectives, O(k^2) of
 * three, O(k^3) of four.
 * @param front points, none of which dominates another; those not below the reference are left out.
 */
export const undominated = (front: readonly Float64Array[], reference: Float64Array): Boxes => {
  const m = reference.length;
  const inside = front.filter((y) => y.every((v, j) => v < reference[j]!));
  const boxes: number[][] = [];
  slice(inside, reference, m, [], boxes);
  const lower = new Float64Array(boxes.length * m);
  const upper = new Float64Array(boxes.length * m);
  boxes.forEach((box, i) => {
    for (let j = 0; j < m; j++) {
      lower[i * m + j] = box[2 * j]!;
      upper[i * m + j] = box[2 * j + 1]!;
    }
  });
  return { m, count: boxes.length, lower, upper };
};

/** @param sides of the objectives after the first `m`, lower and upper in turn. */
const slice = (
  front: readonly Float64Array[],
  reference: Float64Array,
  m: number,
  sides: readonly number[],
  out: number[][],
): void => {
  const last = m - 1;
  if (m === 1) {
    const best = front.reduce((least, y) => Math.min(least, y[0]!), reference[0]!);
    out.push([-Infinity, best, ...sides]);
    return;
  }
  const levels = [...new Set(front.map((y) => y[last]!))].sort((a, b) => a - b);
  const ends = [-Infinity, ...levels, reference[last]!];
  for (let i = 0; i + 1 < ends.length; i++) {
    const below = front.filter((y) => y[last]! <= ends[i]!);
    slice(below, reference, last, [ends[i]!, ends[i + 1]!, ...sides], out);
  }
};
