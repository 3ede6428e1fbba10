/**
 * What a race saves: on problems of sixty configurations and ten instances with noise, how many runs `irace` takes until it is over,
 * against full evaluation of every configuration on every instance, and how good its winner is. Prints the table of `bench/README.md`.
 * The second part times an ask late in a long study.
 *
 *   npm run bench:race                   100 seeds (some minutes)
 *   npm run bench:race -- --seeds 10
 */

import { parseArgs } from "node:util";
import { createRandom } from "../../shared/numerics/random.ts";
import type { Problem } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import type { IraceOptions } from "../../shared/optimizer/irace/index.ts";
import { askForRuns } from "../../shared/optimizer/runs.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { mean, median } from "../statistics.ts";
import { winnerOf } from "./winner.ts";

const { values: flags } = parseArgs({ options: { seeds: { type: "string", default: "100" } } });

const INSTANCES = 10;
const NOISES = [0.1, 0.2, 0.4];
/** As the first race of sixty configurations needs it; a study ends itself before. */
const BUDGET = 1200;

const variants: readonly { readonly name: string; readonly options: IraceOptions }[] = [
  { name: "t test from instance 2 on", options: { test: "t-test", firstTest: 2 } },
  { name: "Friedman from instance 2 on", options: { firstTest: 2 } },
  { name: "Friedman from instance 5 on (default)", options: {} },
];

const space = compileSpace({
  a: { type: "int", low: 1, high: 6 },
  b: { type: "ordinal", choices: Array.from({ length: 10 }, (_, i) => 2 ** i) },
});

/** The cost of a configuration without noise and without its instance. */
const truth = (x: ArrayLike<number>) => 4 * (x[0]! - 0.4) ** 2 + 4 * (x[1]! - 0.75) ** 2;

const costOf = (seed: number, noise: number) => (x: ArrayLike<number>, instance: number) =>
  truth(x) +
  5 * Math.sin(instance) +
  noise * createRandom(seed, Math.round(1000 * x[0]!), Math.round(1000 * x[1]!), instance).normal();

const problemOf = (trials: number, runs: number): Problem => ({
  space,
  objectives: 1,
  budget: { trials, parallel: 1 },
  runs,
});

/** Runs a study to its end, with as many workers as there is work for. */
const race = (seed: number, options: IraceOptions, cost: ReturnType<typeof costOf>): HistoryRow[] => {
  const rows: HistoryRow[] = [];
  for (;;) {
    const { proposals } = askForRuns({
      problem: problemOf(BUDGET, INSTANCES),
      choice: { name: "irace", ...options },
      history: buildHistory(space, 1, rows),
      count: BUDGET - rows.length,
      seed,
      firstNumber: rows.length,
    });
    if (proposals.length === 0) return rows;
    for (const { x, instance = 0, configuration = 0, iteration = 0 } of proposals) {
      rows.push({ number: rows.length, x, y: [cost(x, instance)], instance, configuration, iteration });
    }
  }
};

const compare = (noise: number, options: IraceOptions, seeds: number) => {
  const outcomes = Array.from({ length: seeds }, (_, seed) => {
    const cost = costOf(seed, noise);
    const rows = race(seed, options, cost);
    const points = rows.filter(({ number, configuration }) => number === configuration).map(({ x }) => x);
    const meanOf = (x: ArrayLike<number>) =>
      mean(Array.from({ length: INSTANCES }, (_, instance) => cost(x, instance)));
    const full = points.reduce((a, b) => (meanOf(b) < meanOf(a) ? b : a));
    const least = Math.min(...points.map(truth));
    const winner = winnerOf(rows);
    return {
      runs: rows.length / (points.length * INSTANCES),
      isSame: winner.length > 0 && truth(winner) === truth(full) ? 1 : 0,
      regret: truth(winner) - least,
      fullRegret: truth(full) - least,
    };
  });
  return {
    runs: mean(outcomes.map(({ runs }) => runs)),
    most: Math.max(...outcomes.map(({ runs }) => runs)),
    same: mean(outcomes.map(({ isSame }) => isSame)),
    regret: mean(outcomes.map(({ regret }) => regret)),
    fullRegret: mean(outcomes.map(({ fullRegret }) => fullRegret)),
  };
};

console.log(
  "| noise | race | runs, of full evaluation | at most | same winner | regret | of full evaluation |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- |");
for (const noise of NOISES) {
  for (const { name, options } of variants) {
    const { runs, most, same, regret, fullRegret } = compare(noise, options, Number(flags.seeds));
    const percent = (share: number) => `${(100 * share).toFixed(0)}%`;
    const cells = [
      noise,
      name,
      percent(runs),
      percent(most),
      percent(same),
      regret.toFixed(4),
      fullRegret.toFixed(4),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

/** CPU milliseconds of an ask with so many trials, of a space of ten numbers and a hundred seeds. */
const wide = compileSpace(
  Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`p${i}`, { type: "float", low: 0, high: 1 }])),
);
const ASKS = 20;

const askTimes = (trials: number): number => {
  const rows: HistoryRow[] = [];
  const problem = { ...problemOf(trials, 100), space: wide };
  const ask = (count: number) =>
    askForRuns({
      problem,
      choice: { name: "irace" },
      history: buildHistory(wide, 1, rows),
      count,
      seed: 1,
      firstNumber: rows.length,
    }).proposals;
  const random = createRandom(1);
  const cost = (x: ArrayLike<number>) =>
    Array.from(x).reduce((sum, u) => sum + (u - 0.3) ** 2, 0) + 0.1 * random.normal();
  while (rows.length < trials - ASKS) {
    const proposals = ask(Math.min(500, trials - ASKS - rows.length));
    if (proposals.length === 0) break;
    for (const { x, instance = 0, configuration = 0, iteration = 0 } of proposals) {
      rows.push({ number: rows.length, x, y: [cost(x)], instance, configuration, iteration });
    }
  }
  const times = Array.from({ length: ASKS }, () => {
    const history = buildHistory(wide, 1, rows);
    const begin = process.cpuUsage();
    askForRuns({ problem, choice: { name: "irace" }, history, count: 1, seed: 1, firstNumber: rows.length });
    const { user, system } = process.cpuUsage(begin);
    return (user + system) / 1000;
  });
  return median(times);
};

console.log("\n| trials | CPU ms of an ask, median |");
console.log("| --- | --- |");
for (const trials of [1000, 5000, 10_000]) console.log(`| ${trials} | ${askTimes(trials).toFixed(1)} |`);
