import { normalise } from "./input-warp.ts";

/**
 * The covariance of a Gaussian process: Matern 5/2 with one length scale per feature (ARD). Two points are apart by
 * r^2 = sum of ((a_j - b_j) / l_j)^2 over numbers and of 1 / l_j^2 over the choices in which they differ.
 */

export const SQRT5 = Math.sqrt(5);

/** Matern 5/2 of a squared distance, at unit variance (Rasmussen and Williams 2006, equation 4.17). */
export const matern52 = (squared: number): number => {
  const r = SQRT5 * Math.sqrt(squared);
  return (1 + r + (r * r) / 3) * Math.exp(-r);
};

/** The hyperparameters of a covariance, which a fit finds. */
export interface Shape {
  /** One length scale per feature, in logarithms. */
  readonly logScale: Float64Array;
  /** Noise variance as a part of the signal's, in logarithms. */
  readonly logNoise: number;
  /** Exponents of each numeric feature's warp, in logarithms; empty for none. */
  readonly warpA: Float64Array;
  readonly warpB: Float64Array;
}

/** Which features there are. */
export interface Layout {
  readonly width: number;
  /** Numeric features come first. */
  readonly numeric: number;
}

/**
 * Features divided by their length scales, after the warp, so that distances are plain sums of squares.
 * Of a choice the index stays: it is compared, not subtracted.
 */
export const scaled = (
  { width, numeric }: Layout,
  { logScale, warpA, warpB }: Shape,
  features: Float64Array,
  n: number,
): Float64Array => {
  const out = new Float64Array(n * width);
  for (let j = 0; j < width; j++) {
    const inverse = Math.exp(-logScale[j]!);
    const isWarped = warpA.length > 0 && j < numeric;
    const a = isWarped ? Math.exp(warpA[j]!) : 1;
    const b = isWarped ? Math.exp(warpB[j]!) : 1;
    for (let i = 0; i < n; i++) {
      const value = features[i * width + j]!;
      out[i * width + j] = j >= numeric ? value : inverse * (isWarped ? normalise(value, a, b) : value);
    }
  }
  return out;
};

/** 1 / l^2 of each choice feature. */
export const choiceWeights = ({ width, numeric }: Layout, { logScale }: Shape): Float64Array =>
  Float64Array.from({ length: width - numeric }, (_, j) => Math.exp(-2 * logScale[numeric + j]!));

/** The squared distance of a row of `s` and a row of `t`, both scaled. */
export const squaredDistance = (
  { width, numeric }: Layout,
  weights: Float64Array,
  s: Float64Array,
  a: number,
  t: Float64Array,
  b: number,
): number => {
  let sum = 0;
  for (let j = 0; j < numeric; j++) {
    const difference = s[a + j]! - t[b + j]!;
    sum += difference * difference;
  }
  for (let j = numeric; j < width; j++) if (s[a + j] !== t[b + j]) sum += weights[j - numeric]!;
  return sum;
};
