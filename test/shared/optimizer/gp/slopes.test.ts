import { expect, test } from "vitest";
import { dot, factorise, logDeterminant, solveFactorised } from "../../../../shared/numerics/cholesky.ts";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { matern52 } from "../../../../shared/optimizer/gp/kernel.ts";
import {
  type Data,
  pickRows,
  SIGNAL_RATE,
  SIGNAL_SHAPE,
  toShape,
} from "../../../../shared/optimizer/gp/model.ts";
import { type Moments, Posterior } from "../../../../shared/optimizer/gp/posterior.ts";
import { negativeLogPosteriorWithSlopes } from "../../../../shared/optimizer/gp/slope-model.ts";
import { type Slopes, thinSlopes } from "../../../../shared/optimizer/gp/slopes.ts";

/** Processes that are fitted to derivatives. What they should say is computed from difference quotients of the kernel. */

const flat = { scaleMean: 0, scaleSd: 1e6, noiseMean: 0, noiseSd: 1e6, warpSd: 0 };
const layout = { width: 3, numeric: 2 };
const SCALES = [0.6, 0.9, 1.3];
const NOISE = 1e-3;
const theta = Float64Array.of(...SCALES.map(Math.log), Math.log(NOISE));

/** Data with two numbers and a category, and slopes of some rows, of one row by one of its numbers only. */
const sloped = (n = 7): Data & { readonly slopes: Slopes } => {
  const random = createRandom(n);
  const features = new Float64Array(n * 3);
  for (let i = 0; i < n; i++) features.set([random.uniform(), random.uniform(), i % 2], i * 3);
  const slopes = [
    [0, 0, 1.5],
    [0, 1, -0.5],
    [3, 1, 0.75],
    [5, 0, -2],
    [5, 1, 0.25],
  ] as const;
  return {
    layout,
    n,
    features,
    targets: Float64Array.from({ length: n }, () => random.normal()),
    noise: Float64Array.from({ length: n }, (_, i) => (i === 5 ? 10 : 1)),
    slopes: {
      count: slopes.length,
      rows: Int32Array.from(slopes, ([row]) => row),
      axes: Int32Array.from(slopes, ([, axis]) => axis),
      values: Float64Array.from(slopes, ([, , value]) => value),
    },
  };
};

/** What is observed, as a combination of values: of the point itself, or of two points beside it. */
type Observed = readonly (readonly [point: readonly number[], factor: number])[];

const STEP = 1e-4;
const valueAt = (point: readonly number[]): Observed => [[point, 1]];
const slopeAt = (point: readonly number[], axis: number): Observed =>
  [1, -1].map((sign) => [
    point.map((v, j) => (j === axis ? v + sign * STEP : v)),
    // By the scaled feature.
    (sign * SCALES[axis]!) / (2 * STEP),
  ]);

const kernel = (a: readonly number[], b: readonly number[]): number =>
  matern52(
    SCALES.reduce(
      (sum, scale, j) => sum + (j < 2 ? ((a[j]! - b[j]!) / scale) ** 2 : a[j] === b[j] ? 0 : scale ** -2),
      0,
    ),
  );
const covariance = (one: Observed, other: Observed): number =>
  one.reduce(
    (sum, [a, factor]) =>
      sum + other.reduce((inner, [b, weight]) => inner + factor * weight * kernel(a, b), 0),
    0,
  );

/** The same process, from the definition. */
const expected = ({ n, features, targets, noise, slopes }: Data & { readonly slopes: Slopes }) => {
  const pointOf = (row: number) => [...features.slice(3 * row, 3 * row + 3)];
  const observed: Observed[] = [
    ...Array.from({ length: n }, (_, row) => valueAt(pointOf(row))),
    ...Array.from(slopes.rows, (row, k) => slopeAt(pointOf(row), slopes.axes[k]!)),
  ];
  const rowOf = [...Array.from({ length: n }, (_, row) => row), ...slopes.rows];
  const size = observed.length;
  const l = new Float64Array(size * size);
  for (let a = 0; a < size; a++) {
    for (let b = 0; b <= a; b++) l[a * size + b] = covariance(observed[a]!, observed[b]!);
    l[a * size + a]! += NOISE * noise[rowOf[a]!]!;
  }
  expect(factorise(l, size)).toBe(true);
  const solve = (given: Float64Array) => {
    const solved = Float64Array.from(given);
    solveFactorised(l, size, solved);
    return solved;
  };
  const ones = Float64Array.from(observed, (_, i) => (i < n ? 1 : 0));
  const known = Float64Array.from(observed, (_, i) =>
    i < n ? targets[i]! : slopes.values[i - n]! * SCALES[slopes.axes[i - n]!]!,
  );
  const byOnes = solve(ones);
  const mean = dot(byOnes, 0, known, 0, size) / dot(byOnes, 0, ones, 0, size);
  const residual = known.map((v, i) => v - mean * ones[i]!);
  const quadratic = dot(residual, 0, solve(residual), 0, size);
  const signal = (SIGNAL_RATE + quadratic / 2) / (SIGNAL_SHAPE + size / 2);
  const jacobian = slopes.axes.reduce((sum, axis) => sum + Math.log(SCALES[axis]!), 0);
  return {
    likelihood:
      (SIGNAL_SHAPE + size / 2) * Math.log(SIGNAL_RATE + quadratic / 2) +
      logDeterminant(l, size) / 2 -
      jacobian,
    predict: (point: readonly number[]) => {
      const k = Float64Array.from(observed, (one) => covariance(one, valueAt(point)));
      const byK = solve(k);
      const gap = 1 - dot(byK, 0, ones, 0, size);
      return {
        mean: mean + dot(byK, 0, residual, 0, size),
        variance: signal * (1 - dot(byK, 0, k, 0, size) + gap ** 2 / dot(byOnes, 0, ones, 0, size)),
      };
    },
  };
};

