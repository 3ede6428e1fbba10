import { eigenSymmetric } from "../../numerics/eigen.ts";

/**
 * The evolution strategy with covariance matrix adaptation on d numbers: distribution, step size and their update.
 * Source: Hansen 2016, "The CMA evolution strategy: a tutorial" (arXiv 1604.00772), with its default constants and
 * negative weights (active CMA).
 */

/** Constants that follow from dimension and population. Tutorial, table 1. */
export interface Constants {
  readonly d: number;
  readonly lambda: number;
  readonly mu: number;
  /** From best to worst, the worse half negative. */
  readonly weights: Float64Array;
  readonly muEff: number;
  readonly cSigma: number;
  readonly dSigma: number;
  readonly cC: number;
  readonly c1: number;
  readonly cMu: number;
  /** The expected length of a standard normal vector. */
  readonly chi: number;
}

/** The default population. */
export const populationOf = (d: number): number => 4 + Math.floor(3 * Math.log(Math.max(1, d)));

const constantsOf = (d: number, lambda: number): Constants => {
  const raw = Array.from({ length: lambda }, (_, i) => Math.log((lambda + 1) / 2) - Math.log(i + 1));
  const mu = Math.floor(lambda / 2);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const squares = (values: readonly number[]) => sum(values.map((v) => v * v));
  const better = raw.slice(0, mu);
  const worse = raw.slice(mu);
  const muEff = sum(better) ** 2 / squares(better);
  const muEffWorse = sum(worse) ** 2 / squares(worse);
  const cSigma = (muEff + 2) / (d + muEff + 5);
  const c1 = 2 / ((d + 1.3) ** 2 + muEff);
  const cMu = Math.min(1 - c1, (2 * (0.25 + muEff + 1 / muEff - 2)) / ((d + 2) ** 2 + muEff));
  const strength = Math.min(1 + c1 / cMu, 1 + (2 * muEffWorse) / (muEff + 2), (1 - c1 - cMu) / (d * cMu));
  const worst = -sum(raw.filter((w) => w < 0));
  const best = sum(raw.filter((w) => w > 0));
  return {
    d,
    lambda,
    mu,
    weights: Float64Array.from(raw, (w) => (w >= 0 ? w / best : (strength * w) / worst)),
    muEff,
    cSigma,
    dSigma: 1 + 2 * Math.max(0, Math.sqrt((muEff - 1) / (d + 1)) - 1) + cSigma,
    cC: (4 + muEff / d) / (d + 4 + (2 * muEff) / d),
    c1,
    cMu,
    chi: Math.sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d)),
  };
};

/** The distribution that points are drawn from, and its evolution paths. */
export interface Strategy {
  readonly constants: Constants;
  readonly mean: Float64Array;
  sigma: number;
  readonly covariance: Float64Array;
  /** Columns: principal axes times their lengths; and the axes alone. */
  axes: Float64Array;
  lengths: Float64Array;
  readonly pathSigma: Float64Array;
  readonly pathC: Float64Array;
  generation: number;
  /** Generation at which axes and lengths were last computed. */
  decomposed: number;
}

export const createStrategy = (mean: Float64Array, sigma: number, lambda: number): Strategy => {
  const d = mean.length;
  const identity = new Float64Array(d * d);
  for (let i = 0; i < d; i++) identity[i * d + i] = 1;
  return {
    constants: constantsOf(d, lambda),
    mean: Float64Array.from(mean),
    sigma,
    covariance: Float64Array.from(identity),
    axes: identity,
    lengths: new Float64Array(d).fill(1),
    pathSigma: new Float64Array(d),
    pathC: new Float64Array(d),
    generation: 0,
    decomposed: 0,
  };
};

/** What a strategy has learned: all that cannot be computed from the rest. */
export interface Learned {
  readonly mean: ArrayLike<number>;
  readonly sigma: number;
  readonly covariance: Float64Array;
  readonly pathSigma: ArrayLike<number>;
  readonly pathC: ArrayLike<number>;
  readonly generation: number;
}

/** A strategy with the same constants and what another one has learned. */
export const restore = ({ constants }: Strategy, learned: Learned): Strategy => {
  const { mean, sigma, covariance, pathSigma, pathC, generation } = learned;
  const strategy: Strategy = {
    ...createStrategy(Float64Array.from(mean), sigma, constants.lambda),
    covariance: Float64Array.from(covariance),
    pathSigma: Float64Array.from(pathSigma),
    pathC: Float64Array.from(pathC),
    generation,
  };
  decompose(strategy);
  return strategy;
};

/** The point that belongs to standard normal numbers z. */
export const place = (
  { constants: { d }, mean, sigma, axes, lengths }: Strategy,
  z: ArrayLike<number>,
): Float64Array =>
  mean.map((m, i) => {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += axes[i * d + k]! * lengths[k]! * z[k]!;
    return m + sigma * sum;
  });

