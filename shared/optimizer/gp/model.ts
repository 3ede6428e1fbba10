import {
  dot,
  factorise,
  invertFactorised,
  logDeterminant,
  solveFactorised,
} from "../../numerics/cholesky.ts";
import type { Differentiable } from "../../numerics/lbfgs.ts";
import { byLogA, byLogB } from "./input-warp.ts";
import { choiceWeights, type Layout, type Shape, SQRT5, scaled, squaredDistance } from "./kernel.ts";
import { type Slopes, slopesOfRows } from "./slopes.ts";

/** What a Gaussian process is fitted to. */
export interface Data {
  readonly layout: Layout;
  readonly n: number;
  /** n rows of `layout.width` features. */
  readonly features: Float64Array;
  /** n targets of about unit size. */
  readonly targets: Float64Array;
  /** How much noisier than the others each target is; 1 for an ordinary one. */
  readonly noise: Float64Array;
  /** What is known of the targets' derivatives; nothing if left out. */
  readonly slopes?: Slopes;
}

/** Some rows of the data, in the order given. */
export const pickRows = (
  { layout, features, targets, noise, slopes }: Data,
  rows: readonly number[],
): Data => {
  const { width } = layout;
  const chosen = new Float64Array(rows.length * width);
  for (const [i, row] of rows.entries())
    chosen.set(features.subarray(row * width, (row + 1) * width), i * width);
  return {
    layout,
    n: rows.length,
    features: chosen,
    targets: Float64Array.from(rows, (row) => targets[row]!),
    noise: Float64Array.from(rows, (row) => noise[row]!),
    ...(slopes && { slopes: slopesOfRows(slopes, rows) }),
  };
};

/** Normal priors on the logarithms of the hyperparameters. */
export interface Priors {
  readonly scaleMean: number;
  readonly scaleSd: number;
  readonly noiseMean: number;
  readonly noiseSd: number;
  /** Of the warps' exponents about 0; 0 leaves the warps out. */
  readonly warpSd: number;
}

/** The signal's variance is inverse-gamma distributed and integrated out: shape and rate. */
export const SIGNAL_SHAPE = 1;
export const SIGNAL_RATE = 1;

/** Hyperparameters as one vector: log scales, log noise, then the warps' exponents. */
export const toShape = ({ width, numeric }: Layout, theta: Float64Array): Shape => {
  const isWarped = theta.length > width + 1;
  return {
    logScale: theta.subarray(0, width),
    logNoise: theta[width]!,
    warpA: isWarped ? theta.subarray(width + 1, width + 1 + numeric) : new Float64Array(0),
    warpB: isWarped ? theta.subarray(width + 1 + numeric) : new Float64Array(0),
  };
};

/** The prior's mode. */
export const priorMode = ({ width, numeric }: Layout, priors: Priors): Float64Array => {
  const theta = new Float64Array(width + 1 + (priors.warpSd > 0 ? 2 * numeric : 0));
  theta.fill(priors.scaleMean, 0, width);
  theta[width] = priors.noiseMean;
  return theta;
};

/** Mean and standard deviation of the prior of hyperparameter k. */
const priorOf = (width: number, priors: Priors, k: number): readonly [number, number] => {
  if (k < width) return [priors.scaleMean, priors.scaleSd];
  if (k === width) return [priors.noiseMean, priors.noiseSd];
  return [0, priors.warpSd];
};

/**
 * What the priors add to the negative logarithm of the density.
 * @param gradient that theirs is added to.
 */
export const addPriors = (
  theta: Float64Array,
  width: number,
  priors: Priors,
  gradient: Float64Array,
): number => {
  let value = 0;
  for (let k = 0; k < theta.length; k++) {
    const [mean, sd] = priorOf(width, priors, k);
    const z = (theta[k]! - mean) / sd;
    value += (z * z) / 2;
    gradient[k]! += z / sd;
  }
  return value;
};

/** What the marginal likelihood and its gradient are made of. */
interface Marginal {
  /** Its negative logarithm, up to a constant. */
  readonly value: number;
  /** The inverse covariance times the residuals. */
  readonly alpha: Float64Array;
  /** By how much `alpha alpha'` counts in the gradient. */
  readonly factor: number;
}

/**
 * The marginal likelihood of observations of which the first `n` have the same unknown mean (generalised least squares) and the others, if
 * any, the mean 0; the signal variance is integrated out (Rasmussen and Williams 2006, section 5.4.1).
 * @param l the factor of their covariance, by rows.
 */
