import { logGamma } from "../../numerics/beta.ts";
import { indexOf } from "../../space/axis.ts";
import { isNumeric, type Parameter, type Space, type UnitPrior } from "../../space/space.ts";

/**
 * The logarithm of the density, under the user's priors and weights, that the optimum is at a point; adds its
 * derivatives to `gradient`, if given. Up to a constant.
 */
export type LogPrior = (x: Float64Array, gradient?: Float64Array) => number;

/** Trials after which the user's priors count as much as one observation. Source: Hvarfner et al. 2022, "piBO", section 4. */
const STRENGTH = 10;
/** The share of the uniform density in the mixture, so that a wrong prior delays the search but does not exclude the optimum. */
const DOUBT = 0.05;
/** Keeps a beta density's ends finite. */
const EDGE = 1e-3;
/**
 * For parameters without a prior: a process fitted to few data prefers the ends of axes about which it knows nothing. The
 * densities are those of Beta(1.25, 1.25) and, in wide spaces, where nearly all points lie at the end of some axis, of
 * Beta(1.5, 1.5), up to a constant. There it holds as long as nothing is known: where results become better towards an end,
 * that half of the axis is as likely as the middle. With the stronger one in narrow spaces optima at ends are found late, with
 * none the others: `bench/ends`.
 */
const NARROW = 0.25;
const WIDE = 0.5;
/** Keeps its density at the ends above zero. */
const USUAL_EDGE = 1e-2;
/** It is not used for parameters of at most so many values. */
const FEW = 8;

const isInformative = (parameter: Parameter): boolean =>
  isNumeric(parameter)
    ? parameter.prior.type !== "uniform"
    : parameter.weights.some((weight) => weight !== parameter.weights[0]);

/** The t statistic of a trend that of so many axes without any the steepest would have. */
const clearOf = (axes: number): number => Math.sqrt(2 * Math.log(Math.max(2, axes)));

/** Whether the default density replaces a prior of the user. */
const isOpen = (parameter: Parameter): boolean =>
  isNumeric(parameter) && parameter.prior.type === "uniform" && parameter.size > FEW;

/** What the densities depend on. */
export interface OptimumPriorInput {
  /** Results so far. */
  readonly trials: number;
  /** Trials in total: with more of them the user's priors keep their influence longer. */
  readonly budget: number;
  /** Whether there is one optimum. The ends of a front of several objectives may well lie at the ends of the axes. */
  readonly isOne: boolean;
  /** In a wide space per parameter how clearly results become better towards its high end (see `trends`); null in a narrow one. */
  readonly trends: Float64Array | null;
}

/**
 * The user's priors of where the optimum lies, and the default density where there is none, raised to a power that
 * decreases as results come in.
 * @returns null when there is neither.
 */
export const optimumPrior = (
  space: Space,
  { trials, budget, isOne, trends }: OptimumPriorInput,
): LogPrior | null => {
  const informative = space.parameters.filter(isInformative);
  const open = isOne ? space.parameters.filter(isOpen) : [];
  if (informative.length + open.length === 0) return null;
  const clear = clearOf(open.length);
  const ends = open.map(({ index }) => {
    const trend = trends?.[index] ?? 0;
    return { index, isLowKnown: trend < -clear, isHighKnown: trend > clear };
  });
  const power = Math.min(STRENGTH, budget / 10) / Math.max(1, trials);
  const usualPower = ((trends === null ? NARROW : WIDE) * STRENGTH) / Math.max(1, trials);
  return (x, gradient) => {
    let sum = 0;
    for (const { index, isLowKnown, isHighKnown } of ends) {
      const u = x[index]!;
      if (Number.isNaN(u) || (u < 0.5 ? isLowKnown : isHighKnown)) continue;
      const v = Math.min(1 - USUAL_EDGE, Math.max(USUAL_EDGE, u));
      sum += usualPower * Math.log(4 * v * (1 - v));
      if (gradient && v === u) gradient[index]! += usualPower * (1 / v - 1 / (1 - v));
    }
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

/** The log of the prior's density, mixed with a small part of the uniform one, and its derivative by the coordinate. */
const logDensity = (parameter: Parameter, u: number): readonly [number, number] => {
  if (!isNumeric(parameter)) {
    const density = parameter.size * parameter.weights[indexOf(parameter, u)]!;
    return [Math.log((1 - DOUBT) * density + DOUBT), 0];
  }
  const [density, slope] = densityOf(parameter.prior, u);
  const mixed = (1 - DOUBT) * density + DOUBT;
  return [Math.log(mixed), ((1 - DOUBT) * density * slope) / mixed];
};

/** A prior's density and the derivative of its logarithm. */
const densityOf = (prior: UnitPrior, u: number): readonly [number, number] => {
  if (prior.type === "uniform") return [1, 0];
  if (prior.type === "normal") {
    const z = (u - prior.mean) / prior.sd;
    return [Math.exp(-(z * z) / 2) / (prior.sd * Math.sqrt(2 * Math.PI)), -z / prior.sd];
  }
  const v = Math.min(1 - EDGE, Math.max(EDGE, u));
  const a = prior.alpha - 1;
  const b = prior.beta - 1;
  const constant = logGamma(prior.alpha + prior.beta) - logGamma(prior.alpha) - logGamma(prior.beta);
  return [Math.exp(constant + a * Math.log(v) + b * Math.log1p(-v)), a / v - b / (1 - v)];
};
