import { isAllowed } from "../../space/constraints.ts";
import type { Space } from "../../space/space.ts";
import type { History } from "../algorithm.ts";
import { isSamePoint } from "./nearness.ts";
import { createPointIndex, type PointIndex } from "./point-index.ts";

/** Decides which points may be proposed: allowed by the space, and not tried before. */
export interface Fresh {
  /** Whether a snapped point is allowed and neither in the history nor taken. */
  accepts(x: Float64Array): boolean;
  /** Takes a point, so that it is not accepted again. */
  take(x: Float64Array): void;
  readonly taken: readonly Float64Array[];
}

/** So many points are looked for by comparing them with every row; for more of them an index of the rows is made. */
const SCANS = 12;

export const createFresh = (space: Space, history: History): Fresh => {
  const taken: Float64Array[] = [];
  const d = space.parameters.length;
  let scans = 0;
  let index: PointIndex | null = null;
  const isTried = (x: Float64Array): boolean => {
    if (scans < SCANS) {
      scans++;
      return hasPoint(history, x, d);
    }
    index ??= indexOfRows(history, d);
    return index.find(x, 0) >= 0;
  };
  return {
    accepts: (x) =>
      isAllowed(space, x) && !isTried(x) && !taken.some((other) => isSamePoint(other, 0, x, 0, d)),
    take: (x) => taken.push(x),
    taken,
  };
};

const hasPoint = ({ n, x: points }: History, x: Float64Array, d: number): boolean => {
  for (let row = 0; row < n; row++) if (isSamePoint(points, row * d, x, 0, d)) return true;
  return false;
};

const indexOfRows = ({ n, x }: History, d: number): PointIndex => {
  const index = createPointIndex(x, d);
  for (let row = 0; row < n; row++) if (index.find(x, row * d) < 0) index.add(row);
  return index;
};
