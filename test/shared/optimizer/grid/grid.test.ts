import fc from "fast-check";
import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { type Problem, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { fromCube, toCube } from "../../../../shared/space/cube.ts";
import type {
  ForbiddenCombination,
  LinearConstraint,
  SpaceDefinition,
} from "../../../../shared/space/definition.ts";
import type { Params } from "../../../../shared/values.ts";

const problemOf = (
  definition: SpaceDefinition,
  { trials = 1000 }: { trials?: number } = {},
  constraints: LinearConstraint[] = [],
  forbidden: ForbiddenCombination[] = [],
): Problem => ({
  space: compileSpace(definition, constraints, forbidden),
  objectives: 1,
  budget: { trials, parallel: 64 },
});

const ask = (
  problem: Problem,
  rows: readonly HistoryRow[],
  count: number,
  options: { points?: number } = {},
) =>
  askAlgorithm({
    problem,
    choice: { name: "grid", ...options },
    history: buildHistory(problem.space, 1, rows),
    count,
    seed: 1,
    firstNumber: rows.length,
  }).proposals.map(({ x }) => x);

const whole = (problem: Problem, options: { points?: number } = {}): Params[] =>
  ask(problem, [], 100_000, options).map((x) => fromCube(problem.space, x));

const sorted = (values: Iterable<unknown>) => [...values].map((value) => JSON.stringify(value)).sort();

test("the grid is every combination, both bounds included, evenly spaced on each parameter's scale", () => {
  const grid = whole(
    problemOf({
      lr: { type: "float", low: 1e-4, high: 1, scale: "log", points: 5 },
      layers: { type: "int", low: 1, high: 3 },
      opt: { type: "categorical", choices: ["sgd", "adam"] },
    }),
  );
  expect(grid).toHaveLength(30);
  expect(new Set(grid.map((params) => JSON.stringify(params))).size).toBe(30);
  const rates = [...new Set(grid.map(({ lr }) => Number(lr)))].sort((a, b) => a - b);
  for (const [i, rate] of rates.entries()) expect(rate / 10 ** (i - 4)).toBeCloseTo(1, 9);
});

test("an int with points gets as many of its values, the first and last among them", () => {
  const values = whole(problemOf({ n: { type: "int", low: 0, high: 100, points: 5 } })).map(({ n }) => n);
  expect(sorted(values)).toEqual(sorted([0, 25, 50, 75, 100]));
  expect(whole(problemOf({ n: { type: "int", low: 0, high: 3, points: 9 } }))).toHaveLength(4);
});

test("the points of an int on a log scale lie evenly on that scale, each once", () => {
  const points = (high: number, count: number) =>
    whole(problemOf({ n: { type: "int", low: 1, high, scale: "log", points: count } })).map(({ n }) =>
      Number(n),
    );
  expect(points(10_000, 5).sort((a, b) => a - b)).toEqual([1, 10, 100, 1000, 10_000]);
  expect(points(100, 100)).toHaveLength(100);
  expect(whole(problemOf({ n: { type: "int", low: 1, high: 300, scale: "log" } }))).toHaveLength(300);
  const few = points(8, 7).sort((a, b) => a - b);
  expect(new Set(few).size).toBe(few.length);
  expect([few[0], few.at(-1)]).toEqual([1, 8]);
});

test("an int of a billion values is discretised like a float", () => {
  const values = whole(problemOf({ n: { type: "int", low: 0, high: 1e9 } }), { points: 3 }).map(({ n }) => n);
  expect(sorted(values)).toEqual(sorted([0, 5e8, 1e9]));
});

test("the algorithm's points are for continuous parameters that have none of their own", () => {
  const definition: SpaceDefinition = {
    a: { type: "float", low: 0, high: 1 },
    b: { type: "float", low: 0, high: 1, points: 2 },
    c: { type: "int", low: 1, high: 4 },
  };
  expect(whole(problemOf(definition), { points: 3 })).toHaveLength(3 * 2 * 4);
});

test("without points the grid is as fine as the budget allows, but has both bounds", () => {
  const square: SpaceDefinition = {
    a: { type: "float", low: 0, high: 1 },
    b: { type: "float", low: 0, high: 1 },
  };
  expect(whole(problemOf(square, { trials: 40 }))).toHaveLength(36);
  expect(whole(problemOf(square, { trials: 36 }))).toHaveLength(36);
  expect(whole(problemOf(square, { trials: 2 }))).toHaveLength(4);
});

test("a conditional space has only its distinct active configurations", () => {
  const grid = whole(
    problemOf({
      kernel: { type: "categorical", choices: ["linear", "rbf", "poly"] },
      gamma: { type: "float", low: 1, high: 2, when: { kernel: ["rbf", "poly"] } },
      degree: { type: "int", low: 2, high: 4, when: { kernel: ["poly"] } },
    }),
    { points: 2 },
  );
  expect(grid).toHaveLength(1 + 2 + 2 * 3);
  expect(sorted(grid)[0]).toBe('{"kernel":"linear"}');
});

test("what constraints and forbidden combinations refuse is skipped", () => {
  const digits: SpaceDefinition = {
    a: { type: "int", low: 0, high: 9 },
    b: { type: "int", low: 0, high: 9 },
  };
  const grid = whole(problemOf(digits, {}, [{ a: 1, b: 1, max: 5 }], [{ a: 0 }]));
  expect(grid).toHaveLength(15);
  for (const { a, b } of grid) expect(Number(a) + Number(b)).toBeLessThanOrEqual(5);
});

test("every point comes exactly once, whatever 64 askers do, and whatever was imported or enqueued before", () => {
  const problem = problemOf({
    model: { type: "categorical", choices: ["a", "b"] },
    x: { type: "float", low: 0, high: 1, points: 7, when: { model: ["a"] } },
    n: { type: "int", low: 1, high: 20, step: 3 },
    s: { type: "float", low: 0, high: 1, step: 0.25 },
  });
  const expected = sorted(whole(problem));
  expect(expected).toHaveLength(7 * 7 * 5 + 7 * 5);
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = createRandom(seed);
      const imported = [
        toCube(problem.space, { model: "a", x: 0.5, n: 4, s: 0.25 }),
        toCube(problem.space, { model: "a", x: 0.123, n: 4, s: 0.25 }),
        toCube(problem.space, { model: "b", n: 1, s: 1 }),
      ].map((x, number): HistoryRow => ({ number, x, y: [1] }));
      const rows = [...imported];
      const running: number[] = [];
      for (;;) {
        if (running.length >= 64 || (running.length > 0 && random.uniform() < 0.5)) {
          const [number = 0] = running.splice(random.integer(running.length), 1);
          rows[number] = {
            ...rows[number]!,
            kind: random.uniform() < 0.2 ? TrialKind.failed : TrialKind.completed,
            y: [0],
          };
          continue;
        }
        const count = 1 + random.integer(16);
        const points = ask(problem, rows, count);
        for (const x of points) {
          running.push(rows.length);
          rows.push({ number: rows.length, x });
        }
        if (points.length < count) break;
      }
      const given = rows.slice(3).map(({ x }) => fromCube(problem.space, x));
      const onGrid = [imported[0]!, imported[2]!].map(({ x }) => fromCube(problem.space, x));
      expect(sorted([...given, ...onGrid])).toEqual(expected);
    }),
    { numRuns: 10 },
  );
});

