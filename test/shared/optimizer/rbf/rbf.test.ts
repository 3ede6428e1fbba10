import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { type Problem, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { fromCube } from "../../../../shared/space/cube.ts";
import type { Space } from "../../../../shared/space/space.ts";

const problemOf = (space: Space, parallel = 1): Problem => ({
  space,
  objectives: 1,
  budget: { trials: 100, parallel },
});

const search = (space: Space, f: (x: Float64Array) => number, target: number, most: number, seed: number) => {
  const rows: HistoryRow[] = [];
  while (rows.length < most) {
    const history = buildHistory(space, 1, rows);
    const [proposal] = askAlgorithm({
      problem: problemOf(space),
      choice: { name: "rbf" },
      history,
      count: 1,
      seed,
      firstNumber: rows.length,
    }).proposals;
    rows.push({ number: rows.length, x: proposal!.x, y: [f(proposal!.x)] });
    if (rows.at(-1)!.y![0]! <= target) break;
  }
  return rows;
};

const square = compileSpace({
  x: { type: "float", low: -5, high: 10 },
  y: { type: "float", low: 0, high: 15 },
});
const branin = (point: Float64Array): number => {
  const { x, y } = fromCube(square, point) as { x: number; y: number };
  const inner = y - (5.1 / (4 * Math.PI ** 2)) * x * x + (5 / Math.PI) * x - 6;
  return inner ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
};

test("solves Branin's function to 1% within 50 trials, whatever the seed", () => {
  for (const seed of [1, 2, 3]) {
    expect(search(square, branin, 0.397887 * 1.01, 50, seed).length).toBeLessThan(50);
  }
});

test("finds four gear sizes whose ratio is right among 30 million", () => {
  const gears = compileSpace(
    Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, { type: "int", low: 12, high: 60 }])),
  );
  const f = (point: Float64Array): number => {
    const { a, b, c, d } = fromCube(gears, point) as Record<"a" | "b" | "c" | "d", number>;
    return (1 / 6.931 - (a * b) / (c * d)) ** 2;
  };
  expect(search(gears, f, 1e-6, 60, 1).length).toBeLessThan(60);
});

const random = createRandom(5);
const told = (n: number): HistoryRow[] =>
  Array.from({ length: n }, (_, number) => {
    const x = Float64Array.of(random.uniform(), random.uniform());
    return { number, x, y: [branin(x)] };
  });

test("begins with the middle and half as many trials as there are parameters, more when they run at once", () => {
  const wide = compileSpace(
    Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`x${i}`, { type: "float", low: 0, high: 1 }])),
  );
  const chance = createRandom(6);
  const rows = Array.from({ length: 12 }, (_, number) => {
    const x = Float64Array.from({ length: 11 }, () => chance.uniform());
    return { number, x, y: [x[0]!] };
  });
  const why = (n: number, parallel: number) =>
    askAlgorithm({
      problem: problemOf(wide, parallel),
      choice: { name: "rbf" },
      history: buildHistory(wide, 1, rows.slice(0, n)),
      count: 1,
      seed: 1,
      firstNumber: n,
    }).proposals[0]!;
  expect([...why(0, 1).x]).toEqual(Array(11).fill(0.5));
  expect(why(5, 1).why).toBe("initial design");
  expect(why(6, 1).why).toMatch(/basis/);
  expect(why(11, 8).why).toBe("initial design");
  expect(why(12, 8).why).toMatch(/basis/);
});

test("its steps take turns from exploring to refining", () => {
  const history = buildHistory(square, 1, told(30));
  const steps = askAlgorithm({
    problem: problemOf(square),
    choice: { name: "rbf" },
    history,
    count: 7,
    seed: 1,
    firstNumber: 35,
  }).proposals.map(({ why }) => why.split(", ")[1]);
  expect(steps).toEqual([
    "global step 1",
    "global step 2",
    "global step 3",
    "global step 4",
    "global step 5",
    "local step",
    "refinement",
  ]);
});

