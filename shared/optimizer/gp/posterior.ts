import { dot, factorise, solveFactorised, solveLower, solveLowerRows } from "../../numerics/cholesky.ts";
import { slope } from "./input-warp.ts";
import { choiceWeights, matern52, type Shape, SQRT5, scaled, squaredDistance } from "./kernel.ts";
import { type Data, SIGNAL_RATE, SIGNAL_SHAPE } from "./model.ts";
import { decayAt, SLOPE_JITTER, SLOPE_VARIANCE, type Slopes } from "./slopes.ts";

/** A prediction's moments and how they change with the numeric features. */
export interface Moments {
  mean: number;
  variance: number;
  readonly meanGradient: Float64Array;
  readonly varianceGradient: Float64Array;
}

const NO_SLOPES: Slopes = {
  count: 0,
  rows: new Int32Array(0),
  axes: new Int32Array(0),
  values: new Float64Array(0),
};

/**
 * The posterior of a Gaussian process with given hyperparameters. Points whose result is not known yet (running trials,
 * those chosen just now) can be added: they leave the mean as it is and reduce the variance, as if the predicted mean had
 * been observed there. Rows of its covariance are the data's values, then their slopes, then the points added.
 */
export class Posterior {
  /** The signal's variance. */
  readonly signal: number;
  private readonly data: Data;
  private readonly slopes: Slopes;
  /** Values and slopes. */
  private readonly known: number;
  private readonly shape: Shape;
  private readonly weights: Float64Array;
  /** Scaled features of the data and the points added, by rows. */
  private readonly points: Float64Array;
  private readonly l: Float64Array;
  private readonly capacity: number;
  private readonly alpha: Float64Array;
  private readonly trend: number;
  /** L^-1 1, and the squared length of its part that belongs to the data. */
  private readonly ones: Float64Array;
  private readonly onesSquared: number;
  private readonly noise: number;
  /** Scratch memory of `moments`, which is called often. */
  private readonly scratch: {
    readonly k: Float64Array;
    readonly common: Float64Array;
    readonly solution: Float64Array;
    /** Per value, `Decay.first` and `Decay.second` of the point that is asked about. */
    readonly first: Float64Array;
    readonly second: Float64Array;
    readonly meanPull: Float64Array;
    readonly variancePull: Float64Array;
  };
  private size: number;

  /**
   * @param room how many points can be added to the data.
   * @returns null when the covariance cannot be factorised.
   */
  static of(data: Data, shape: Shape, room: number): Posterior | null {
    const posterior = new Posterior(data, shape, room);
    return Number.isFinite(posterior.signal) ? posterior : null;
  }

  private constructor(data: Data, shape: Shape, room: number) {
    const { layout, n, features, targets, noise } = data;
    const { width } = layout;
    this.data = data;
    this.slopes = data.slopes ?? NO_SLOPES;
    this.known = n + this.slopes.count;
    this.shape = shape;
    this.capacity = this.known + room;
    this.size = this.known;
    this.noise = Math.exp(shape.logNoise);
    this.weights = choiceWeights(layout, shape);
    this.points = new Float64Array((n + room) * width);
    this.points.set(scaled(layout, shape, features, n));
    this.l = new Float64Array(this.capacity * this.capacity);
    this.alpha = new Float64Array(this.known);
    this.ones = new Float64Array(this.capacity);
    this.scratch = {
      k: new Float64Array(this.capacity),
      common: new Float64Array(this.capacity),
      solution: new Float64Array(this.capacity),
      first: new Float64Array(n),
      second: new Float64Array(n),
      meanPull: new Float64Array(n),
      variancePull: new Float64Array(n),
    };
    for (let a = 0; a < n; a++) {
      this.covariances(this.points, a * width, a, this.l, a * this.capacity);
      this.l[a * this.capacity + a] = 1 + this.noise * noise[a]! + 1e-10;
    }
    this.writeSlopes();
    const { known } = this;
    if (!factorise(this.l, known, this.capacity)) {
      this.signal = Number.NaN;
      this.trend = 0;
      this.onesSquared = 1;
      return;
    }
    this.ones.fill(1, 0, n);
    solveLower(this.l, known, this.ones, this.capacity);
    const whitened = new Float64Array(known);
    whitened.set(targets);
    const { axes, values } = this.slopes;
    for (const [k, value] of values.entries()) whitened[n + k] = value * Math.exp(shape.logScale[axes[k]!]!);
    this.alpha.set(whitened);
    solveLower(this.l, known, whitened, this.capacity);
    this.onesSquared = dot(this.ones, 0, this.ones, 0, known);
    this.trend = dot(this.ones, 0, whitened, 0, known) / this.onesSquared;
    for (let i = 0; i < n; i++) this.alpha[i]! -= this.trend;
    const residual = Float64Array.from(this.alpha);
    solveFactorised(this.l, known, this.alpha, this.capacity);
    const quadratic = dot(residual, 0, this.alpha, 0, known);
    this.signal = (SIGNAL_RATE + quadratic / 2) / (SIGNAL_SHAPE + known / 2);
  }

