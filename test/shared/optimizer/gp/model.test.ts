import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { logImprovement } from "../../../../shared/optimizer/gp/expected-improvement.ts";
import {
  type Data,
  negativeLogPosterior,
  priorMode,
  toShape,
} from "../../../../shared/optimizer/gp/model.ts";
import { type Moments, Posterior } from "../../../../shared/optimizer/gp/posterior.ts";
import golden from "../../../fixtures/numerics/models.fixture.json" with { type: "json" };

const flat = { scaleMean: 0, scaleSd: 1e6, noiseMean: 0, noiseSd: 1e6, warpSd: 0 };
const priors = { scaleMean: 0.5, scaleSd: 1.7, noiseMean: -7, noiseSd: 2, warpSd: 0.4 };

const process = golden.process;
const known: Data = {
  layout: { width: 3, numeric: 3 },
  n: 12,
  features: Float64Array.from(process.points),
  targets: Float64Array.from(process.targets),
  noise: new Float64Array(12).fill(1),
};
const theta = Float64Array.of(...process.scales.map(Math.log), Math.log(process.noise));

/** Data with two numbers and a category, some of it noisier. */
const mixed = (n: number): Data => {
  const random = createRandom(n);
  const features = new Float64Array(n * 3);
  for (let i = 0; i < n; i++) features.set([random.uniform(), random.uniform(), random.integer(3)], i * 3);
  return {
    layout: { width: 3, numeric: 2 },
    n,
    features,
    targets: Float64Array.from({ length: n }, () => random.normal()),
    noise: Float64Array.from({ length: n }, (_, i) => (i % 4 === 0 ? 10 : 1)),
  };
};

const emptyMoments = (numeric: number): Moments => ({
  mean: 0,
  variance: 0,
  meanGradient: new Float64Array(numeric),
  varianceGradient: new Float64Array(numeric),
});

test("the marginal likelihood agrees with NumPy's, under scikit-learn's Matern kernel", () => {
  const value = negativeLogPosterior(known, flat)(theta, new Float64Array(4));
  expect(value).toBeCloseTo(process.likelihood, 6);
});

test("predictions agree with NumPy's, one by one and many at a time", () => {
  const posterior = Posterior.of(known, toShape(known.layout, theta), 0)!;
  const features = Float64Array.from(process.new);
  const { mean, variance } = posterior.predict(features, 5);
  const moments = emptyMoments(3);
  for (let i = 0; i < 5; i++) {
    expect(mean[i]).toBeCloseTo(process.mean[i]!, 8);
    expect(variance[i]).toBeCloseTo(process.variance[i]!, 8);
    posterior.moments(features.slice(3 * i, 3 * i + 3), moments);
    expect(moments.mean).toBeCloseTo(process.mean[i]!, 8);
    expect(moments.variance).toBeCloseTo(process.variance[i]!, 8);
  }
});

test("the posterior's gradient is its slope, with warps, categories and unequal noise", () => {
  const data = mixed(25);
  const f = negativeLogPosterior(data, priors);
  const random = createRandom(7);
  const at = priorMode(data.layout, priors).map((v) => v + 0.4 * random.normal());
  const gradient = new Float64Array(at.length);
  const scratch = new Float64Array(at.length);
  f(at, gradient);
  for (let k = 0; k < at.length; k++) {
    const step = 1e-5;
    const up = f(
      at.map((v, i) => (i === k ? v + step : v)),
      scratch,
    );
    const down = f(
      at.map((v, i) => (i === k ? v - step : v)),
      scratch,
    );
    expect(gradient[k]).toBeCloseTo((up - down) / (2 * step), 4);
  }
});

test("the gradients of a prediction are its slopes, also with points added", () => {
  const data = mixed(20);
  const shape = toShape(data.layout, Float64Array.of(-0.7, 0.2, 0.5, -5, 0.3, -0.2, 0.4, 0.1));
  const posterior = Posterior.of(data, shape, 2)!;
  posterior.add(Float64Array.of(0.2, 0.9, 1), []);
  posterior.add(Float64Array.of(0.6, 0.3, 0), []);
  const at = Float64Array.of(0.4, 0.7, 1);
  const moments = emptyMoments(2);
  const other = emptyMoments(2);
  posterior.moments(at, moments);
  for (let j = 0; j < 2; j++) {
    const step = 1e-6;
    const shifted = (sign: number) => {
      posterior.moments(
        at.map((v, i) => (i === j ? v + sign * step : v)),
        other,
      );
      return { mean: other.mean, variance: other.variance };
    };
    const up = shifted(1);
    const down = shifted(-1);
    expect(moments.meanGradient[j]).toBeCloseTo((up.mean - down.mean) / (2 * step), 4);
    expect(moments.varianceGradient[j]).toBeCloseTo((up.variance - down.variance) / (2 * step), 4);
  }
});

test("a point that is added leaves the mean alone and takes variance away, in pools as in new predictions", () => {
  const data = mixed(20);
  const posterior = Posterior.of(data, toShape(data.layout, Float64Array.of(-0.7, 0.2, 0.5, -5)), 1)!;
  const features = mixed(6).features;
  const before = posterior.predict(features, 6);
  const { mean, variance } = { mean: before.mean.slice(), variance: before.variance.slice() };
  posterior.add(features.slice(0, 3), [before]);
  const after = posterior.predict(features, 6);
  for (let i = 0; i < 6; i++) {
    expect(after.mean[i]).toBeCloseTo(mean[i]!, 10);
    expect(after.variance[i]!).toBeLessThanOrEqual(variance[i]! + 1e-12);
    expect(before.variance[i]).toBeCloseTo(after.variance[i]!, 8);
  }
  expect(after.variance[0]!).toBeLessThan(0.1 * variance[0]!);
});

test("log expected improvement agrees with numerical integration, and keeps its slope far out", () => {
  for (const [z = 0, expected = 0] of golden.logImprovement) {
    expect(Math.abs(logImprovement(z) - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)));
  }
  for (const z of [-1e2, -1e4, -99999, -100001, -1e8]) {
    const slope = (logImprovement(z * 0.999) - logImprovement(z)) / (-0.001 * z);
    expect(slope / -z).toBeCloseTo(1, 2);
  }
});
