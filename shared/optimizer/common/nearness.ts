/** Coordinates closer than this are the same; converting a coordinate to its value and back changes it by 1e-16. */
export const SAME = 1e-9;

/** Whether the points of `d` coordinates at two offsets are the same. */
export const isSamePoint = (
  a: Float64Array,
  from: number,
  b: Float64Array,
  other: number,
  d: number,
): boolean => {
  // Backwards, because neighbours on a grid differ in their last coordinates.
  for (let j = d - 1; j >= 0; j--) {
    const u = a[from + j]!;
    const v = b[other + j]!;
    if (!(Math.abs(u - v) <= SAME) && !(Number.isNaN(u) && Number.isNaN(v))) return false;
  }
  return true;
};

/** Whether two points differ by less than `apart` in every coordinate, and have the same ones. */
export const isNear = (a: Float64Array, b: Float64Array, apart: number): boolean =>
  a.every((u, j) => Math.abs(u - b[j]!) < apart || (Number.isNaN(u) && Number.isNaN(b[j]!)));