const points = [
  [0.3, 0.4, 0],
  [0.9, 0.1, 1],
  [0.55, 0.8, 1],
];

test("predictions are those of the definition, one by one and many at a time", () => {
  const data = sloped();
  const { predict } = expected(data);
  const posterior = Posterior.of(data, toShape(layout, theta), 0)!;
  const many = posterior.predict(Float64Array.from(points.flat()), points.length);
  const moments: Moments = emptyMoments();
  for (const [i, point] of points.entries()) {
    const { mean, variance } = predict(point);
    expect(many.mean[i]).toBeCloseTo(mean, 5);
    expect(many.variance[i]).toBeCloseTo(variance, 5);
    posterior.moments(Float64Array.from(point), moments);
    expect(moments.mean).toBeCloseTo(mean, 5);
    expect(moments.variance).toBeCloseTo(variance, 5);
  }
});

const emptyMoments = (): Moments => ({
  mean: 0,
  variance: 0,
  meanGradient: new Float64Array(2),
  varianceGradient: new Float64Array(2),
});

test("the marginal likelihood is that of the definition", () => {
  const data = sloped();
  const f = negativeLogPosteriorWithSlopes(data, data.slopes, flat);
  expect(f(theta, new Float64Array(4))).toBeCloseTo(expected(data).likelihood, 4);
});

test("the likelihood's gradient is its slope, with a category and unequal noise", () => {
  const data = sloped(9);
  const f = negativeLogPosteriorWithSlopes(data, data.slopes, {
    ...flat,
    scaleSd: 1.5,
    noiseMean: -5,
    noiseSd: 2,
  });
  const gradient = new Float64Array(4);
  const scratch = new Float64Array(4);
  f(theta, gradient);
  for (let k = 0; k < 4; k++) {
    const moved = (by: number) =>
      f(
        theta.map((v, i) => (i === k ? v + by : v)),
        scratch,
      );
    expect(gradient[k]).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 4);
  }
});

test("a prediction has the told slope at its trial, and its gradients are its slopes with points added too", () => {
  const data = { ...sloped(), noise: new Float64Array(7).fill(1e-6) };
  const posterior = Posterior.of(data, toShape(layout, theta), 2)!;
  const moments = emptyMoments();
  posterior.moments(data.features.slice(0, 3), moments);
  expect(moments.meanGradient[0]).toBeCloseTo(1.5, 3);
  expect(moments.meanGradient[1]).toBeCloseTo(-0.5, 3);
  posterior.add(Float64Array.of(0.2, 0.9, 1), []);
  posterior.add(Float64Array.of(0.6, 0.3, 0), []);
  const at = Float64Array.of(0.4, 0.7, 1);
  posterior.moments(at, moments);
  const other = emptyMoments();
  const moved = (j: number, by: number) => {
    posterior.moments(
      at.map((v, i) => (i === j ? v + by : v)),
      other,
    );
    return { mean: other.mean, variance: other.variance };
  };
  for (let j = 0; j < 2; j++) {
    const [up, down] = [moved(j, 1e-6), moved(j, -1e-6)];
    expect(moments.meanGradient[j]).toBeCloseTo((up.mean - down.mean) / 2e-6, 4);
    expect(moments.varianceGradient[j]).toBeCloseTo((up.variance - down.variance) / 2e-6, 4);
  }
});

test("a point that is added takes variance away, in pools as in new predictions, and leaves the mean alone", () => {
  const posterior = Posterior.of(sloped(), toShape(layout, theta), 1)!;
  const features = Float64Array.from(points.flat());
  const pool = posterior.predict(features, 3);
  const before = pool.variance.slice();
  posterior.add(Float64Array.from(points[1]!), [pool]);
  const after = posterior.predict(features, 3);
  for (let i = 0; i < 3; i++) {
    expect(after.mean[i]).toBeCloseTo(pool.mean[i]!, 10);
    expect(pool.variance[i]).toBeCloseTo(after.variance[i]!, 8);
  }
  expect(after.variance[1]!).toBeLessThan(0.1 * before[1]!);
});

test("slopes stay with their rows when rows are picked, and are thinned by whole rows, the best ones first", () => {
  const { slopes } = pickRows(sloped(), [5, 1, 0]);
  expect([...slopes!.rows]).toEqual([2, 2, 0, 0]);
  expect([...slopes!.values]).toEqual([1.5, -0.5, -2, 0.25]);
  const all = sloped().slopes;
  expect(thinSlopes(all, [5, 0, 3, 1], 5)).toBe(all);
  expect([...thinSlopes(all, [5, 0, 3, 1], 2).rows]).toEqual([5, 5]);
  expect([...thinSlopes(all, [3, 1, 5, 0], 1).rows]).toEqual([]);
});