const nearest = (x: Float64Array, rows: readonly HistoryRow[]) =>
  Math.min(...rows.map((row) => Math.hypot(x[0]! - row.x[0]!, x[1]! - row.x[1]!)));

test("a first global step lies far from all trials, a refinement near the best", () => {
  const rows = told(40);
  const best = rows.reduce((a, b) => (b.y![0]! < a.y![0]! ? b : a));
  const history = buildHistory(square, 1, rows);
  for (const seed of [1, 2, 3, 4]) {
    const ask = (number: number) =>
      askAlgorithm({
        problem: problemOf(square),
        choice: { name: "rbf" },
        history,
        count: 1,
        seed,
        firstNumber: number,
      }).proposals[0]!.x;
    expect(nearest(ask(42), rows)).toBeGreaterThan(0.1);
    expect(nearest(ask(48), [best])).toBeLessThan(0.35);
    expect(nearest(ask(48), rows)).toBeGreaterThan(1e-5);
  }
});

/** Everything known lies on the left, and to the right nothing promises to change: what is far lies there. */
const leftish = Array.from({ length: 25 }, (_, number) => {
  const x = [0.3 * random.uniform(), random.uniform()];
  return { number, x, y: [1 + (x[1]! - 0.5) ** 2] };
});
const propose = (rows: readonly HistoryRow[], count: number, seed: number) =>
  askAlgorithm({
    problem: problemOf(square),
    choice: { name: "rbf" },
    history: buildHistory(square, 1, rows),
    count,
    seed,
    firstNumber: 35,
  }).proposals.map(({ x }) => x);

test("an ask keeps away from what runs, as from what has ended", () => {
  const running = [0.02, 0.25, 0.5, 0.75, 0.98].map((u, i) => ({
    number: 25 + i,
    x: Float64Array.of(0.95, u),
    kind: TrialKind.running,
  }));
  for (const seed of [1, 2, 3, 4]) {
    const [without] = propose(leftish, 1, seed);
    const [x] = propose([...leftish, ...running], 1, seed);
    expect(without![0]).toBeGreaterThan(0.85);
    expect(nearest(x!, running)).toBeGreaterThan(0.2);
  }
});

test("trials of a batch keep away from each other", () => {
  for (const seed of [1, 2, 3, 4]) {
    const batch = propose(leftish, 3, seed);
    for (const [i, x] of batch.entries()) {
      const others = batch.slice(0, i).map((one, number) => ({ number, x: one }));
      expect(nearest(x, others)).toBeGreaterThan(0.15);
    }
  }
});

test("goes on when all trials lie in one point but one, and when all results agree", () => {
  const same = Array.from({ length: 8 }, (_, number) => ({ number, x: [0.5, 0.5], y: [1 + number / 1e9] }));
  const flat = told(12).map((row) => ({ ...row, y: [3] }));
  for (const rows of [same, flat]) {
    const proposals = askAlgorithm({
      problem: problemOf(square),
      choice: { name: "rbf" },
      history: buildHistory(square, 1, rows),
      count: 3,
      seed: 1,
      firstNumber: 12,
    }).proposals;
    expect(proposals).toHaveLength(3);
  }
});

test("trials of the same configuration, ended or running, do not defeat the interpolant", () => {
  const rows = search(square, branin, 0, 12, 1);
  const again = rows.slice(0, 4).map((row, i) => ({ ...row, number: 12 + i, y: [row.y![0]! + 0.1] }));
  const running = [4, 4].map((i, k) => ({ number: 16 + k, x: rows[i]!.x, kind: TrialKind.running }));
  const enqueued = [18, 19].map((number) => ({ number, x: [0.31, 0.62], kind: TrialKind.running }));
  const history = buildHistory(square, 1, [...rows, ...again, ...running, ...enqueued]);
  for (const { why } of askAlgorithm({
    problem: problemOf(square),
    choice: { name: "rbf" },
    history,
    count: 4,
    seed: 1,
    firstNumber: 20,
  }).proposals) {
    expect(why).toContain("basis");
  }
});
