import { betaCdf, betaDensity, betaQuantile } from "../numerics/beta.ts";
import { truncatedNormalCdf, truncatedNormalDensity, truncatedNormalQuantile } from "../numerics/normal.ts";
import { coordinateOf, indexOf, snapCoordinate } from "./axis.ts";
import { isNumeric, type Parameter, type UnitPrior } from "./space.ts";

const coordinateAt = (prior: UnitPrior, q: number): number => {
  if (prior.type === "uniform") return q;
  if (prior.type === "beta") return betaQuantile(q, prior.alpha, prior.beta);
  return truncatedNormalQuantile(q, prior.mean, prior.sd, 0, 1);
};

const below = (prior: UnitPrior, u: number): number => {
  if (u <= 0) return 0;
  if (u >= 1) return 1;
  if (prior.type === "uniform") return u;
  if (prior.type === "beta") return betaCdf(u, prior.alpha, prior.beta);
  return truncatedNormalCdf(u, prior.mean, prior.sd, 0, 1);
};

/**
 * The coordinate at quantile q of the parameter's prior or weights, snapped.
 * @param q in [0, 1].
 */
export const priorQuantile = (parameter: Parameter, q: number): number => {
  if (isNumeric(parameter)) return snapCoordinate(parameter, coordinateAt(parameter.prior, q));
  let sum = 0;
  const last = parameter.size - 1;
  for (let k = 0; k < last; k++) {
    sum += parameter.weights[k]!;
    if (q < sum) return coordinateOf(parameter, k);
  }
  return coordinateOf(parameter, last);
};

/** The prior probability of coordinates below u; of a choice parameter, of the choices before the one at u. */
export const priorCdf = (parameter: Parameter, u: number): number => {
  if (isNumeric(parameter)) return below(parameter.prior, u);
  let sum = 0;
  for (let k = 0; k < indexOf(parameter, u); k++) sum += parameter.weights[k]!;
  return sum;
};

/** Keeps the density of a beta prior finite at the ends of the axis. */
const EDGE = 1e-3;

/** The density of the parameter's prior or weights at a coordinate, on the cube's axis: 1 where every value is equally likely. */
export const priorDensity = (parameter: Parameter, u: number): number => {
  if (!isNumeric(parameter)) return parameter.size * parameter.weights[indexOf(parameter, u)]!;
  const { prior } = parameter;
  if (prior.type === "uniform") return 1;
  if (prior.type === "normal") return truncatedNormalDensity(u, prior.mean, prior.sd, 0, 1);
  return betaDensity(Math.min(1 - EDGE, Math.max(EDGE, u)), prior.alpha, prior.beta);
};
