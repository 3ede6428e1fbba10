import { isAllowed } from "../../space/constraints.ts";
import type { Space } from "../../space/space.ts";
import type { History } from "../algorithm.ts";

/** Decides which points may be proposed: allowed by the space, and not tried before. */
export interface Fresh {
  /** Whether a snapped point is allowed and neither in the history nor taken. */
  accepts(x: Float64Array): boolean;
  /** Takes a point, so that it is not accepted again. */
  take(x: Float64Array): void;
  readonly taken: readonly Float64Array[];
}

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

export const createFresh = (space: Space, history: History): Fresh => {
  const taken: Float64Array[] = [];
  const d = space.parameters.length;
  const isTried = (x: Float64Array): boolean => {
    for (let i = 0; i < history.n; i++) if (isSamePoint(history.x, i * d, x, 0, d)) return true;
    return taken.some((other) => isSamePoint(other, 0, x, 0, d));
  };
  return {
    accepts: (x) => isAllowed(space, x) && !isTried(x),
    take: (x) => taken.push(x),
    taken,
  };
};
