import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import type { EarlierResults } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { aboveTrend, expectedImprovement } from "../../../../shared/optimizer/gp/criteria.ts";
import { fitEarlier, fitTrend } from "../../../../shared/optimizer/gp/earlier.ts";
import { featuresOf } from "../../../../shared/optimizer/gp/features.ts";
import type { Data } from "../../../../shared/optimizer/gp/model.ts";
import { priorsOf } from "../../../../shared/optimizer/gp/surrogates.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";

/** Results of earlier studies in the process: what is believed of them, and what not. */

const space = compileSpace({ x: { type: "float", low: 0, high: 1 }, y: { type: "float", low: 0, high: 1 } });
const features = featuresOf(space);
const bowl = (x: number, y: number) => (x - 0.3) ** 2 + 2 * (y - 0.7) ** 2;
const never = () => false;

const earlierOf = (
  f: (x: number, y: number) => number,
  n = 40,
  seed = 1,
  unknown = [0, 0],
): EarlierResults => {
  const random = createRandom(seed);
  const rows = Array.from({ length: n }, () => {
    const [x, y] = [random.uniform(), random.uniform()];
    return { x: [x, unknown[1] === 1 ? Number.NaN : y], value: f(x, y) };
  }).sort((a, b) => a.value - b.value);
  return {
    n,
    x: Float64Array.from(rows.flatMap(({ x }) => x)),
    y: Float64Array.from(rows, ({ value }) => value),
    unknown: Uint8Array.from(unknown),
  };
};

const modelsOf = (...earlier: EarlierResults[]) =>
  fitEarlier(earlier, features, priorsOf(2), { starts: [], room: 4, isLate: never });

const dataOf = (f: (x: number, y: number) => number, n: number, seed: number): Data => {
  const random = createRandom(seed);
  const points = Float64Array.from({ length: 2 * n }, () => random.uniform());
  const values = Float64Array.from({ length: n }, (_, i) => f(points[2 * i]!, points[2 * i + 1]!));
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  const sd = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n);
  return {
    layout: features,
    n,
    features: points,
    targets: values.map((v) => (v - mean) / sd),
    noise: new Float64Array(n).fill(1),
  };
};

/** The part of the targets' variance that a trend leaves. */
const leftBy = (data: Data, values: Float64Array): number => {
  const rest = data.targets.map((v, i) => v - values[i]!);
  const mean = rest.reduce((sum, v) => sum + v, 0) / data.n;
  return rest.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.n;
};

test("a related study explains most of the results, whatever its units and its offset", () => {
  const data = dataOf(bowl, 12, 5);
  for (const scale of [1e-3, 1, 1e6]) {
    const trend = fitTrend(modelsOf(earlierOf((x, y) => 7 - 1 + scale * bowl(x - 0.05, y))), data);
    expect(leftBy(data, trend!.values)).toBeLessThan(0.25);
  }
});

test("a study that says the contrary is not believed, and changes nothing next to a related one", () => {
  const data = dataOf(bowl, 12, 5);
  const contrary = earlierOf((x, y) => -bowl(x, y));
  expect(fitTrend(modelsOf(contrary), data)).toBeNull();
  const both = modelsOf(contrary, earlierOf(bowl));
  const trend = fitTrend(both, data);
  expect(trend?.models.at(-1)).toBe(both[1]);
  expect(leftBy(data, trend!.values)).toBeLessThan(0.25);
});

test("noise loses its weight as results come in", () => {
  const random = createRandom(9);
  const noise = modelsOf(earlierOf(() => random.normal()));
  const left = [6, 80].map((n) => {
    const data = dataOf(bowl, n, 3);
    const trend = fitTrend(noise, data);
    return trend === null ? 0 : Math.abs(1 - leftBy(data, trend.values));
  });
  expect(left[1]).toBeLessThan(0.1);
});

test("nothing depends on a parameter that the earlier study did not have", () => {
  const [model] = modelsOf(earlierOf((x) => (x - 0.4) ** 2, 30, 2, [0, 1]));
  const at = (x: number, y: number) => model!.posterior.predict(Float64Array.of(x, y), 1).mean[0]!;
  expect(at(0.4, 0.1)).toBeCloseTo(at(0.4, 0.9), 6);
  expect(at(0.4, 0.5)).toBeLessThan(at(0.9, 0.5));
});

test("the criterion above a trend has the derivatives that differences give", () => {
  const criterion = aboveTrend(expectedImprovement(-0.5), [0.8, 0.3]);
  const mean = Float64Array.of(0.2, -0.4, 0.6);
  const sd = Float64Array.of(0.7, 0.1, 0.2);
  const [byMean, bySd] = [new Float64Array(3), new Float64Array(3)];
  criterion(mean, sd, byMean, bySd);
  const step = 1e-6;
  for (const [column, slopes] of [
    [mean, byMean],
    [sd, bySd],
  ] as const) {
    for (let j = 0; j < 3; j++) {
      const before = column[j]!;
      column[j] = before + step;
      const above = criterion(mean, sd);
      column[j] = before - step;
      const below = criterion(mean, sd);
      column[j] = before;
      expect(slopes[j]).toBeCloseTo((above - below) / (2 * step), 5);
    }
  }
});

/** The best value after some trials. */
const bestOf = (f: (x: number, y: number) => number, trials: number, earlier: readonly EarlierResults[]) => {
  const rows: HistoryRow[] = [];
  for (let number = 0; number < trials; number++) {
    const [proposal] = askAlgorithm({
      problem: { space, objectives: 1, budget: { trials, parallel: 1 }, earlier },
      choice: { name: "gp" },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed: 4,
      firstNumber: number,
    }).proposals;
    rows.push({ number, x: proposal!.x, y: [f(proposal!.x[0]!, proposal!.x[1]!)] });
  }
  return Math.min(...rows.map(({ y }) => y![0]!));
};

test("with a related study eight trials find what is near the optimum; with one that misleads, twelve still do", () => {
  const shifted = (x: number, y: number) => bowl(x - 0.08, y + 0.06);
  expect(bestOf(shifted, 8, [earlierOf(bowl)])).toBeLessThan(0.01);
  expect(bestOf(bowl, 12, [earlierOf((x, y) => -bowl(x, y))])).toBeLessThan(0.001);
});
