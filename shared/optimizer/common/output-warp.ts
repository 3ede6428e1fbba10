import { normalQuantile } from "../../numerics/normal.ts";

/**
 * Transforms objectives so that a stationary process fits them: outliers and failed trials must not hide the differences
 * between good trials. All transforms are monotone, so the order of the trials stays.
 */

/** Transformed values, and how fast each one changes with the value that was given; NaN where only its rank counts. */
export interface Warped {
  readonly targets: Float64Array;
  readonly slopes: Float64Array;
}

const median = (sorted: Float64Array): number => {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

/** Values after a shift and a multiplication. */
interface Rescaled {
  readonly values: Float64Array;
  /** By how much they were multiplied. */
  readonly factor: number;
}

/** Values divided by a power of two, so that none is above 1: the square of none overflows, and no digit changes. */
const scaledDown = (y: Float64Array): Rescaled => {
  const largest = y.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  if (largest === 0) return { values: y, factor: 1 };
  const order = Math.ceil(Math.log2(largest));
  // In two steps: one power alone may itself overflow.
  const half = 2 ** -Math.trunc(order / 2);
  const rest = 2 ** -(order - Math.trunc(order / 2));
  return { values: y.map((v) => v * half * rest), factor: half * rest };
};

/** Mean 0 and standard deviation 1, whatever the unit; zeros when all values are equal. */
export const standardise = (values: Float64Array): Float64Array => standardised(values).values;

const standardised = (given: Float64Array): Rescaled => {
  const { values: y, factor } = scaledDown(given);
  const n = y.length;
  const mean = y.reduce((sum, v) => sum + v, 0) / n;
  const variance = y.reduce((sum, v) => sum + (v - mean) * (v - mean), 0) / n;
  const sd = Math.sqrt(variance);
  return { values: y.map((v) => (sd > 0 ? (v - mean) / sd : 0)), factor: sd > 0 ? factor / sd : 0 };
};

/** Median 0, and an interquartile range about as wide as a standard normal's. */
const standardisedByMiddle = (given: Float64Array): Rescaled => {
  const { values: y, factor } = scaledDown(given);
  const sorted = Float64Array.from(y).sort();
  const n = y.length;
  const middle = median(sorted);
  const quartiles = sorted[Math.floor((3 * (n - 1)) / 4)]! - sorted[Math.ceil((n - 1) / 4)]!;
  const sd = Math.sqrt(y.reduce((sum, v) => sum + (v - middle) ** 2, 0) / n);
  const width = quartiles > 1e-9 * sd ? quartiles / 1.35 : sd;
  return {
    values: y.map((v) => (width > 0 ? (v - middle) / width : 0)),
    factor: width > 0 ? factor / width : 0,
  };
};

const yeoJohnsonAt = (v: number, lambda: number): number => {
  if (v >= 0) return Math.abs(lambda) < 1e-9 ? Math.log1p(v) : ((1 + v) ** lambda - 1) / lambda;
  const other = 2 - lambda;
  return Math.abs(other) < 1e-9 ? -Math.log1p(-v) : -((1 - v) ** other - 1) / other;
};

/** The profile log likelihood of lambda (Yeo and Johnson 2000, equation 3.1), with a normal prior about 1. */
const likelihood = (y: Float64Array, lambda: number, priorSd: number): number => {
  const n = y.length;
  let sum = 0;
  let squares = 0;
  let jacobian = 0;
  for (const v of y) {
    const warped = yeoJohnsonAt(v, lambda);
    sum += warped;
    squares += warped * warped;
    jacobian += Math.sign(v) * Math.log1p(Math.abs(v));
  }
  const variance = Math.max(1e-12, squares / n - (sum / n) ** 2);
  return -(n / 2) * Math.log(variance) + (lambda - 1) * jacobian - ((lambda - 1) / priorSd) ** 2 / 2;
};

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Yeo and Johnson's power transform, its power by maximum likelihood. */
export const yeoJohnson = (given: Float64Array): Warped => {
  const { values: y, factor } = standardisedByMiddle(given);
  let low = -2;
  let high = 3;
  for (let i = 0; i < 20; i++) {
    const left = high - GOLDEN * (high - low);
    const right = low + GOLDEN * (high - low);
    if (likelihood(y, left, 2) > likelihood(y, right, 2)) high = right;
    else low = left;
  }
  const lambda = (low + high) / 2;
  const last = standardised(y.map((v) => yeoJohnsonAt(v, lambda)));
  return {
    targets: last.values,
    slopes: y.map((v) => factor * (1 + Math.abs(v)) ** (v >= 0 ? lambda - 1 : 1 - lambda) * last.factor),
  };
};

/**
 * The better half of the values as it is, the worse half by its ranks only, spread as the better half's mirror image
 * would be if it were normal. Source: Vizier's half-rank warp (Song et al. 2024, "The Vizier Gaussian process bandit").
 */
export const halfRank = (given: Float64Array): Warped => {
  const { values, factor } = scaledDown(given);
  const n = values.length;
  const sorted = Float64Array.from(values).sort();
  const middle = median(sorted);
  const better = sorted.subarray(
    0,
    countWhile(sorted, (v) => v <= middle),
  );
  const width = Math.sqrt(better.reduce((sum, v) => sum + (v - middle) ** 2, 0) / better.length);
  if (!(width > 0)) {
    const { values: targets } = standardised(rankNormal(values, sorted));
    return { targets, slopes: values.map(() => Number.NaN) };
  }
  const y = values.map((v) =>
    v <= middle ? (v - middle) / width : normalQuantile((rankOf(sorted, v) + 0.5) / n),
  );
  const last = standardised(y);
  const slope = (factor / width) * last.factor;
  return { targets: last.values, slopes: values.map((v) => (v <= middle ? slope : Number.NaN)) };
};

const rankNormal = (values: Float64Array, sorted: Float64Array): Float64Array =>
  values.map((v) => normalQuantile((rankOf(sorted, v) + 0.5) / values.length));

/** The mean rank of the values equal to v, from 0. */
const rankOf = (sorted: Float64Array, v: number): number =>
  (countWhile(sorted, (u) => u < v) + countWhile(sorted, (u) => u <= v) - 1) / 2;

/** How many values satisfy a condition that holds for a beginning of the sorted values only. */
const countWhile = (sorted: Float64Array, holds: (u: number) => boolean): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const half = (low + high) >> 1;
    if (holds(sorted[half]!)) low = half + 1;
    else high = half;
  }
  return low;
};
