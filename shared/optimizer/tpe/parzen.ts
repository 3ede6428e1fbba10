import { normalCdf, truncatedNormalQuantile } from "../../numerics/normal.ts";
import type { Random } from "../../numerics/random.ts";
import { isActive } from "../../space/activity.ts";
import { cellOf, coordinateOf, snapCoordinate } from "../../space/axis.ts";
import { priorQuantile } from "../../space/prior.ts";
import { isNumeric, type NumericParameter, type Parameter, type Space } from "../../space/space.ts";

/**
 * A Parzen estimator over a search space: a mixture of one kernel an observation and one for the prior. A kernel is a
 * product over the parameters: a truncated normal for a number, a mostly certain choice for a categorical one. Where a
 * kernel's observation lacks a parameter that a point has, the prior takes its place; so the estimator is one proper
 * density over all branches of a conditional space, and what two branches share is learned from both.
 */

/** Weight of the prior's kernel, where an observation's is 1. */
const PRIOR_WEIGHT = 1;
/** Finite parameters up to this size get kernels that sum to 1 over their values; larger ones are as good as continuous. */
const MAX_CELLS = 64;
const LOG_SQRT_2_PI = 0.9189385332046728;

/** One parameter's share of all kernels; `logDensity` adds it to `sums`, one a kernel, for a coordinate. */
interface Column {
  addLogDensity(u: number, sums: Float64Array): void;
  /** A coordinate drawn from a kernel. */
  draw(kernel: number, random: Random): number;
}

export interface Parzen {
  /** log density at a snapped point. */
  logDensity(x: ArrayLike<number>): number;
  /** A point drawn from the mixture; constraints are not looked at. */
  sample(random: Random): Float64Array;
}

/**
 * @param x observations, n rows of coordinates, NaN where inactive.
 * @param rows which rows of x to use; @param weights one each, or null for equal weights.
 */
export const createParzen = (
  space: Space,
  x: Float64Array,
  rows: readonly number[],
  weights: Float64Array | null,
): Parzen => {
  const d = space.parameters.length;
  const n = rows.length;
  const columns = space.parameters.map((parameter) => {
    const values = Float64Array.from(rows, (row) => x[row * d + parameter.index]!);
    return isNumeric(parameter) && parameter.size > 1
      ? numericColumn(parameter, values, d)
      : choiceColumn(parameter, values);
  });
  const total = (weights?.reduce((sum, weight) => sum + weight, 0) ?? n) + PRIOR_WEIGHT;
  const logWeights = Float64Array.from({ length: n + 1 }, (_, k) =>
    Math.log((k < n ? (weights?.[k] ?? 1) : PRIOR_WEIGHT) / total),
  );
  const sums = new Float64Array(n + 1);

  const pickKernel = (random: Random): number => {
    let left = random.uniform() * total;
    for (let k = 0; k < n; k++) {
      left -= weights?.[k] ?? 1;
      if (left < 0) return k;
    }
    return n;
  };

  return {
    logDensity: (point) => {
      sums.set(logWeights);
      for (let j = 0; j < d; j++) {
        const u = point[j]!;
        if (!Number.isNaN(u)) columns[j]!.addLogDensity(u, sums);
      }
      return logSumExp(sums);
    },
    sample: (random) => {
      const kernel = pickKernel(random);
      const point = new Float64Array(d).fill(Number.NaN);
      for (const parameter of space.parameters) {
        if (isActive(space, parameter, point)) {
          point[parameter.index] = columns[parameter.index]!.draw(kernel, random);
        }
      }
      return point;
    },
  };
};

const logSumExp = (values: Float64Array): number => {
  let most = -Infinity;
  for (let k = 0; k < values.length; k++) if (values[k]! > most) most = values[k]!;
  let sum = 0;
  for (let k = 0; k < values.length; k++) {
    const below = values[k]! - most;
    if (below > -40) sum += Math.exp(below);
  }
  return most + Math.log(sum);
};

/** Bandwidth of n kernels in d dimensions: Scott's rule, not narrower than the magic clip (Optuna's constants). */
const bandwidth = (n: number, d: number): number => {
  const scott = 0.2 * Math.max(n, 1) ** (-1 / (d + 4));
  return Math.min(1, Math.max(scott, 1 / Math.min(100, n + 2)));
};

