import type { Random } from "../../numerics/random.ts";

/** One parameter's factor of every kernel. Kernels are numbered as the observations, the prior's comes last. */
export interface Column {
  /** Adds the factor's logarithm at coordinate u to `sums`, one a kernel. */
  addLogDensity(u: number, sums: Float64Array): void;
  /** A snapped coordinate drawn from a kernel. */
  draw(kernel: number, random: Random): number;
}

/** Weight of the prior's kernel, where an observation's is 1 on average. */
export const PRIOR_WEIGHT = 1;

/** Of which mixture some observations are a part: how many kernels it has says how narrow theirs are. */
export interface Share {
  readonly observations: number;
  readonly priorWeight: number;
}

/**
 * How wide the kernels of numbers are. `neighbours`: as far as the next observation on either side, for few
 * observations that shall be searched around. `narrow`: as far as n observations would lie apart, for many that shall
 * be told from their surroundings.
 */
export type Bandwidth = "neighbours" | "narrow";
