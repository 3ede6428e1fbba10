import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { fitTrend } from "../../../../shared/optimizer/smac/trend.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";

const float = { type: "float", low: -5, high: 5 } as const;
const space = compileSpace({ a: float, b: float, c: float });
const random = createRandom(1);
const points = Array.from({ length: 30 }, () => sampleCube(space, random));
const bowl = (x: ArrayLike<number>) =>
  [0.7, 0.3, 0.5].reduce((sum, best, j) => sum + (10 * (x[j]! - best)) ** 2, 0);
const targetsOf = (f: (x: Float64Array) => number, some = points) => Float64Array.from(some, f);

test("the trend of a bowl is the bowl, elsewhere too", () => {
  const trend = fitTrend(space, points, targetsOf(bowl))!;
  for (const x of [
    [0.7, 0.3, 0.5],
    [0, 1, 0.2],
  ])
    expect(Math.abs(trend(x) - bowl(x))).toBeLessThan(0.5);
});

test("there is no trend in noise, among choices, nor of fewer trials than terms need", () => {
  expect(
    fitTrend(
      space,
      points,
      targetsOf(() => random.normal()),
    ),
  ).toBeNull();
  const few = points.slice(0, 6);
  expect(fitTrend(space, few, targetsOf(bowl, few))).toBeNull();
  const choices = compileSpace({ k: { type: "categorical", choices: ["x", "y", "z"] } });
  const drawn = Array.from({ length: 20 }, () => sampleCube(choices, random));
  expect(
    fitTrend(
      choices,
      drawn,
      targetsOf((x) => x[0]!, drawn),
    ),
  ).toBeNull();
});

test("a parameter that is inactive adds nothing", () => {
  const conditional = compileSpace({
    on: { type: "categorical", choices: ["yes", "no"] },
    u: { type: "float", low: 0, high: 1, when: { on: ["yes"] } },
  });
  const some = Array.from({ length: 30 }, () => sampleCube(conditional, random));
  const trend = fitTrend(
    conditional,
    some,
    targetsOf((x) => (Number.isNaN(x[1]!) ? 0 : 3 * (x[1]! - 0.5)), some),
  )!;
  expect(trend([0.75, Number.NaN])).toBeCloseTo(0, 1);
  expect(trend([0.25, 1])).toBeCloseTo(1.5, 1);
});

test("of a bowl of three numbers the forest finds far more in 30 trials than random trials do", () => {
  const search = (name: "smac" | "random", seed: number) => {
    const rows: HistoryRow[] = [];
    for (let number = 0; number < 30; number++) {
      const [proposal] = askAlgorithm({
        problem: { space, objectives: 1, budget: { trials: 30, parallel: 1 } },
        choice: { name },
        history: buildHistory(space, 1, rows),
        count: 1,
        seed,
        firstNumber: number,
      }).proposals;
      rows.push({ number, x: proposal!.x, y: [bowl(proposal!.x)] });
    }
    return Math.min(...rows.map(({ y }) => y![0]!));
  };
  const middle = (name: "smac" | "random") =>
    [1, 2, 3, 4, 5].map((seed) => search(name, seed)).sort((a, b) => a - b)[2]!;
  expect(middle("smac")).toBeLessThan(middle("random") / 5);
});