/** C^-1/2 y, and its squared length. */
const whiten = ({ constants: { d }, axes, lengths }: Strategy, y: Float64Array): Float64Array => {
  const along = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    let sum = 0;
    for (let i = 0; i < d; i++) sum += axes[i * d + k]! * y[i]!;
    along[k] = sum / lengths[k]!;
  }
  return y.map((_, i) => {
    let sum = 0;
    for (let k = 0; k < d; k++) sum += axes[i * d + k]! * along[k]!;
    return sum;
  });
};

const squaredLength = (v: Float64Array): number => v.reduce((sum, u) => sum + u * u, 0);

/**
 * Learns from one generation, whoever proposed its points: steps much longer than the distribution's own are shortened
 * (Hansen 2011, "Injecting external solutions into CMA-ES").
 * @param points lambda points, best first.
 */
export const learn = (strategy: Strategy, points: readonly Float64Array[]): void => {
  const { constants, mean, covariance, pathSigma, pathC } = strategy;
  const { d, mu, weights, muEff, cSigma, dSigma, cC, c1, cMu, chi } = constants;
  if (d === 0) return;
  const longest = Math.sqrt(d) + (2 * d) / (d + 2);
  const whitened: Float64Array[] = [];
  const steps = points.map((point) => {
    const step = point.map((u, i) => (u - mean[i]!) / strategy.sigma);
    const white = whiten(strategy, step);
    const length = Math.sqrt(squaredLength(white));
    const cut = Math.min(1, longest / Math.max(length, 1e-300));
    whitened.push(white.map((u) => u * cut));
    return step.map((u) => u * cut);
  });
  const shift = new Float64Array(d);
  const whiteShift = new Float64Array(d);
  for (let i = 0; i < mu; i++) {
    for (let j = 0; j < d; j++) {
      shift[j]! += weights[i]! * steps[i]![j]!;
      whiteShift[j]! += weights[i]! * whitened[i]![j]!;
    }
  }
  strategy.generation++;
  for (let j = 0; j < d; j++) {
    mean[j]! += strategy.sigma * shift[j]!;
    pathSigma[j] = (1 - cSigma) * pathSigma[j]! + Math.sqrt(cSigma * (2 - cSigma) * muEff) * whiteShift[j]!;
  }
  const length = Math.sqrt(squaredLength(pathSigma));
  const settled = Math.sqrt(1 - (1 - cSigma) ** (2 * strategy.generation));
  const isCalm = length / settled < (1.4 + 2 / (d + 1)) * chi;
  for (let j = 0; j < d; j++) {
    pathC[j] = (1 - cC) * pathC[j]! + (isCalm ? Math.sqrt(cC * (2 - cC) * muEff) * shift[j]! : 0);
  }
  // Compensates for what the rank-mu update adds or removes, so that the trace keeps its scale.
  const total = weights.reduce((a, b) => a + b, 0);
  const keep = 1 + (isCalm ? 0 : c1 * cC * (2 - cC)) - c1 - cMu * total;
  const scaled = weights.map((w, i) =>
    w >= 0 ? w : (w * d) / Math.max(1e-300, squaredLength(whitened[i]!)),
  );
  for (let a = 0; a < d; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let i = 0; i < steps.length; i++) sum += scaled[i]! * steps[i]![a]! * steps[i]![b]!;
      const value = keep * covariance[a * d + b]! + c1 * pathC[a]! * pathC[b]! + cMu * sum;
      covariance[a * d + b] = value;
      covariance[b * d + a] = value;
    }
  }
  strategy.sigma *= Math.exp(Math.min(1, (cSigma / dSigma) * (length / chi - 1)));
  if (strategy.generation - strategy.decomposed > patienceOf(constants)) decompose(strategy);
};

/** The axes are recomputed only after so many generations, since they change slowly. Tutorial, section B.2. */
export const patienceOf = ({ c1, cMu, d }: Constants): number => 1 / ((c1 + cMu) * d * 10);

/** Whether the axes are up to date with the covariance. */
export const isWhole = ({ decomposed, generation }: Strategy): boolean => decomposed === generation;

const decompose = (strategy: Strategy): void => {
  const { d } = strategy.constants;
  const { values, vectors } = eigenSymmetric(strategy.covariance, d);
  const largest = values.reduce((a, b) => Math.max(a, b), 0);
  strategy.axes = vectors;
  strategy.lengths = values.map((v) => Math.sqrt(Math.max(v, 1e-14 * largest)));
  strategy.decomposed = strategy.generation;
};

/** The standard deviation along each coordinate. */
export const spreads = ({ constants: { d }, sigma, covariance }: Strategy): Float64Array =>
  Float64Array.from({ length: d }, (_, i) => sigma * Math.sqrt(Math.max(0, covariance[i * d + i]!)));
