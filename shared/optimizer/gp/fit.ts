import { factorise, solveLowerTransposed } from "../../numerics/cholesky.ts";
import { type Bounds, type Differentiable, type Minimum, minimise } from "../../numerics/lbfgs.ts";
import type { Random } from "../../numerics/random.ts";
import { keepBest } from "../common/thin.ts";
import { type Data, negativeLogPosterior, type Priors, pickRows, priorMode } from "./model.ts";
import { negativeLogPosteriorWithSlopes } from "./slope-model.ts";
import { MOST_OF_ROW, thinSlopes } from "./slopes.ts";

/** A step for differences of the gradient. */
const STEP = 1e-3;
/** Draws further than this many standard deviations from the mode are not trusted. */
const FURTHEST = 3;

const boundsOf = (data: Data, priors: Priors, length: number): Bounds => {
  const { width } = data.layout;
  const lower = new Float64Array(length).fill(-2.5);
  const upper = new Float64Array(length).fill(2.5);
  lower.fill(Math.log(0.02), 0, width);
  upper.fill(Math.log(0.02) + 12, 0, width);
  lower[width] = Math.log(1e-7);
  upper[width] = Math.log(10);
  if (priors.warpSd > 0) {
    lower.fill(-1.5, width + 1);
    upper.fill(1.5, width + 1);
  }
  return { lower, upper };
};

const densityOf = (data: Data, priors: Priors): Differentiable =>
  data.slopes === undefined || data.slopes.count === 0
    ? negativeLogPosterior(data, priors)
    : negativeLogPosteriorWithSlopes(data, data.slopes, priors);

/**
 * The mode of the hyperparameters' posterior, from the best of several starts.
 * @param starts vectors of the length that `priorMode` has.
 * @param most evaluations of the posterior per start.
 */
export const fitMode = (
  data: Data,
  priors: Priors,
  starts: readonly Float64Array[],
  most: number,
): Minimum => {
  const f = densityOf(data, priors);
  const length = priorMode(data.layout, priors).length;
  const bounds = boundsOf(data, priors, length);
  let best: Minimum = { x: priorMode(data.layout, priors), value: Infinity, evaluations: 0 };
  for (const start of starts) {
    const minimum = minimise(f, start, bounds, most, 1e-4);
    if (minimum.value < best.value) best = minimum;
  }
  return best;
};

/**
 * Draws from the hyperparameters' posterior by Laplace's approximation: normal around the mode with the inverse Hessian
 * (differences of the gradient) as covariance.
 * @returns `count` vectors, the first one the mode itself; only that where the density has no curvature that can be computed.
 */
export const drawAround = (
  data: Data,
  priors: Priors,
  mode: Float64Array,
  count: number,
  random: Random,
): Float64Array[] => {
  const draws = [mode];
  if (count <= 1) return draws;
  // The warps stay at the mode: after few trials the uncertain hyperparameters are the scales and the noise.
  const p = data.layout.width + 1;
  const f = densityOf(data, priors);
  const { lower, upper } = boundsOf(data, priors, mode.length);
  const hessian = new Float64Array(p * p);
  const here = new Float64Array(mode.length);
  const there = new Float64Array(mode.length);
  f(mode, here);
  for (let i = 0; i < p; i++) {
    const moved = Float64Array.from(mode);
    moved[i]! += STEP;
    f(moved, there);
    for (let j = 0; j < p; j++) hessian[i * p + j] = (there[j]! - here[j]!) / STEP;
  }
  for (let i = 0; i < p; i++) {
    for (let j = 0; j < i; j++) {
      const mean = (hessian[i * p + j]! + hessian[j * p + i]!) / 2;
      hessian[i * p + j] = mean;
      hessian[j * p + i] = mean;
    }
  }
  const l = damped(hessian, p);
  if (l === null) return draws;
  while (draws.length < count) {
    const z = Float64Array.from({ length: p }, () => random.normal());
    const distance = Math.sqrt(z.reduce((sum, u) => sum + u * u, 0) / p);
    if (distance > FURTHEST) continue;
    solveLowerTransposed(l, p, z);
    draws.push(mode.map((u, i) => Math.min(upper[i]!, Math.max(lower[i]!, i < p ? u + z[i]! : u))));
  }
  return draws;
};

/** The factor of the Hessian, made positive definite by adding as much of the identity as necessary; null where it is not finite. */
const damped = (hessian: Float64Array, p: number): Float64Array | null => {
  for (let damping = 0.05; damping < Number.POSITIVE_INFINITY; damping *= 4) {
    const l = Float64Array.from(hessian);
    for (let i = 0; i < p; i++) l[i * p + i]! += damping;
    if (factorise(l, p)) return l;
  }
  return null;
};

/** Fewer data for a fit that may be coarser: the better half of what is wanted, and the others evenly thinned. */
export const thin = (data: Data, count: number): Data => {
  const { targets } = data;
  const order = Array.from(targets, (_, i) => i).sort((a, b) => targets[a]! - targets[b]!);
  const rows = keepBest(order, count, "middle");
  const thinned = pickRows(data, rows);
  if (thinned.slopes === undefined) return thinned;
  // The rows are in order of their targets.
  const best = rows.map((_, i) => i);
  return {
    ...thinned,
    slopes: thinSlopes(thinned.slopes, best, Math.max(Math.min(data.layout.numeric, MOST_OF_ROW), count)),
  };
};