  /** Writes the rows of the slopes into the covariance. */
  private writeSlopes(): void {
    const { n, noise, layout } = this.data;
    const { count, rows, axes } = this.slopes;
    const { first, second } = this.scratch;
    const { width } = layout;
    for (let k = 0; k < count; k++) {
      const [a, i] = [rows[k]!, axes[k]!];
      const line = (n + k) * this.capacity;
      const apart = (j: number, b: number) => this.points[a * width + j]! - this.points[b * width + j]!;
      if (k === 0 || rows[k - 1] !== a) this.decays(this.points, a * width);
      for (let b = 0; b < n; b++) this.l[line + b] = -first[b]! * apart(i, b);
      for (let m = 0; m < k; m++) {
        const [b, j] = [rows[m]!, axes[m]!];
        this.l[line + n + m] = (i === j ? first[b]! : 0) - second[b]! * apart(i, b) * apart(j, b);
      }
      this.l[line + n + k] = SLOPE_VARIANCE + this.noise * noise[a]! + SLOPE_JITTER;
    }
  }

  /** What slopes at the data need to know of a scaled point, into `scratch`. */
  private decays(points: Float64Array, from: number): void {
    const { layout, n } = this.data;
    const { first, second } = this.scratch;
    for (let b = 0; b < n; b++) {
      const squared = squaredDistance(layout, this.weights, points, from, this.points, b * layout.width);
      const decay = decayAt(SQRT5 * Math.sqrt(squared));
      first[b] = decay.first;
      second[b] = decay.second;
    }
  }

  /** Correlations of a scaled point with the first `count` rows. */
  private covariances(
    points: Float64Array,
    from: number,
    count: number,
    out: Float64Array,
    offset: number,
  ): void {
    const { layout, n } = this.data;
    const { width } = layout;
    const correlation = (b: number) =>
      matern52(squaredDistance(layout, this.weights, points, from, this.points, b * width));
    for (let b = 0; b < Math.min(count, n); b++) out[offset + b] = correlation(b);
    if (count <= n) return;
    const { count: sloped, rows, axes } = this.slopes;
    if (sloped > 0) this.decays(points, from);
    for (let k = 0; k < sloped; k++) {
      const [b, j] = [rows[k]!, axes[k]!];
      const apart = points[from + j]! - this.points[b * width + j]!;
      out[offset + n + k] = this.scratch.first[b]! * apart;
    }
    for (let row = this.known; row < count; row++) out[offset + row] = correlation(row - sloped);
  }

  /** Predictions at many points; `add` can follow. */
  predict(features: Float64Array, count: number): Predictions {
    const { known } = this;
    const { layout } = this.data;
    const points = scaled(layout, this.shape, features, count);
    const whitened = new Float64Array(count * this.capacity);
    const mean = new Float64Array(count);
    const variance = new Float64Array(count);
    for (let c = 0; c < count; c++) {
      const row = c * this.capacity;
      this.covariances(points, c * layout.width, this.size, whitened, row);
      mean[c] = this.trend + dot(whitened, row, this.alpha, 0, known);
    }
    solveLowerRows(this.l, this.size, whitened, count, this.capacity, this.capacity);
    for (let c = 0; c < count; c++) {
      const row = c * this.capacity;
      const gap = 1 - dot(whitened, row, this.ones, 0, known);
      const explained = dot(whitened, row, whitened, row, this.size);
      variance[c] = this.signal * Math.max(1e-12, 1 - explained + (gap * gap) / this.onesSquared);
    }
    return { points, whitened, mean, variance, capacity: this.capacity };
  }

  /** The covariances of predicted points, by rows. */
  covariance({ points, whitened, capacity, mean: { length: count } }: Predictions): Float64Array {
    const { layout } = this.data;
    const { width } = layout;
    const out = new Float64Array(count * count);
    const gaps = Float64Array.from(
      { length: count },
      (_, i) => 1 - dot(whitened, i * capacity, this.ones, 0, this.known),
    );
    for (let i = 0; i < count; i++) {
      for (let j = 0; j <= i; j++) {
        const k = matern52(squaredDistance(layout, this.weights, points, i * width, points, j * width));
        const explained = dot(whitened, i * capacity, whitened, j * capacity, this.size);
        const left = k - explained + (gaps[i]! * gaps[j]!) / this.onesSquared;
        out[i * count + j] = out[j * count + i] = this.signal * left;
      }
    }
    return out;
  }

  /** The mean at the data's own points. */
  fitted(): Float64Array {
    const { n, targets, noise } = this.data;
    return Float64Array.from({ length: n }, (_, i) => targets[i]! - this.noise * noise[i]! * this.alpha[i]!);
  }

