import { expect, test } from "vitest";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { type Problem, TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../../../shared/optimizer/registry.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { fromCube } from "../../../../shared/space/cube.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";

/** Three models, each with parameters of its own, as forests are good at. */
const space = compileSpace({
  model: { type: "categorical", choices: ["svm", "forest", "net"] },
  C: { type: "float", low: 1e-3, high: 1e3, scale: "log", when: { model: ["svm"] } },
  gamma: { type: "float", low: 1e-5, high: 10, scale: "log", when: { model: ["svm"] } },
  trees: { type: "int", low: 10, high: 500, when: { model: ["forest"] } },
  share: { type: "float", low: 0, high: 1, when: { model: ["forest"] } },
  lr: { type: "float", low: 1e-5, high: 1, scale: "log", when: { model: ["net"] } },
  layers: { type: "int", low: 1, high: 6, when: { model: ["net"] } },
});
const f = (x: Float64Array): number => {
  const p = fromCube(space, x) as Record<string, number | string>;
  const from = (name: string, best: number, unit: number) =>
    ((Math.log10(Number(p[name])) - best) / unit) ** 2;
  if (p.model === "svm") return 0.3 + 0.1 * (from("C", 1, 3) + from("gamma", -2, 3));
  if (p.model === "forest") return 0.25 + 0.2 * (Number(p.share) - 0.4) ** 2 + 1 / Number(p.trees);
  return 0.1 + 0.5 * from("lr", -2.5, 2) + 0.1 * Math.abs(Number(p.layers) - 4);
};
const problem: Problem = { space, objectives: 1, budget: { trials: 100, parallel: 8 } };

const search = (name: AlgorithmName, seed: number, trials = 60) => {
  const rows: HistoryRow[] = [];
  while (rows.length < trials) {
    const history = buildHistory(space, 1, rows);
    const [proposal] = askAlgorithm({
      problem,
      choice: { name },
      history,
      count: 1,
      seed,
      firstNumber: rows.length,
    }).proposals;
    rows.push({ number: rows.length, x: proposal!.x, y: [f(proposal!.x)] });
  }
  return rows;
};
const least = (rows: readonly HistoryRow[]) => Math.min(...rows.map(({ y }) => y![0]!));

test("finds the best of three models and its parameters sooner than random trials", () => {
  const regret = (name: AlgorithmName) =>
    [1, 2, 3].map((seed) => least(search(name, seed, 50)) - 0.1).sort((a, b) => a - b)[1]!;
  expect(regret("smac")).toBeLessThan(regret("random") / 5);
});

const random = createRandom(4);
const rows = Array.from({ length: 60 }, (_, number) => {
  const x = sampleCube(space, random);
  return { number, x, y: [f(x)] };
});

test("every fifth trial is random, by its number, whoever asks", () => {
  const history = buildHistory(space, 1, rows);
  const batch = askAlgorithm({
    problem,
    choice: { name: "smac" },
    history,
    count: 20,
    seed: 1,
    firstNumber: 60,
  }).proposals;
  const isRandom = batch.map(({ why }) => why === "every fifth at random");
  expect(isRandom).toEqual(Array.from({ length: 20 }, (_, i) => i % 5 === 4));
  for (const number of [61, 64, 69]) {
    const [one] = askAlgorithm({
      problem,
      choice: { name: "smac" },
      history,
      count: 1,
      seed: 1,
      firstNumber: number,
    }).proposals;
    expect(one!.why === "every fifth at random").toBe(number % 5 === 4);
  }
});

test("the forest's trials look where trials were good, the random ones anywhere", () => {
  const batch = askAlgorithm({
    problem,
    choice: { name: "smac" },
    history: buildHistory(space, 1, rows),
    count: 100,
    seed: 1,
    firstNumber: 60,
  }).proposals;
  const nets = (why: RegExp) => {
    const those = batch.filter((one) => why.test(one.why));
    return those.filter(({ x }) => fromCube(space, x).model === "net").length / those.length;
  };
  expect(nets(/forest/)).toBeGreaterThan(0.8);
  expect(nets(/random/)).toBeLessThan(0.7);
});

test("begins with a space-filling design, as long as asked for", () => {
  const why = (n: number, options = {}) =>
    askAlgorithm({
      problem,
      choice: { name: "smac", ...options },
      history: buildHistory(space, 1, rows.slice(0, n)),
      count: 1,
      seed: 1,
      firstNumber: 60,
    }).proposals[0]!.why;
  expect(why(9)).toBe("initial design");
  expect(why(10)).toMatch(/forest/);
  expect(why(29, { startup: 30 })).toBe("initial design");
  expect(why(30, { startup: 30 })).toMatch(/forest/);
});

test("keeps within a bound that it learns of from the trials", () => {
  const bounded = rows.map((row) => {
    const isNet = fromCube(space, row.x).model === "net";
    return { ...row, violation: isNet ? 1 : 0, excess: [isNet ? 1 : -1] };
  });
  const history = buildHistory(space, 1, bounded, 1);
  const batch = askAlgorithm({
    problem: { ...problem, outcomes: 1 },
    choice: { name: "smac" },
    history,
    count: 40,
    seed: 1,
    firstNumber: 60,
  }).proposals;
  const guided = batch.filter(({ why }) => /forest/.test(why));
  expect(guided.length).toBe(32);
  expect(guided.filter(({ x }) => fromCube(space, x).model === "net").length).toBeLessThan(8);
});

test("what runs counts: the forest is grown with it", () => {
  const ask = (some: readonly HistoryRow[]) =>
    askAlgorithm({
      problem,
      choice: { name: "smac" },
      history: buildHistory(space, 1, some),
      count: 1,
      seed: 1,
      firstNumber: 90,
    }).proposals[0]!.x;
  const elsewhere = { number: 61, x: rows.find(({ y }) => y[0]! > 0.5)!.x.map((u) => u && u * 0.99) };
  expect(ask([...rows, { ...elsewhere, kind: TrialKind.running }])).not.toEqual(ask(rows));
});

test("thousands of trials are thinned out, the best of them kept", () => {
  const many = Array.from({ length: 4000 }, (_, number) => {
    const x = sampleCube(space, random);
    return { number, x, y: [f(x) + 1] };
  });
  const good = sampleCube(space, random);
  many[1234] = { number: 1234, x: good, y: [-5] };
  const batch = askAlgorithm({
    problem,
    choice: { name: "smac" },
    history: buildHistory(space, 1, many),
    count: 4,
    seed: 1,
    firstNumber: 4000,
  }).proposals;
  const model = fromCube(space, good).model;
  expect(batch.filter(({ x }) => fromCube(space, x).model === model).length).toBeGreaterThan(2);
});
