import { afterAll, beforeAll, expect, test } from "vitest";
import { type Optuna, startOptuna } from "../../../../bench/tpe/optuna.ts";
import { type BenchProblem, problems } from "../../../../bench/tpe/problems.ts";
import { honeCurve, optunaCurve } from "../../../../bench/tpe/search.ts";
import { createRandom } from "../../../../shared/numerics/random.ts";
import { TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../../../shared/optimizer/propose.ts";
import { compileSpace } from "../../../../shared/space/compile.ts";
import { fromCube, toCube } from "../../../../shared/space/cube.ts";
import { sampleCube } from "../../../../shared/space/sample.ts";
import type { Space } from "../../../../shared/space/space.ts";
import { problemOf } from "../../../support/contracts/algorithm.ts";
import { spaces } from "../../../support/spaces.ts";

const named = spaces[0]!;

/** Finished trials drawn from the prior, valued by a function of their points. */
const finished = (space: Space, n: number, value: (x: Float64Array) => number[]): HistoryRow[] => {
  const random = createRandom(n);
  return Array.from({ length: n }, (_, number) => {
    const x = sampleCube(space, random);
    return { number, x, y: value(x) };
  });
};

const ask = (
  space: Space,
  rows: readonly HistoryRow[],
  count: number,
  seed = 1,
  objectives = 1,
  options = {},
) =>
  askAlgorithm({
    problem: { space, objectives, budget: { trials: 1000, parallel: 8 } },
    choice: { name: "tpe", ...options },
    history: buildHistory(space, objectives, rows),
    count,
    seed,
    firstNumber: rows.length,
  }).proposals;

const square = compileSpace({ a: { type: "float", low: 0, high: 1 }, b: { type: "float", low: 0, high: 1 } });
const bowl = (x: Float64Array) => [(x[0]! - 0.3) ** 2 + (x[1]! - 0.7) ** 2];
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test("ten trials with results come before the model, or as many as `startup` says", () => {
  const rows = finished(square, 12, bowl);
  expect(ask(square, rows.slice(0, 9), 1)[0]?.why).toBe("initial design");
  expect(ask(square, rows.slice(0, 10), 1)[0]?.why).toBe("expected improvement");
  expect(ask(square, rows.slice(0, 3), 1, 1, 1, { startup: 3 })[0]?.why).toBe("expected improvement");
  const failed = rows.map((row): HistoryRow => ({ ...row, y: null, kind: TrialKind.failed }));
  expect(ask(square, failed, 1)[0]?.why).toBe("initial design");
});

test("it searches where the good trials are", () => {
  const rows = finished(square, 100, bowl);
  const asked = Array.from({ length: 40 }, (_, seed) => ask(square, rows, 1, seed)[0]!.x);
  expect(mean(asked.map((x) => bowl(x)[0]!))).toBeLessThan(0.02);
  expect(mean(rows.map(({ y }) => y![0]!))).toBeGreaterThan(0.1);
});

test("of several objectives it searches the whole front", () => {
  const rows = finished(square, 150, (x) => [x[0]! + x[1]! ** 2, 1 - x[0]! + x[1]! ** 2]);
  const asked = Array.from({ length: 40 }, (_, seed) => ask(square, rows, 1, seed, 2)[0]!.x);
  expect(mean(asked.map((x) => x[1]!))).toBeLessThan(0.25);
  expect(asked.some((x) => x[0]! < 0.25)).toBe(true);
  expect(asked.some((x) => x[0]! > 0.75)).toBe(true);
});

test("it keeps away from where trials failed", () => {
  // The half a < 0.5 fails, though the bowl's bottom lies in it.
  const rows = finished(square, 100, bowl).map(
    (row): HistoryRow => (row.x[0]! < 0.5 ? { ...row, y: null, kind: TrialKind.failed } : row),
  );
  const asked = Array.from({ length: 40 }, (_, seed) => ask(square, rows, 1, seed)[0]!.x);
  expect(asked.filter((x) => x[0]! < 0.45).length).toBeLessThan(8);
});

test("an infeasible trial, however good its value, is followed only while nothing is feasible", () => {
  const rows = finished(square, 100, bowl).map(
    (row): HistoryRow => ({ ...row, violation: Math.max(0, 0.5 - row.x[0]!) }),
  );
  const asked = Array.from({ length: 40 }, (_, seed) => ask(square, rows, 1, seed)[0]!.x);
  expect(asked.filter((x) => x[0]! < 0.45).length).toBeLessThan(12);
});

test("the trials of one ask lie apart, as do those of asks while others run", () => {
  const rows = finished(square, 60, bowl);
  const points = ask(square, rows, 8).map(({ x }) => x);
  const distances = points.flatMap((a, i) =>
    points.slice(0, i).map((b) => Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!)),
  );
  expect(Math.min(...distances)).toBeGreaterThan(1e-3);
  const withRunning = [...rows, ...points.map((x, i): HistoryRow => ({ number: 60 + i, x }))];
  expect(ask(square, withRunning, 1)[0]!.x).not.toEqual(points[0]);
});

