import type { Random } from "../../numerics/random.ts";
import { isActive } from "../../space/activity.ts";
import { isNumeric, type Space } from "../../space/space.ts";
import { choiceColumn } from "./choice-column.ts";
import { type Bandwidth, PRIOR_WEIGHT, type Share } from "./column.ts";
import { numericColumn } from "./numeric-column.ts";

/**
 * A Parzen estimator over a search space: a mixture of one kernel per observation and one for the prior. A kernel is a
 * product over the parameters: a truncated normal for a number, a mostly certain choice for a categorical one. Where a
 * kernel's observation lacks a parameter that a point has, the prior takes its place; so the estimator is one proper
 * density over all branches of a conditional space, and what branches share is learned from all of them.
 */
export interface Parzen {
  /** Of all kernels, the prior's included. */
  readonly weight: number;
  /** log density at a snapped point. */
  logDensity(x: ArrayLike<number>): number;
  /** A snapped point drawn from the mixture; constraints are not checked. */
  sample(random: Random): Float64Array;
}

/**
 * @param points n observations by rows, one coordinate per parameter, NaN where inactive.
 * @param weights one per observation, 1 on average; null for equal ones.
 * @param share if the observations are only a part of a mixture that is summed up elsewhere; by default they are all of it.
 */
export const createParzen = (
  space: Space,
  points: Float64Array,
  weights: Float64Array | null,
  bandwidth: Bandwidth,
  share: Share = { observations: points.length / space.parameters.length, priorWeight: PRIOR_WEIGHT },
): Parzen => {
  const d = space.parameters.length;
  const n = points.length / d;
  const { priorWeight } = share;
  const columns = space.parameters.map((parameter) => {
    const centers = new Float64Array(n);
    for (let k = 0; k < n; k++) centers[k] = points[k * d + parameter.index]!;
    return isNumeric(parameter)
      ? numericColumn(parameter, centers, bandwidth, share.observations)
      : choiceColumn(parameter, centers, share.observations);
  });
  const total = n + priorWeight;
  const weightOf = (kernel: number) => (kernel === n ? priorWeight : (weights?.[kernel] ?? 1));
  const logWeights = new Float64Array(n + 1).fill(-Math.log(total));
  if (weights !== null) for (let k = 0; k < n; k++) logWeights[k]! += Math.log(weights[k]!);
  logWeights[n]! += Math.log(priorWeight);
  const sums = new Float64Array(n + 1);

  return {
    weight: total,
    logDensity: (x) => {
      sums.set(logWeights);
      for (let j = 0; j < d; j++) {
        const u = x[j]!;
        if (!Number.isNaN(u)) columns[j]!.addLogDensity(u, sums);
      }
      return logSumExp(sums);
    },
    sample: (random) => {
      let kernel = 0;
      for (let left = random.uniform() * total - weightOf(0); left >= 0 && kernel < n; ) {
        kernel++;
        left -= weightOf(kernel);
      }
      const x = new Float64Array(d).fill(Number.NaN);
      for (const parameter of space.parameters) {
        const { index } = parameter;
        if (isActive(space, parameter, x)) x[index] = columns[index]!.draw(kernel, random);
      }
      return x;
    },
  };
};

/** exp(-40) is negligible compared with 1 in double precision. */
const NEGLIGIBLE = 40;

const logSumExp = (values: Float64Array): number => {
  let most = -Infinity;
  for (let k = 0; k < values.length; k++) if (values[k]! > most) most = values[k]!;
  let sum = 0;
  for (let k = 0; k < values.length; k++) {
    const below = values[k]! - most;
    if (below > -NEGLIGIBLE) sum += Math.exp(below);
  }
  return most + Math.log(sum);
};
