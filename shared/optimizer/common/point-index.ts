import { isSamePoint, SAME } from "./nearness.ts";

/** Finds rows by their points, which need only be the same up to rounding. */
export interface PointIndex {
  /** The row with the point at an offset of some coordinates, -1 if none was added. */
  find(x: Float64Array, from: number): number;
  add(row: number): void;
}

/** Buckets of the sum that rows are found by are so much wider than the most by which sums of equal points differ. */
const ROOMY = 16;

/**
 * An index of rows, which begins empty: a hash of a weighted sum of the coordinates. Where the sum is near the end of a
 * bucket, the next one is searched too.
 * @param points of all rows that may be added, by rows of d coordinates.
 */
export const createPointIndex = (points: Float64Array, d: number): PointIndex => {
  const weights = Float64Array.from({ length: d }, (_, j) => 1 + ((j * 0.6180339887498949) % 1));
  const width = 2 * d * SAME * ROOMY;
  const first = new Map<number, number>();
  const earlier = new Int32Array(points.length / d).fill(-1);
  const placeOf = (x: Float64Array, from: number): number => {
    let sum = 0;
    for (let j = 0; j < d; j++) {
      const u = x[from + j]!;
      sum += weights[j]! * (Number.isNaN(u) ? 2 : u);
    }
    return sum / width;
  };
  const findIn = (bucket: number, x: Float64Array, from: number): number => {
    let row = first.get(bucket) ?? -1;
    while (row >= 0 && !isSamePoint(points, row * d, x, from, d)) row = earlier[row]!;
    return row;
  };
  return {
    find: (x, from) => {
      const place = placeOf(x, from);
      const bucket = Math.floor(place);
      const row = findIn(bucket, x, from);
      if (row >= 0) return row;
      if (place - bucket < 1 / ROOMY) return findIn(bucket - 1, x, from);
      return place - bucket > 1 - 1 / ROOMY ? findIn(bucket + 1, x, from) : -1;
    },
    add: (row) => {
      const bucket = Math.floor(placeOf(points, row * d));
      earlier[row] = first.get(bucket) ?? -1;
      first.set(bucket, row);
    },
  };
};
