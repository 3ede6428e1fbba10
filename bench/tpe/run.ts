/**
 * Speed and search quality of TPE, compared with Optuna's TPESampler in a process of its own, in the same run. Prints
 * the tables of `bench/README.md`. Times are CPU time of the asking process, so that other work on the machine has little
 * influence.
 *
 *   npm run bench:tpe                                all sizes, 20 seeds (half an hour)
 *   npm run bench:tpe -- --seeds 0                   only the speed
 *   npm run bench:tpe -- --problems held-out         without the problems that were used to choose its constants
 */

import { parseArgs } from "node:util";
import { createRandom } from "../../shared/numerics/random.ts";
import type { History, Problem } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import { sampleCube } from "../../shared/space/sample.ts";
import { mean, median } from "../statistics.ts";
import { heldOut } from "./held-out.ts";
import { type Optuna, type OptunaSampler, startOptuna } from "./optuna.ts";
import { type BenchProblem, problems } from "./problems.ts";
import { honeCurve, optunaCurve } from "./search.ts";

const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: ".venv/bin/python" },
    sizes: { type: "string", default: "100,1000,5000,10000" },
    seeds: { type: "string", default: "20" },
    trials: { type: "string", default: "100" },
    problems: { type: "string", default: "all" },
  },
});

/** The samplers that Hone is compared with. */
const SAMPLERS: readonly OptunaSampler[] = ["multivariate", "default"];
/** Asks that are timed at each size, after a few for warm-up. */
const HONE_ASKS = 200;
const OPTUNA_ASKS = 10;

const mixed = problems.find(({ name }) => name.startsWith("network")) as BenchProblem;
const space = compileSpace(mixed.space);
const problem: Problem = {
  space,
  objectives: 1,
  budget: { trials: 1_000_000, parallel: 1 },
};

/** CPU seconds of one ask of Hone with a history of finished trials. */
const honeSeconds = (history: History): number => {
  const ask = (seed: number) =>
    askAlgorithm({ problem, choice: { name: "tpe" }, history, count: 1, seed, firstNumber: history.n })
      .proposals;
  for (let i = 0; i < HONE_ASKS; i++) ask(i);
  const begin = process.cpuUsage();
  for (let i = 0; i < HONE_ASKS; i++) ask(HONE_ASKS + i);
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6 / HONE_ASKS;
};

/** The same for Optuna, each ask followed by a tell, as in its own loop. */
const optunaSeconds = async (
  optuna: Optuna,
  sampler: OptunaSampler,
  trials: Parameters<Optuna["fill"]>[0],
): Promise<number> => {
  await optuna.study(mixed.space, sampler, 1);
  await optuna.fill(trials);
  const seconds: number[] = [];
  for (let i = 0; i < OPTUNA_ASKS + 2; i++) {
    const asked = await optuna.ask();
    await optuna.tell(asked.number, 1);
    if (i >= 2) seconds.push(asked.seconds);
  }
  return mean(seconds);
};

const speed = async (optuna: Optuna): Promise<void> => {
  const objective = mixed.regret(1);
  const random = createRandom(1);
  console.log("| finished trials | Hone, ms | Optuna multivariate, ms | Optuna default, ms | times faster |");
  console.log("|---|---|---|---|---|");
  for (const n of flags.sizes.split(",").map(Number)) {
    const points = Array.from({ length: n }, () => sampleCube(space, random));
    const trials = points.map((x) => {
      const params = fromCube(space, x);
      return { params, value: objective(params) };
    });
    const rows = points.map((x, number): HistoryRow => ({ number, x, y: [trials[number]!.value] }));
    const hone = honeSeconds(buildHistory(space, 1, rows));
    const peers: number[] = [];
    for (const sampler of SAMPLERS) peers.push(await optunaSeconds(optuna, sampler, trials));
    const ms = (seconds: number) => (1000 * seconds).toFixed(seconds < 0.01 ? 2 : 0);
    const faster = peers.map((seconds) => (seconds / hone).toFixed(0)).join(" and ");
    console.log(`| ${n} | ${ms(hone)} | ${peers.map(ms).join(" | ")} | ${faster} |`);
  }
};

/** log10 of the regret, divided by the median regret of random search after 25 trials. */
const logRegret = (regret: number, unit: number): number => Math.log10(Math.max(regret / unit, 1e-4));

const quality = async (optuna: Optuna, tasks: readonly BenchProblem[]): Promise<void> => {
  const trials = Number(flags.trials);
  const seeds = Array.from({ length: Number(flags.seeds) }, (_, seed) => seed);
  const at = [25, 50, 100].filter((count) => count <= trials);
  const searchers = ["Hone", ...SAMPLERS.map((sampler) => `Optuna ${sampler}`)];
  const heads = at.flatMap((count) => searchers.map((name) => `${name} @${count}`));
  console.log(`\n| problem | ${heads.join(" | ")} |`);
  console.log(`|---${"|---".repeat(heads.length)}|`);
  const sums = heads.map(() => 0);
  for (const task of tasks) {
    const chance = seeds.map((seed) => honeCurve(task, "random", seed, Math.min(25, trials)));
    const unit = median(chance.map((curve) => curve.at(-1) ?? 0));
    const curves: number[][][] = [seeds.map((seed) => honeCurve(task, "tpe", seed, trials))];
    for (const sampler of SAMPLERS) {
      const own: number[][] = [];
      for (const seed of seeds) own.push(await optunaCurve(optuna, task, sampler, seed, trials));
      curves.push(own);
    }
    const cells = at.flatMap((count) =>
      curves.map((own) => mean(own.map((curve) => logRegret(curve[count - 1]!, unit)))),
    );
    for (const [i, cell] of cells.entries()) sums[i]! += cell / tasks.length;
    console.log(`| ${task.name} | ${cells.map((cell) => cell.toFixed(2)).join(" | ")} |`);
  }
  console.log(`| **mean** | ${sums.map((sum) => sum.toFixed(2)).join(" | ")} |`);
};

const optuna = startOptuna(flags.python);
try {
  await speed(optuna);
  if (Number(flags.seeds) > 0) {
    if (flags.problems !== "held-out") await quality(optuna, problems);
    if (flags.problems !== "tuned") await quality(optuna, heldOut);
  }
} finally {
  optuna.close();
}
