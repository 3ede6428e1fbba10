import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { type Problem, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { childOf } from "../../../../shared/optimizer/evolution/variation.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../../../shared/optimizer/registry.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { fromCube } from "../../../../shared/space/cube.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";
import { nested } from "../../../support/spaces.ts";

const space = compileSpace({
  a: { type: "float", low: 0, high: 1 },
  b: { type: "float", low: 1e-4, high: 1, scale: "log" },
  c: { type: "int", low: 1, high: 500 },
  d: { type: "int", low: 1, high: 8 },
  e: { type: "categorical", choices: ["p", "q", "r", "s", "t"] },
  f: { type: "ordinal", choices: ["s", "m", "l"] },
});
/** 0 at the best configuration. */
const f = (x: Float64Array): number => {
  const { d, e, f: level } = fromCube(space, x);
  const numbers = [x[0]!, x[1]!, x[2]!].reduce((sum, u) => sum + Math.abs(u - 0.3), 0);
  return numbers + Math.abs(Number(d) - 3) / 8 + (e === "s" ? 0 : 1) + (level === "m" ? 0 : 0.3);
};
const problemOf = (trials = 400): Problem => ({
  space,
  objectives: 1,
  budget: { trials, parallel: 8 },
});

const search = (name: AlgorithmName, seed: number, trials = 400, count = 8) => {
  const rows: HistoryRow[] = [];
  while (rows.length < trials) {
    const history = buildHistory(space, 1, rows);
    for (const { x } of askAlgorithm({
      problem: problemOf(trials),
      choice: { name },
      history,
      count,
      seed,
      firstNumber: rows.length,
    }).proposals) {
      rows.push({ number: rows.length, x, y: [f(x)] });
    }
  }
  return rows;
};
const least = (rows: readonly HistoryRow[]) => Math.min(...rows.map(({ y }) => y![0]!));

test("finds far better configurations of a mixed space than random trials", () => {
  for (const seed of [1, 2, 3]) {
    expect(least(search("evolution", seed))).toBeLessThan(least(search("random", seed)) / 4);
  }
});

test("late trials still differ from each other and take up values that no parent had", () => {
  const rows = search("evolution", 4);
  const last = rows.slice(-80).map(({ x }) => x as Float64Array);
  const before = new Set(rows.slice(0, -80).map(({ x }) => (x as Float64Array)[0]));
  expect(last.filter((x) => !before.has(x[0])).length).toBeGreaterThan(8);
  for (const i of [0, 1, 2]) expect(new Set(last.map((x) => x[i])).size).toBeGreaterThan(10);
});

const random = createRandom(5);
const first = Array.from({ length: 20 }, (_, number) => {
  const x = sampleCube(space, random);
  return { number, x, y: [f(x)] };
});
const propose = (rows: readonly HistoryRow[], number = rows.length, options = { population: 20 }) =>
  askAlgorithm({
    problem: problemOf(),
    choice: { name: "evolution", ...options },
    history: buildHistory(space, 1, rows),
    count: 1,
    seed: 1,
    firstNumber: number,
  }).proposals;

test("the first population is space-filling, and no worker waits for it to be told", () => {
  const running = first.map(({ number, x }) => ({ number, x, kind: TrialKind.running }));
  for (let number = 0; number < 20; number++) {
    expect(propose(running.slice(0, number), number)[0]!.why).toBe("first population");
  }
  // All twenty still run: there are no parents yet, but an ask is answered.
  expect(propose(running, 20)).toHaveLength(1);
  const two = [...first.slice(0, 2), ...running.slice(2)];
  expect(propose(two, 20)[0]!.why).toBe("crossover and mutation");
});

test("a better trial takes a place in the population at once, a worse one changes nothing", () => {
  const worse = { number: 20, x: Float64Array.from(first[0]!.x, (u) => 1 - u), y: [100] };
  expect(propose([...first, worse], 30)).toEqual(propose(first, 30));
  const better = { ...worse, y: [-100] };
  expect(propose([...first, better], 30)).not.toEqual(propose(first, 30));
});

test("a population holds the best of all trials, however many there were", () => {
  // Forty good trials early, a thousand bad ones after: children come from the good ones only.
  const rows = Array.from({ length: 1040 }, (_, number) => {
    const x = sampleCube(space, random);
    x[0] = number < 40 ? 0.1 : 0.9;
    return { number, x, y: [number < 40 ? 0 : 1] };
  });
  const children = askAlgorithm({
    problem: problemOf(),
    choice: { name: "evolution", population: 40 },
    history: buildHistory(space, 1, rows),
    count: 50,
    seed: 1,
    firstNumber: 1040,
  }).proposals;
  expect(children.filter(({ x }) => x[0]! < 0.6)).toHaveLength(50);
});

test("children of the same parents are theirs, apart from rare mutations", () => {
  const [mother, father] = [first[0]!.x, first[1]!.x];
  const children = Array.from({ length: 2000 }, () => childOf(space, mother, father, random));
  const share = (i: number) =>
    children.filter((x) => x[i] === mother[i] || x[i] === father[i]).length / children.length;
  // A choice stays one of two unless it mutates to one of the other three: 1/6 of the times, less when it hits the other parent's.
  expect(mother[4]).not.toBe(father[4]);
  expect(share(4)).toBeGreaterThan(0.82);
  expect(share(4)).toBeLessThan(0.92);
  // A number: half of the times as it was, else near one of the parents.
  const low = Math.min(mother[0]!, father[0]!);
  const high = Math.max(mother[0]!, father[0]!);
  const margin = 0.35 * (high - low) + 0.05;
  const near = children.filter((x) => x[0]! > low - margin && x[0]! < high + margin).length;
  expect(near / children.length).toBeGreaterThan(0.95);
  const mean = children.reduce((sum, x) => sum + x[0]!, 0) / children.length;
  // Half of what is crossed comes from a parent at random; what is not is the mother's.
  expect(Math.abs(mean - mother[0]!)).toBeLessThan(high - low);
});

test("a child of different branches of a conditional space is whole", () => {
  const tree = compileSpace(nested);
  const chance = createRandom(6);
  for (let i = 0; i < 300; i++) {
    const child = childOf(tree, sampleCube(tree, chance), sampleCube(tree, chance), chance);
    const params = fromCube(tree, child);
    expect("C" in params).toBe(params.model === "svm");
    expect("trees" in params).toBe(params.model === "forest");
    expect("gamma" in params).toBe(params.kernel === "rbf");
  }
});

test.each([
  [12, 4],
  [100, 20],
  [500, 50],
  [5000, 100],
])("with a budget of %i trials the population is %i, so that there is time to evolve", (trials, size) => {
  const rowsOf = (count: number): HistoryRow[] =>
    Array.from({ length: count }, (_, number) => {
      const x = sampleCube(space, random);
      return { number, x, y: [f(x)] };
    });
  const ask = (number: number) =>
    askAlgorithm({
      problem: problemOf(trials),
      choice: { name: "evolution" },
      history: buildHistory(space, 1, rowsOf(number)),
      count: 1,
      seed: 1,
      firstNumber: number,
    }).proposals[0]!.why;
  expect(ask(size - 1)).toBe("first population");
  expect(ask(size)).toBe("crossover and mutation");
});