export const marginal = (l: Float64Array, observed: Float64Array, n: number): Marginal => {
  const size = observed.length;
  const ones = new Float64Array(size).fill(1, 0, n);
  solveFactorised(l, size, ones);
  let above = 0;
  let below = 0;
  for (let i = 0; i < size; i++) above += ones[i]! * observed[i]!;
  for (let i = 0; i < n; i++) below += ones[i]!;
  const mean = above / below;
  const residual = Float64Array.from(observed, (v, i) => (i < n ? v - mean : v));
  const alpha = Float64Array.from(residual);
  solveFactorised(l, size, alpha);
  const quadratic = dot(residual, 0, alpha, 0, size);
  const power = SIGNAL_SHAPE + size / 2;
  return {
    value: power * Math.log(SIGNAL_RATE + quadratic / 2) + logDeterminant(l, size) / 2,
    alpha,
    factor: power / (SIGNAL_RATE + quadratic / 2),
  };
};

/**
 * The negative logarithm of the hyperparameters' posterior density, up to a constant, and its gradient: the marginal
 * likelihood of a process with a constant mean (generalised least squares) and its signal variance integrated out
 * (Rasmussen and Williams 2006, section 5.4.1), plus the priors. Cost n^3 + n^2 * features.
 */
export const negativeLogPosterior = (data: Data, priors: Priors): Differentiable => {
  const { layout, n, features, targets, noise } = data;
  const { width, numeric } = layout;
  const l = new Float64Array(n * n);
  const inverse = new Float64Array(n * n);
  const scratch = new Float64Array(n * n);
  // Of each pair: (5/3)(1 + sqrt(5) r) exp(-sqrt(5) r), which all derivatives have in common.
  const common = new Float64Array(n * n);
  const pull = new Float64Array(n * numeric);
  return (theta, gradient) => {
    const shape = toShape(layout, theta);
    const eta = Math.exp(shape.logNoise);
    const points = scaled(layout, shape, features, n);
    const weights = choiceWeights(layout, shape);
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < a; b++) {
        const r = SQRT5 * Math.sqrt(squaredDistance(layout, weights, points, a * width, points, b * width));
        const decay = Math.exp(-r);
        l[a * n + b] = (1 + r + (r * r) / 3) * decay;
        common[a * n + b] = (5 / 3) * (1 + r) * decay;
      }
      l[a * n + a] = 1 + eta * noise[a]! + 1e-10;
    }
    if (!factorise(l, n)) return Number.POSITIVE_INFINITY;
    const { value, alpha, factor } = marginal(l, targets, n);

    invertFactorised(l, n, scratch, inverse);
    gradient.fill(0);
    pull.fill(0);
    let trace = 0;
    for (let a = 0; a < n; a++) {
      const rowA = a * width;
      trace += noise[a]! * (inverse[a * n + a]! - factor * alpha[a]! * alpha[a]!);
      for (let b = 0; b < a; b++) {
        const rowB = b * width;
        const h = (inverse[a * n + b]! - factor * alpha[a]! * alpha[b]!) * common[a * n + b]!;
        for (let j = 0; j < numeric; j++) {
          const difference = h * (points[rowA + j]! - points[rowB + j]!);
          pull[a * numeric + j]! += difference;
          pull[b * numeric + j]! -= difference;
        }
        for (let j = numeric; j < width; j++) {
          if (points[rowA + j] !== points[rowB + j]) gradient[j]! += h * weights[j - numeric]!;
        }
      }
    }
    gradient[width] = (eta * trace) / 2;
    const isWarped = shape.warpA.length > 0;
    for (let j = 0; j < numeric; j++) {
      const inverseScale = Math.exp(-shape.logScale[j]!);
      let byScale = 0;
      let byA = 0;
      let byB = 0;
      const a = isWarped ? Math.exp(shape.warpA[j]!) : 1;
      const b = isWarped ? Math.exp(shape.warpB[j]!) : 1;
      for (let i = 0; i < n; i++) {
        const force = pull[i * numeric + j]!;
        byScale += force * points[i * width + j]!;
        if (isWarped) {
          byA -= force * inverseScale * byLogA(features[i * width + j]!, a, b);
          byB -= force * inverseScale * byLogB(features[i * width + j]!, a, b);
        }
      }
      gradient[j] = byScale;
      if (isWarped) {
        gradient[width + 1 + j] = byA;
        gradient[width + 1 + numeric + j] = byB;
      }
    }
    return value + addPriors(theta, width, priors, gradient);
  };
};
