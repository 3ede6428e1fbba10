import { isAllowed } from "../../space/constraints.ts";
import type { Space } from "../../space/space.ts";
import type { History } from "../algorithm.ts";
import { isSamePoint } from "./nearness.ts";

/** Decides which points may be proposed: allowed by the space, and not tried before. */
export interface Fresh {
  /** Whether a snapped point is allowed and neither in the history nor taken. */
  accepts(x: Float64Array): boolean;
  /** Takes a point, so that it is not accepted again. */
  take(x: Float64Array): void;
  readonly taken: readonly Float64Array[];
}

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