test("a few asks are pinned: a change of them is a new revision", () => {
  const rows = finished(named.space, 30, (x) => [x[0]! + x[3]!]);
  const proposals = askAlgorithm({
    problem: problemOf(named),
    choice: { name: "tpe" },
    history: buildHistory(named.space, 1, rows),
    count: 2,
    seed: 1,
    firstNumber: 30,
  }).proposals;
  expect(proposals.map(({ x }) => fromCube(named.space, x))).toMatchInlineSnapshot(`
    [
      {
        "batch": 928,
        "dropout": 0.3,
        "layers": 1,
        "lr": 0.00023543599047141188,
        "momentum": 0.8539020863779063,
        "optimizer": "sgd",
        "size": "small",
        "units": 279,
      },
      {
        "batch": 512,
        "dropout": 0.1,
        "layers": 1,
        "lr": 0.0009088984285013461,
        "momentum": 0.9825984028260031,
        "optimizer": "adam",
        "size": "medium",
        "units": 1,
      },
    ]
  `);
});

test("choices that were always bad are seldom tried again", () => {
  const space = compileSpace({
    c: { type: "categorical", choices: ["good", "bad", "worse", "worst"] },
    x: { type: "float", low: 0, high: 1 },
  });
  const rows = finished(space, 60, (x) => [Math.floor(x[0]! * 4) + x[1]!]);
  const good = toCube(space, { c: "good", x: 0 })[0];
  const asked = Array.from({ length: 50 }, (_, seed) => ask(space, rows, 1, seed)[0]!.x);
  expect(asked.filter((x) => x[0] === good).length).toBeGreaterThan(40);
});

/**
 * Against Optuna's TPESampler (multivariate, grouped, constant liar) on the same problems and seeds, in this run. Both
 * are deterministic at a seed. The margin is statistical: over all pairs of runs, the mean difference of log10 regret
 * after 50 trials must not be above 0 by more than 1.645 standard errors (one-sided, 5%).
 */
const SEEDS = Array.from({ length: 12 }, (_, seed) => seed);
const TRIALS = 50;

let optuna: Optuna;
beforeAll(() => {
  optuna = startOptuna(".venv/bin/python");
});
afterAll(() => optuna.close());

test("its regret is not worse than Optuna's over seeds", { timeout: 300_000 }, async () => {
  const chosen = ["Hartmann", "network", "pipeline"].map(
    (name) => problems.find((problem) => problem.name.startsWith(name)) as BenchProblem,
  );
  const differences: number[] = [];
  for (const problem of chosen) {
    for (const seed of SEEDS) {
      const own = honeCurve(problem, "tpe", seed, TRIALS).at(-1)!;
      const theirs = (await optunaCurve(optuna, problem, "multivariate", seed, TRIALS)).at(-1)!;
      const log = (regret: number) => Math.log10(Math.max(regret, 1e-4));
      differences.push(log(own) - log(theirs));
    }
  }
  const difference = mean(differences);
  const variance = mean(differences.map((value) => (value - difference) ** 2));
  const standardError = Math.sqrt(variance / (differences.length - 1));
  expect(difference).toBeLessThanOrEqual(1.645 * standardError);
});
