import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { undominated } from "../../../../shared/optimizer/gp/boxes.ts";
import {
  type Criterion,
  expectedImprovement,
  feasibility,
  hypervolumeImprovement,
} from "../../../../shared/optimizer/gp/criteria.ts";

const reference2 = Float64Array.of(4, 4);
const front2 = [
  [1, 3],
  [2, 2],
  [3, 1],
].map((y) => Float64Array.from(y));
const reference3 = Float64Array.of(3, 3, 3);
const front3 = [
  [0, 2, 2],
  [2, 0, 1],
  [1, 1, 1.5],
  [2.5, 2.5, 0],
].map((y) => Float64Array.from(y));

/** Volume that y adds to a front, by counting a grid's cells. */
const improvementOf = (
  y: readonly number[],
  front: readonly Float64Array[],
  reference: Float64Array,
): number => {
  const { m, count, lower, upper } = undominated(front, reference);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    let volume = 1;
    for (let j = 0; j < m; j++) {
      volume *= Math.max(0, upper[i * m + j]! - Math.max(y[j]!, lower[i * m + j]!));
    }
    sum += volume;
  }
  return sum;
};

test("the boxes are disjoint and hold exactly the points below the reference that no one dominates", () => {
  const random = createRandom(3);
  for (const [front, reference] of [
    [front2, reference2],
    [front3, reference3],
    [[], reference3],
  ] as const) {
    const { m, count, lower, upper } = undominated(front, reference);
    for (let k = 0; k < 2000; k++) {
      const y = Float64Array.from({ length: m }, () => 5 * random.uniform() - 1);
      let boxes = 0;
      for (let i = 0; i < count; i++) {
        if (y.every((v, j) => v > lower[i * m + j]! && v <= upper[i * m + j]!)) boxes++;
      }
      const isBelow = y.every((v, j) => v <= reference[j]!);
      const isDominated = front.some((other) => other.every((v, j) => v < y[j]!));
      expect(boxes).toBe(isBelow && !isDominated ? 1 : 0);
    }
  }
});

test("the hypervolume that a point adds is what geometry says", () => {
  expect(improvementOf([0, 0], [], Float64Array.of(1, 2))).toBeCloseTo(2, 12);
  expect(improvementOf([1.5, 1.5], front2, reference2)).toBeCloseTo(1.25, 12);
  expect(improvementOf([2.5, 2.5], front2, reference2)).toBeCloseTo(0, 12);
});

test.each([
  [[1.5, 2.5], [0.5, 0.8], front2, reference2],
  [[2.8, 2.4], [0.7, 0.4], front2, reference2],
  [[1, 1.2, 0.8], [0.5, 0.3, 0.6], front3, reference3],
] as const)("expected hypervolume improvement at %j agrees with sampling", (mean, sd, front, reference) => {
  const random = createRandom(11);
  let sum = 0;
  const draws = 60_000;
  for (let i = 0; i < draws; i++) {
    sum += improvementOf(
      mean.map((m, j) => m + sd[j]! * random.normal()),
      front,
      reference,
    );
  }
  const log = hypervolumeImprovement(undominated(front, reference))(
    Float64Array.from(mean),
    Float64Array.from(sd),
  );
  expect(Math.exp(log) / (sum / draws)).toBeCloseTo(1, 1);
});

test("with one objective it is expected improvement, however hopeless", () => {
  for (const mean of [0, 2, 30, 1000]) {
    const boxes = undominated([Float64Array.of(1)], Float64Array.of(5));
    const hypervolume = hypervolumeImprovement(boxes)(Float64Array.of(mean), Float64Array.of(1));
    const improvement = expectedImprovement(1)(Float64Array.of(mean), Float64Array.of(1));
    expect(hypervolume).toBeCloseTo(improvement, 9);
  }
});

test("the derivatives of every criterion are its slopes", () => {
  const criteria: [Criterion, number[], number[]][] = [
    [expectedImprovement(0.3), [0.5], [0.4]],
    [expectedImprovement(0.3), [9], [0.4]],
    [feasibility, [0.7], [0.5]],
    [feasibility, [20], [0.5]],
    [hypervolumeImprovement(undominated(front2, reference2)), [1.5, 2.5], [0.5, 0.8]],
    [hypervolumeImprovement(undominated(front3, reference3)), [1, 1.2, 0.8], [0.5, 0.3, 0.6]],
  ];
  for (const [criterion, means, sds] of criteria) {
    const mean = Float64Array.from(means);
    const sd = Float64Array.from(sds);
    const byMean = new Float64Array(means.length);
    const bySd = new Float64Array(means.length);
    criterion(mean, sd, byMean, bySd);
    const step = 1e-6;
    const bump = (v: Float64Array, j: number, sign: number) =>
      v.map((u, i) => (i === j ? u + sign * step : u));
    for (let j = 0; j < means.length; j++) {
      const slopeMean = (criterion(bump(mean, j, 1), sd) - criterion(bump(mean, j, -1), sd)) / (2 * step);
      const slopeSd = (criterion(mean, bump(sd, j, 1)) - criterion(mean, bump(sd, j, -1))) / (2 * step);
      expect(byMean[j]! / slopeMean).toBeCloseTo(1, 4);
      expect(bySd[j]! / slopeSd).toBeCloseTo(1, 4);
    }
  }
});
