import { expect, test } from "vitest";
import { growForest, predictForest } from "../../../shared/numerics/forest.ts";
import { createRandom } from "../../../shared/numerics/random.ts";
import golden from "../../fixtures/numerics/models.fixture.json" with { type: "json" };

const numbers = (width: number) => new Uint8Array(width);
const options = { trees: 30, smallest: 3, share: 5 / 6 };

const explained = (predicted: ArrayLike<number>, actual: readonly number[]): number => {
  const mean = actual.reduce((a, b) => a + b, 0) / actual.length;
  let left = 0;
  let all = 0;
  for (const [i, v] of actual.entries()) {
    left += (predicted[i]! - v) ** 2;
    all += (v - mean) ** 2;
  }
  return 1 - left / all;
};

test("explains as much of Friedman's function as scikit-learn's forest, on new data", () => {
  const { width, x, y, test: fresh, testY } = golden.forest;
  const scores: number[] = [];
  for (let seed = 0; seed < 5; seed++) {
    const data = Float64Array.from(x);
    const forest = growForest(data, Float64Array.from(y), numbers(width), options, createRandom(seed));
    scores.push(explained(predictForest(forest, Float64Array.from(fresh), testY.length).mean, testY));
  }
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  expect(Math.abs(mean(scores) - golden.forest.explained)).toBeLessThan(0.04);
});

test("one sample, and samples that all agree, are predicted with certainty", () => {
  const one = growForest(Float64Array.of(0.3), Float64Array.of(7), numbers(1), options, createRandom(1));
  expect(predictForest(one, Float64Array.of(0.9), 1)).toEqual({
    mean: Float64Array.of(7),
    variance: Float64Array.of(0),
  });
  const x = Float64Array.from({ length: 40 }, (_, i) => i / 40);
  const flat = growForest(x, new Float64Array(40).fill(2), numbers(1), options, createRandom(1));
  expect(predictForest(flat, Float64Array.of(0.1, 5), 2).variance).toEqual(Float64Array.of(0, 0));
});

test("duplicates of a point with different values are their mean, with their variance", () => {
  const forest = growForest(
    new Float64Array(200).fill(0.5),
    Float64Array.from({ length: 200 }, (_, i) => i % 2),
    numbers(1),
    options,
    createRandom(3),
  );
  const { mean, variance } = predictForest(forest, Float64Array.of(0.5), 1);
  expect(mean[0]).toBeCloseTo(0.5, 1);
  expect(variance[0]).toBeCloseTo(0.25, 1);
});

test("a category splits into the subset that leaves the least variance, wherever its members lie", () => {
  // Categories 0, 3 and 5 are low, the others high: no threshold on the code tells them apart.
  const code = Float64Array.from({ length: 600 }, (_, i) => i % 6);
  const y = code.map((k) => (k === 0 || k === 3 || k === 5 ? 0 : 10));
  const forest = growForest(code, y, Uint8Array.of(1), options, createRandom(2));
  for (const tree of forest.trees) expect(tree.feature.length).toBe(3);
  expect([...predictForest(forest, Float64Array.of(0, 1, 2, 3, 4, 5), 6).mean]).toEqual([
    0, 10, 10, 0, 10, 0,
  ]);
});

test("where nothing is known the trees disagree more than where the data lie", () => {
  const random = createRandom(4);
  const x = Float64Array.from({ length: 60 }, () => random.uniform() * 0.5);
  const y = x.map((u) => Math.sin(20 * u));
  const forest = growForest(x, y, numbers(1), { ...options, smallest: 2 }, random);
  const { variance } = predictForest(forest, Float64Array.of(0.25, 0.52), 2);
  expect(variance.every((v) => v >= 0)).toBe(true);
});

test("the variance is that of the trees' means plus the mean of their leaves' variances", () => {
  const leaf = (mean: number, variance: number) => ({
    feature: Int16Array.of(-1),
    threshold: new Float64Array(1),
    left: new Int32Array(1),
    right: new Int32Array(1),
    mean: Float64Array.of(mean),
    variance: Float64Array.of(variance),
  });
  const trees = [leaf(1, 0.5), leaf(2, 0), leaf(6, 1)];
  const forest = { trees, width: 1, isCategory: numbers(1), inBag: [] };
  const { mean, variance } = predictForest(forest, Float64Array.of(0), 1);
  expect(mean[0]).toBeCloseTo(3, 12);
  expect(variance[0]).toBeCloseTo((4 + 1 + 9) / 3 + 1.5 / 3, 12);
});

test("a threshold divides where it leaves the least variance, between the two values", () => {
  const random = createRandom(7);
  const x = Float64Array.from({ length: 120 }, () => random.uniform());
  const values = Float64Array.from({ length: 60 }, (_, i) => (x[2 * i]! <= 0.6 ? 1 : 4));
  const forest = growForest(x, values, numbers(2), { trees: 20, smallest: 3, share: 1 }, random);
  for (const tree of forest.trees) {
    // Only the first feature matters, and one split says it all.
    expect([...tree.feature]).toEqual([0, -1, -1]);
    const below = Math.max(...values.map((v, i) => (v === 1 ? x[2 * i]! : 0)));
    const above = Math.min(...values.map((v, i) => (v === 4 ? x[2 * i]! : 1)));
    expect(tree.threshold[0]).toBeGreaterThan(below - 0.1);
    expect(tree.threshold[0]).toBeLessThan(above + 0.1);
    expect([tree.mean[1], tree.mean[2]]).toEqual([1, 4]);
  }
});
