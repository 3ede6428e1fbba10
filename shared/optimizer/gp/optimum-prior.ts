import { indexOf } from "../../space/axis.ts";
import { isNumeric, type Parameter, type Space } from "../../space/space.ts";

/**
 * The logarithm of the density, under the user's priors and weights, that the optimum is at a point; adds its
 * derivatives to `gradient`, if given. Up to a constant.
 */
export type LogPrior = (x: Float64Array, gradient?: Float64Array) => number;

/** Trials after which the user's priors count as much as one observation. Source: Hvarfner et al. 2022, "piBO", section 4. */
const STRENGTH = 10;
/** Keeps a beta density's ends finite. */
const EDGE = 1e-3;

const isInformative = (parameter: Parameter): boolean =>
  isNumeric(parameter)
    ? parameter.prior.type !== "uniform"
    : parameter.weights.some((weight) => weight !== parameter.weights[0]);

/**
 * The users' beliefs about where the optimum lies, raised to a power that fades as results come in.
 * @param trials results so far.
 * @param budget trials in all: with a larger one the priors fade later.
 * @returns null when every prior is uniform.
 */
export const optimumPrior = (space: Space, trials: number, budget: number): LogPrior | null => {
  const informative = space.parameters.filter(isInformative);
  if (informative.length === 0) return null;
  const power = Math.min(STRENGTH, budget / 10) / Math.max(1, trials);
  return (x, gradient) => {
    let sum = 0;
    for (const parameter of informative) {
      const u = x[parameter.index]!;
      if (Number.isNaN(u)) continue;
      const [log, slope] = logDensity(parameter, u);
      sum += power * log;
      if (gradient) gradient[parameter.index]! += power * slope;
    }
    return sum;
  };
};

/** The log density of one parameter's prior and its derivative by the coordinate. */
const logDensity = (parameter: Parameter, u: number): readonly [number, number] => {
  if (!isNumeric(parameter))
    return [Math.log(parameter.size * parameter.weights[indexOf(parameter, u)]! + 1e-9), 0];
  const { prior } = parameter;
  if (prior.type === "uniform") return [0, 0];
  if (prior.type === "normal") {
    const z = (u - prior.mean) / prior.sd;
    return [-(z * z) / 2, -z / prior.sd];
  }
  const v = Math.min(1 - EDGE, Math.max(EDGE, u));
  const a = prior.alpha - 1;
  const b = prior.beta - 1;
  return [a * Math.log(v) + b * Math.log1p(-v), a / v - b / (1 - v)];
};