test("a grid larger than the budget is begun everywhere, not at one end", () => {
  const problem = problemOf({ a: { type: "int", low: 0, high: 999 }, b: { type: "int", low: 0, high: 0 } });
  const values = ask(problem, [], 16).map((x) => Number(fromCube(problem.space, x).a));
  values.sort((a, b) => a - b);
  for (let i = 1; i < values.length; i++) expect(values[i]! - values[i - 1]!).toBeLessThanOrEqual(130);
});

test("a grid of 10^80 points answers, and goes on after 10,000 trials", () => {
  const problem = problemOf(
    Object.fromEntries(
      Array.from({ length: 80 }, (_, i) => [`x${i}`, { type: "float" as const, low: 0, high: 1 }]),
    ),
  );
  const options = { points: 10 };
  const rows = ask(problem, [], 10_000, options).map((x, number): HistoryRow => ({ number, x, y: [0] }));
  const next = ask(problem, rows, 3, options);
  const keys = new Set([...rows.map(({ x }) => (x as Float64Array).join()), ...next.map((x) => x.join())]);
  expect(keys.size).toBe(10_003);
});

test("it ends by itself, and the order is the same for every seed", () => {
  const problem = problemOf({ n: { type: "int", low: 0, high: 4 } });
  const empty = buildHistory(problem.space, 1, []);
  const first = askAlgorithm({
    problem,
    choice: { name: "grid" },
    history: empty,
    count: 99,
    seed: 1,
    firstNumber: 0,
  }).proposals.map(({ x }) => fromCube(problem.space, x).n);
  expect(first).toMatchInlineSnapshot(`
    [
      0,
      4,
      2,
      1,
      3,
    ]
  `);
  expect(
    askAlgorithm({
      problem,
      choice: { name: "grid" },
      history: empty,
      count: 99,
      seed: 2,
      firstNumber: 7,
    }).proposals.map(({ x }) => fromCube(problem.space, x).n),
  ).toEqual(first);
});
