/**
 * Iterated racing beside the R package irace (Debian's `r-cran-irace`, which must be installed): five parameters, one of them
 * conditional, and twenty instances whose results have noise. Prints the table of `bench/README.md`.
 *
 *   npm run bench:race-peers                 20 seeds
 *   npm run bench:race-peers -- --seeds 5
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../../shared/numerics/random.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import type { IraceOptions } from "../../shared/optimizer/irace/index.ts";
import { askForRuns } from "../../shared/optimizer/runs.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import { mean } from "../statistics.ts";
import { winnerOf } from "./winner.ts";

const { values: flags } = parseArgs({ options: { seeds: { type: "string", default: "20" } } });

const INSTANCES = 20;

const space = compileSpace({
  rate: { type: "float", low: 0.0001, high: 1, scale: "log" },
  depth: { type: "int", low: 1, high: 20 },
  share: { type: "float", low: 0, high: 1 },
  kind: { type: "categorical", choices: ["a", "b", "c"] },
  width: { type: "float", low: 0, high: 1, when: { kind: ["c"] } },
});

/** The cost of a configuration without noise and without its instance; 0 at the best. As in irace.R. */
const truth = (x: ArrayLike<number>): number => {
  const { rate, depth, share, kind, width } = fromCube(space, Float64Array.from(x));
  const costOfKind = { a: 0.3, b: 0.6, c: (Number(width) - 0.7) ** 2 }[String(kind)] ?? Number.NaN;
  return (
    (Math.log10(Number(rate)) + 2) ** 2 / 4 +
    ((Number(depth) - 14) / 19) ** 2 * 4 +
    2 * (Number(share) - 0.3) ** 2 +
    costOfKind
  );
};

interface Outcome {
  readonly cost: number;
  readonly runs: number;
}

const hone = (options: IraceOptions, budget: number, noise: number, seed: number): Outcome => {
  const random = createRandom(seed, 0x70656572);
  const rows: HistoryRow[] = [];
  for (;;) {
    const { proposals } = askForRuns({
      problem: { space, objectives: 1, budget: { trials: budget, parallel: 1 }, runs: INSTANCES },
      choice: { name: "irace", ...options },
      history: buildHistory(space, 1, rows),
      count: budget - rows.length,
      seed,
      firstNumber: rows.length,
    });
    if (proposals.length === 0) return { cost: truth(winnerOf(rows)), runs: rows.length };
    for (const { x, instance = 0, configuration = rows.length, iteration = 0 } of proposals) {
      const y = [truth(x) + 5 * Math.sin(instance + 1) + noise * random.normal()];
      rows.push({ number: rows.length, x, y, instance, configuration, iteration });
    }
  }
};

const peer = (test: string, budget: number, noise: number, seeds: number): Outcome[] => {
  const script = fileURLToPath(new URL("irace.R", import.meta.url));
  const text = execFileSync("Rscript", [script, budget, noise, test, seeds].map(String), {
    encoding: "utf8",
  });
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Outcome);
};

const seeds = Number(flags.seeds);
console.log("| runs | noise | race | regret, mean | regret, worst | runs used |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const budget of [200, 500]) {
  for (const noise of [0.1, 0.5]) {
    const own = (options: IraceOptions) =>
      Array.from({ length: seeds }, (_, seed) => hone(options, budget, noise, seed + 1));
    const rows: [string, Outcome[]][] = [
      ["Hone, Friedman", own({})],
      ["irace in R, Friedman", peer("friedman", budget, noise, seeds)],
      ["Hone, t test", own({ test: "t-test" })],
      ["irace in R, t test", peer("t-test", budget, noise, seeds)],
    ];
    for (const [name, outcomes] of rows) {
      const costs = outcomes.map(({ cost }) => cost);
      const cells = [
        budget,
        noise,
        name,
        mean(costs).toFixed(4),
        Math.max(...costs).toFixed(4),
        mean(outcomes.map(({ runs }) => runs)).toFixed(0),
      ];
      console.log(`| ${cells.join(" | ")} |`);
    }
  }
}
