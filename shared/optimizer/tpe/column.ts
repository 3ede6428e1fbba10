import type { Random } from "../../numerics/random.ts";

/** One parameter's factor of every kernel. Kernels are numbered like the observations; the prior's kernel is the last. */
export interface Column {
  /** Adds the factor's logarithm at coordinate u to `sums`, one per kernel. */
  addLogDensity(u: number, sums: Float64Array): void;
  /** A snapped coordinate drawn from a kernel. */
  draw(kernel: number, random: Random): number;
}

/** Weight of the prior's kernel, where an observation's is 1 on average. */
export const PRIOR_WEIGHT = 1;

/** The mixture that some observations are a part of: how many kernels it has determines how narrow theirs are. */
export interface Share {
  readonly observations: number;
  readonly priorWeight: number;
}

/**
 * How wide the kernels of numbers are. `neighbours`: as the distance to the next observation on either side, for the few
 * good observations, around which the search goes on. `narrow`: as the distance between n evenly spaced observations, for
 * the many others, which should not affect their surroundings.
 */
export type Bandwidth = "neighbours" | "narrow";
