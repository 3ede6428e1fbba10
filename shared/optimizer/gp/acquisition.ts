import type { Criterion } from "./criteria.ts";
import { logSum } from "./expected-improvement.ts";
import type { Features } from "./features.ts";
import type { LogPrior } from "./optimum-prior.ts";
import type { Moments, Posterior, Predictions } from "./posterior.ts";

/** A criterion and the posteriors whose predictions it uses. */
export interface Term {
  readonly posteriors: readonly Posterior[];
  readonly criterion: Criterion;
}

/** Candidates and what the terms predict at them. */
export interface Pool {
  readonly points: readonly Float64Array[];
  readonly terms: readonly { readonly term: Term; readonly predictions: readonly Predictions[] }[];
}

/**
 * The acquisition, in logarithms: the mean of a criterion over alternatives (posteriors of different hyperparameters, which
 * few trials do not determine), times factors (probabilities that constraints hold), times the prior's density of the
 * optimum.
 */
export class Acquisition {
  private readonly features: Features;
  private readonly alternatives: readonly Term[];
  private readonly factors: readonly Term[];
  private readonly logPrior: LogPrior | null;
  private readonly row: Float64Array;
  private readonly moments: Moments;
  private readonly kept: Pool[] = [];

  constructor(
    features: Features,
    alternatives: readonly Term[],
    factors: readonly Term[],
    logPrior: LogPrior | null,
  ) {
    this.features = features;
    this.alternatives = alternatives;
    this.factors = factors;
    this.logPrior = logPrior;
    this.row = new Float64Array(features.width);
    this.moments = {
      mean: 0,
      variance: 0,
      meanGradient: new Float64Array(features.numeric),
      varianceGradient: new Float64Array(features.numeric),
    };
  }

  /** @param alternatives uses only so many of them, for a first pass. */
  pool(points: readonly Float64Array[], alternatives = this.alternatives.length): Pool {
    const { width } = this.features;
    const features = new Float64Array(points.length * width);
    for (const [i, x] of points.entries()) this.features.write(x, 0, features, i * width);
    const terms = [...this.alternatives.slice(0, alternatives), ...this.factors].map((term) => ({
      term,
      predictions: term.posteriors.map((posterior) => posterior.predict(features, points.length)),
    }));
    return { points, terms };
  }

  /** The same, and the pool is updated with every point that is added. */
  keptPool(points: readonly Float64Array[], alternatives?: number): Pool {
    const pool = this.pool(points, alternatives);
    this.kept.push(pool);
    return pool;
  }

  /** The logarithm of the acquisition at each candidate. */
  values({ points, terms }: Pool): Float64Array {
    const most = terms.reduce((widest, { predictions }) => Math.max(widest, predictions.length), 0);
    const mean = new Float64Array(most);
    const sd = new Float64Array(most);
    const count = terms.length - this.factors.length;
    const logs = new Float64Array(count);
    return Float64Array.from(points, (x, c) => {
      let value = this.logPrior?.(x) ?? 0;
      for (const [t, { term, predictions }] of terms.entries()) {
        for (const [j, prediction] of predictions.entries()) {
          mean[j] = prediction.mean[c]!;
          sd[j] = Math.sqrt(prediction.variance[c]!);
        }
        const worth = term.criterion(mean, sd);
        if (t < count) logs[t] = worth;
        else value += worth;
      }
      return count > 0 ? value + logSum(logs) - Math.log(count) : value;
    });
  }

  /** The same at one point, with its derivatives by the coordinates of numeric parameters. */
  slopeAt(x: Float64Array, gradient: Float64Array): number {
    const { numeric, parameterOf, perCoordinate } = this.features;
    this.features.write(x, 0, this.row, 0);
    gradient.fill(0);
    let value = this.logPrior?.(x, gradient) ?? 0;
    const values = new Float64Array(this.alternatives.length);
    const slopes = this.alternatives.map((term, t) => {
      const slope = new Float64Array(numeric);
      values[t] = this.termAt(term, slope);
      return slope;
    });
    const total = logSum(values);
    const add = (slope: Float64Array, weight: number) => {
      for (let j = 0; j < numeric; j++) gradient[parameterOf[j]!]! += weight * slope[j]! * perCoordinate[j]!;
    };
    for (const [t, slope] of slopes.entries()) add(slope, Math.exp(values[t]! - total));
    if (slopes.length > 0) value += total - Math.log(slopes.length);
    for (const term of this.factors) {
      const slope = new Float64Array(numeric);
      value += this.termAt(term, slope);
      add(slope, 1);
    }
    return value;
  }

  /** A term's value at the current row, and its derivatives by the numeric features. */
  private termAt({ posteriors, criterion }: Term, slope: Float64Array): number {
    const { numeric } = this.features;
    const m = posteriors.length;
    const mean = new Float64Array(m);
    const sd = new Float64Array(m);
    const meanSlopes = new Float64Array(m * numeric);
    const sdSlopes = new Float64Array(m * numeric);
    for (const [j, posterior] of posteriors.entries()) {
      posterior.moments(this.row, this.moments);
      mean[j] = this.moments.mean;
      sd[j] = Math.sqrt(this.moments.variance);
      for (let k = 0; k < numeric; k++) {
        meanSlopes[j * numeric + k] = this.moments.meanGradient[k]!;
        sdSlopes[j * numeric + k] = this.moments.varianceGradient[k]! / (2 * sd[j]!);
      }
    }
    const byMean = new Float64Array(m);
    const bySd = new Float64Array(m);
    const value = criterion(mean, sd, byMean, bySd);
    for (let j = 0; j < m; j++) {
      for (let k = 0; k < numeric; k++) {
        slope[k]! += byMean[j]! * meanSlopes[j * numeric + k]! + bySd[j]! * sdSlopes[j * numeric + k]!;
      }
    }
    return value;
  }

  /** Adds a point as running, and updates the pools that are kept. */
  add(x: Float64Array): void {
    this.features.write(x, 0, this.row, 0);
    const known = new Map<Posterior, Predictions[]>();
    for (const { posteriors } of [...this.alternatives, ...this.factors]) {
      for (const posterior of posteriors) known.set(posterior, []);
    }
    for (const { terms } of this.kept) {
      for (const { term, predictions } of terms) {
        for (const [j, posterior] of term.posteriors.entries()) known.get(posterior)!.push(predictions[j]!);
      }
    }
    for (const [posterior, predictions] of known) posterior.add(this.row, predictions);
  }
}
