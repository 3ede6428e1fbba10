import type { Boxes } from "./boxes.ts";
import { logImprovement, logNormalCdf, logNormalDensity, logSum } from "./expected-improvement.ts";

/**
 * What makes a point worth trying, as a function of the predictions there: a criterion returns its logarithm, and the
 * derivatives by each predicted mean and standard deviation.
 * @param mean,sd one prediction per objective or constraint that it uses.
 * @param byMean,bySd filled with the derivatives, if given.
 */
export type Criterion = (
  mean: Float64Array,
  sd: Float64Array,
  byMean?: Float64Array,
  bySd?: Float64Array,
) => number;

/** The logarithm of the expected improvement below `best`. */
export const expectedImprovement =
  (best: number): Criterion =>
  (mean, sd, byMean, bySd) => {
    const z = (best - mean[0]!) / sd[0]!;
    const log = logImprovement(z);
    if (byMean && bySd) {
      byMean[0] = -Math.exp(logNormalCdf(z) - log) / sd[0]!;
      bySd[0] = Math.exp(logNormalDensity(z) - log) / sd[0]!;
    }
    return Math.log(sd[0]!) + log;
  };

/**
 * A criterion of the first prediction with a trend added to its mean: a weighted sum of the means of the others.
 * @param factors one per prediction after the first.
 */
export const aboveTrend =
  (criterion: Criterion, factors: readonly number[]): Criterion =>
  (mean, sd, byMean, bySd) => {
    const total = [mean[0]!];
    for (const [k, factor] of factors.entries()) total[0]! += factor * mean[k + 1]!;
    const value = criterion(Float64Array.from(total), sd, byMean, bySd);
    if (byMean && bySd) {
      for (const [k, factor] of factors.entries()) {
        byMean[k + 1] = factor * byMean[0]!;
        bySd[k + 1] = 0;
      }
    }
    return value;
  };

/** The power of a constraint's probability: with a lower one, half of all trials end up just out of bounds. */
const CAUTION = 2;

/** The logarithm of the probability that the value is at most 0, raised to a power. */
export const feasibility: Criterion = (mean, sd, byMean, bySd) => {
  const z = -mean[0]! / sd[0]!;
  const log = logNormalCdf(z);
  if (byMean && bySd) {
    const ratio = CAUTION * Math.exp(logNormalDensity(z) - log);
    byMean[0] = -ratio / sd[0]!;
    bySd[0] = (-ratio * z) / sd[0]!;
  }
  return CAUTION * log;
};

/**
 * The logarithm of the expected hypervolume improvement, exact for independent predictions: the sum over boxes of the
 * product of expected side lengths (Yang et al. 2019, "Efficient computation of expected hypervolume improvement").
 */
export const hypervolumeImprovement = ({ m, count, lower, upper }: Boxes): Criterion => {
  // The same ends occur in many boxes: compute each once.
  const ends = Array.from({ length: m }, (_, j) => {
    const values = new Set<number>();
    for (let i = 0; i < count; i++) values.add(lower[i * m + j]!).add(upper[i * m + j]!);
    return Float64Array.from(values).sort();
  });
  const indexOf = (values: Float64Array, j: number) =>
    Int32Array.from({ length: count }, (_, i) => ends[j]!.indexOf(values[i * m + j]!));
  const lowerAt = ends.map((_, j) => indexOf(lower, j));
  const upperAt = ends.map((_, j) => indexOf(upper, j));
  const logs = ends.map((values) => new Float64Array(values.length));
  const sides = new Float64Array(count * m);
  const volumes = new Float64Array(count);
  return (mean, sd, byMean, bySd) => {
    for (let j = 0; j < m; j++) {
      const logSd = Math.log(sd[j]!);
      const values = ends[j]!;
      for (let k = 0; k < values.length; k++) {
        const end = values[k]!;
        logs[j]![k] = end === -Infinity ? -Infinity : logSd + logImprovement((end - mean[j]!) / sd[j]!);
      }
    }
    for (let i = 0; i < count; i++) {
      volumes[i] = 0;
      for (let j = 0; j < m; j++) {
        const high = logs[j]![upperAt[j]![i]!]!;
        const low = logs[j]![lowerAt[j]![i]!]!;
        // ln(E[(u - Y)+] - E[(l - Y)+]), the expected length of the side that lies above Y.
        const side = low === -Infinity ? high : high + Math.log(-Math.expm1(Math.min(-1e-12, low - high)));
        sides[i * m + j] = side;
        volumes[i]! += side;
      }
    }
    const total = logSum(volumes);
    if (byMean && bySd) {
      byMean.fill(0);
      bySd.fill(0);
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < m; j++) {
          const weight = volumes[i]! - total - sides[i * m + j]!;
          if (weight + sides[i * m + j]! < -30) continue;
          const h = (upper[i * m + j]! - mean[j]!) / sd[j]!;
          const l = (lower[i * m + j]! - mean[j]!) / sd[j]!;
          byMean[j]! -=
            Math.exp(weight + logNormalCdf(h)) - (l === -Infinity ? 0 : Math.exp(weight + logNormalCdf(l)));
          bySd[j]! +=
            Math.exp(weight + logNormalDensity(h)) -
            (l === -Infinity ? 0 : Math.exp(weight + logNormalDensity(l)));
        }
      }
    }
    return total;
  };
};
