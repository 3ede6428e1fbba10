import type { Space } from "../../space/space.ts";
import { logDensities } from "./around.ts";

/** Where a trial is drawn from. */
export type Source = "uniform" | "prior" | "incumbent";

/**
 * How likely each source is. Source: Mallik et al. 2023, section 5.
 * @param level at which the trial is compared first; 0 is the lowest.
 * @param trust in the incumbent, 0 before it counts.
 */
export const sharesOf = (level: number, eta: number, trust: number): Readonly<Record<Source, number>> => {
  const uniform = 1 / (1 + eta ** level);
  return { uniform, prior: (1 - uniform) * (1 - trust), incumbent: (1 - uniform) * trust };
};

/**
 * The incumbent's part of what is not drawn uniformly: how likely the leaders are around it, and under the prior, by rank.
 * @param leaders the best trials' points, best first.
 */
export const trustIn = (space: Space, incumbent: Float64Array, leaders: readonly Float64Array[]): number => {
  const densities = leaders.map((x) => logDensities(space, incumbent, x));
  const score = (of: "around" | "prior") =>
    logOfSum(densities.map((each, i) => Math.log(leaders.length - i) + each[of]));
  return 1 / (1 + Math.exp(score("prior") - score("around")));
};

/** log(sum(exp(v))), which neither overflows nor underflows in spaces of many parameters. */
const logOfSum = (values: readonly number[]): number => {
  const top = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (top === -Infinity) return top;
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
};