  /**
   * Adds a point whose result is not known.
   * @param features of the point.
   * @param predictions that are updated with it.
   */
  add(features: Float64Array, predictions: readonly Predictions[]): void {
    const { layout } = this.data;
    const { width } = layout;
    const m = this.size;
    const row = m * this.capacity;
    const place = (m - this.slopes.count) * width;
    this.points.set(scaled(layout, this.shape, features, 1), place);
    this.covariances(this.points, place, m, this.l, row);
    solveLower(this.l, m, this.l, this.capacity, row);
    // A point that equals another keeps a little variance, because of its noise.
    const left = 1 + this.noise + 1e-10 - dot(this.l, row, this.l, row, m);
    this.l[row + m] = Math.sqrt(Math.max(1e-10, left));
    this.size++;
    for (const { points, whitened, variance, capacity } of predictions) {
      for (let c = 0; c < variance.length; c++) {
        const k = matern52(squaredDistance(layout, this.weights, points, c * width, this.points, place));
        const v = (k - dot(whitened, c * capacity, this.l, row, m)) / this.l[row + m]!;
        whitened[c * capacity + m] = v;
        variance[c] = Math.max(1e-12 * this.signal, variance[c]! - this.signal * v * v);
      }
    }
  }

  /** Mean, variance and their gradients with respect to the numeric features, at one point. */
  moments(features: Float64Array, out: Moments): void {
    const { layout, n } = this.data;
    const { width, numeric } = layout;
    const { count, rows, axes } = this.slopes;
    const { known } = this;
    const m = this.size;
    const point = scaled(layout, this.shape, features, 1);
    const { k, common, solution } = this.scratch;
    const placeOf = (row: number) => (row < n ? row : row - count) * width;
    for (let b = 0; b < m; b++) {
      if (b >= n && b < known) continue;
      const r = SQRT5 * Math.sqrt(squaredDistance(layout, this.weights, point, 0, this.points, placeOf(b)));
      const decay = Math.exp(-r);
      k[b] = (1 + r + (r * r) / 3) * decay;
      common[b] = (-5 / 3) * (1 + r) * decay;
    }
    if (count > 0) this.decays(point, 0);
    const apart = (j: number, place: number) => point[j]! - this.points[place + j]!;
    for (let s = 0; s < count; s++)
      k[n + s] = this.scratch.first[rows[s]!]! * apart(axes[s]!, rows[s]! * width);
    for (let b = 0; b < m; b++) solution[b] = k[b]!;
    solveLower(this.l, m, solution, this.capacity);
    const gap = 1 - dot(solution, 0, this.ones, 0, known);
    const explained = dot(solution, 0, solution, 0, m);
    out.mean = this.trend + dot(k, 0, this.alpha, 0, known);
    out.variance = this.signal * Math.max(1e-12, 1 - explained + (gap * gap) / this.onesSquared);
    // C^-1 k, and C^-1 1 through the same triangle.
    for (let b = 0; b < known; b++) solution[b]! += (gap / this.onesSquared) * this.ones[b]!;
    for (let i = m - 1; i >= 0; i--) {
      const row = i * this.capacity;
      const x = solution[i]! / this.l[row + i]!;
      solution[i] = x;
      for (let b = 0; b < i; b++) solution[b]! -= x * this.l[row + b]!;
    }
    out.meanGradient.fill(0);
    out.varianceGradient.fill(0);
    // Per value, the factors of the differences to its point.
    const { meanPull, variancePull } = this.scratch;
    for (let b = 0; b < n; b++) {
      meanPull[b] = this.alpha[b]! * common[b]!;
      variancePull[b] = solution[b]! * common[b]!;
    }
    for (let s = 0; s < count; s++) {
      const [b, j] = [rows[s]!, axes[s]!];
      const [first, second] = [this.scratch.first[b]!, this.scratch.second[b]! * apart(j, b * width)];
      out.meanGradient[j]! += this.alpha[n + s]! * first;
      out.varianceGradient[j]! += solution[n + s]! * first;
      meanPull[b]! -= this.alpha[n + s]! * second;
      variancePull[b]! -= solution[n + s]! * second;
    }
    for (let b = 0; b < n; b++) {
      for (let j = 0; j < numeric; j++) {
        const difference = apart(j, b * width);
        out.meanGradient[j]! += meanPull[b]! * difference;
        out.varianceGradient[j]! += variancePull[b]! * difference;
      }
    }
    for (let b = known; b < m; b++) {
      for (let j = 0; j < numeric; j++)
        out.varianceGradient[j]! += solution[b]! * common[b]! * apart(j, placeOf(b));
    }
    const { logScale, warpA, warpB } = this.shape;
    for (let j = 0; j < numeric; j++) {
      const bend = warpA.length > 0 ? slope(features[j]!, Math.exp(warpA[j]!), Math.exp(warpB[j]!)) : 1;
      const chain = Math.exp(-logScale[j]!) * bend;
      out.meanGradient[j]! *= chain;
      out.varianceGradient[j]! *= -2 * this.signal * chain;
    }
  }
}

/** Predictions at many points, with what is needed to update them. */
export interface Predictions {
  readonly points: Float64Array;
  /** L^-1 times each point's correlations, by rows of `capacity`. */
  readonly whitened: Float64Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  readonly capacity: number;
}
