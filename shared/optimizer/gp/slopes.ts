import { keepBest } from "../common/thin.ts";

/**
 * Derivatives of the targets, which tell a process as much as that many further results. The covariances of values and
 * derivatives are derivatives of the kernel: Rasmussen and Williams 2006, section 9.4; Solak et al. 2003.
 */

/** What is known of the targets' derivatives, as a list. */
export interface Slopes {
  readonly count: number;
  /** Which row of the data each belongs to. */
  readonly rows: Int32Array;
  /** By which numeric feature it is. */
  readonly axes: Int32Array;
  /** The derivative by that feature, not divided by its length scale. */
  readonly values: Float64Array;
}

/** Matern 5/2 and what its derivatives have in common, at s = sqrt(5) r. */
export interface Decay {
  /** (1 + s + s^2 / 3) exp(-s): the covariance of two values. */
  readonly value: number;
  /** 5/3 (1 + s) exp(-s): times a_j - b_j, the covariance of the value at a and the derivative by j at b. */
  readonly first: number;
  /** 25/3 exp(-s): of two derivatives the covariance is first * [i = j] - second * (a_i - b_i)(a_j - b_j). */
  readonly second: number;
}

export const decayAt = (s: number): Decay => {
  const decay = Math.exp(-s);
  return { value: (1 + s + (s * s) / 3) * decay, first: (5 / 3) * (1 + s) * decay, second: (25 / 3) * decay };
};

/** A row's slopes are taken where they are not more than this; with more of them a fit takes seconds. */
export const MOST_OF_ROW = 100;

/** The variance of a derivative, and what is added to it so that the covariance can be factorised. */
export const SLOPE_VARIANCE = 5 / 3;
export const SLOPE_JITTER = 1e-8;

/** The slopes of some rows, whose places among those chosen become their rows. */
export const slopesOfRows = ({ rows, axes, values }: Slopes, chosen: readonly number[]): Slopes => {
  const places = new Map(chosen.map((row, place) => [row, place]));
  const kept = Array.from(rows, (_, k) => k).filter((k) => places.has(rows[k]!));
  return {
    count: kept.length,
    rows: Int32Array.from(kept, (k) => places.get(rows[k]!)!),
    axes: Int32Array.from(kept, (k) => axes[k]!),
    values: Float64Array.from(kept, (k) => values[k]!),
  };
};

/**
 * At most so many slopes, all of a row or none: half of the rows are the best ones, the others are spread over the rest. None where
 * those of a single row are more.
 * @param order rows of the data, from best to worst.
 */
export const thinSlopes = (slopes: Slopes, order: readonly number[], most: number): Slopes => {
  if (slopes.count <= most) return slopes;
  const sloped = new Set(slopes.rows);
  const candidates = order.filter((row) => sloped.has(row));
  const perRow = Math.ceil(slopes.count / candidates.length);
  const room = Math.floor(most / perRow);
  const chosen = new Set(room > 1 ? keepBest(candidates, room, "middle") : candidates.slice(0, room));
  const kept = Array.from(slopes.rows, (_, k) => k).filter((k) => chosen.has(slopes.rows[k]!));
  return {
    count: kept.length,
    rows: Int32Array.from(kept, (k) => slopes.rows[k]!),
    axes: Int32Array.from(kept, (k) => slopes.axes[k]!),
    values: Float64Array.from(kept, (k) => slopes.values[k]!),
  };
};