/** A number's kernels. `centers` has NaN where the parameter is inactive; the last kernel is the prior's. */
const numericColumn = (parameter: NumericParameter, values: Float64Array, d: number): Column => {
  const n = values.length;
  const sd = bandwidth(n, d);
  const prior = priorKernel(parameter);
  const centers = new Float64Array(n + 1);
  const factors = new Float64Array(n + 1);
  const norms = new Float64Array(n + 1);
  const normOf = normaliser(parameter, sd);
  for (let k = 0; k < n; k++) {
    const u = values[k]!;
    if (Number.isNaN(u)) {
      centers[k] = prior.center;
      factors[k] = prior.factor;
      norms[k] = prior.norm;
    } else {
      centers[k] = u;
      factors[k] = -0.5 / (sd * sd);
      norms[k] = normOf(u);
    }
  }
  centers[n] = prior.center;
  factors[n] = prior.factor;
  norms[n] = prior.norm;
  return {
    addLogDensity: (u, sums) => {
      for (let k = 0; k <= n; k++) {
        const away = u - centers[k]!;
        sums[k]! += away * away * factors[k]! - norms[k]!;
      }
    },
    draw: (kernel, random) => {
      if (kernel === n || Number.isNaN(values[kernel]!)) return priorQuantile(parameter, random.uniform());
      const u = truncatedNormalQuantile(random.uniform(), values[kernel]!, sd, 0, 1);
      return snapCoordinate(parameter, u);
    },
  };
};

/** log of what a kernel around u must be divided by to have mass 1, as a density over the axis. */
const normaliser = (parameter: NumericParameter, sd: number): ((u: number) => number) => {
  if (parameter.size > MAX_CELLS) {
    return (u) => Math.log(normalCdf((1 - u) / sd) - normalCdf(-u / sd)) + Math.log(sd) + LOG_SQRT_2_PI;
  }
  const cells = Float64Array.from({ length: parameter.size }, (_, k) => coordinateOf(parameter, k));
  const known = new Map<number, number>();
  return (u) => {
    let norm = known.get(u);
    if (norm === undefined) {
      let sum = 0;
      for (const cell of cells) sum += Math.exp((-0.5 * (cell - u) ** 2) / (sd * sd));
      norm = Math.log(sum / cells.length);
      known.set(u, norm);
    }
    return norm;
  };
};

/** The prior as a kernel: flat when it is uniform, else a normal; a beta prior by its mean and deviation. */
const priorKernel = (parameter: NumericParameter) => {
  const { prior } = parameter;
  if (prior.type === "uniform") return { center: 0, factor: 0, norm: 0 };
  const { mean, sd } = prior.type === "normal" ? prior : momentsOf(prior.alpha, prior.beta);
  return { center: mean, factor: -0.5 / (sd * sd), norm: normaliser(parameter, sd)(mean) };
};

const momentsOf = (a: number, b: number) => ({
  mean: a / (a + b),
  sd: Math.sqrt((a * b) / (a + b + 1)) / (a + b),
});

/** A choice's kernels: each gives its own choice weight 1 beside a share of the prior. */
const choiceColumn = (parameter: Parameter, values: Float64Array): Column => {
  const n = values.length;
  const size = parameter.size;
  const priors = isNumeric(parameter) ? [1] : parameter.weights;
  const choices = Int32Array.from(values, (u) => (Number.isNaN(u) ? -1 : cellOf(u, size)));
  const share = (PRIOR_WEIGHT * size) / (n + 1);
  const logHit = priors.map((p) => Math.log((1 + share * p) / (1 + share)));
  const logMiss = priors.map((p) => Math.log((share * p) / (1 + share)));
  const logPrior = priors.map((p) => Math.log(p));
  return {
    addLogDensity: (u, sums) => {
      const choice = cellOf(u, size);
      const hit = logHit[choice]!;
      const miss = logMiss[choice]!;
      const prior = logPrior[choice]!;
      for (let k = 0; k < n; k++) sums[k]! += choices[k] === choice ? hit : choices[k] === -1 ? prior : miss;
      sums[n]! += prior;
    },
    draw: (kernel, random) => {
      const isPrior = kernel === n || choices[kernel] === -1 || random.uniform() * (1 + share) >= 1;
      return isPrior ? priorQuantile(parameter, random.uniform()) : values[kernel]!;
    },
  };
};
