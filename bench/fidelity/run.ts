/**
 * Simulated time on real learning curves: Hone's schedulers beside their peers, with 1 to 500 workers.
 *
 *   npm run bench:fidelity                                              the short form
 *   npm run bench:fidelity -- --searchers hone-asha-random,syne-asha --problems mlp:smooth --workers 25,500 --seeds 4
 *   npm run bench:fidelity -- --fresh dehb                              deletes the results of these
 *   npm run bench:fidelity -- --report --group all                      prints existing results
 *   npm run bench:fidelity -- --build                                   only tabulates the curves and fits the surrogates
 *
 * Hone's searchers are `hone-SCHEDULER-ALGORITHM`, such as `hone-none-gp` or `hone-asha.promotion-random`. Results are kept in `.bench/fidelity.jsonl`, so that an
 * interrupted run resumes; tables and surrogates in `.bench/curves`. Environments and tables are created on first use.
 */
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { install } from "../quality/environments.ts";
import { addResult, readResults } from "../quality/results.ts";
import { environmentOf } from "../quality/searchers.ts";
import { compare, table } from "./report.ts";
import type { FidelityResult } from "./results.ts";
import { CURVES, environmentsOf, PEER_NAMES, searcherOf, type Task, versionOf } from "./searchers.ts";

const PROBLEMS = [
  ...["mlp", "sgd", "boost", "net"].flatMap((name) => [`${name}:smooth`, `${name}:forest`]),
  "lcdb-41027:table",
  "lcdb-881:table",
];
/** Full fidelity, and what is measured against it. */
const HONE_NAMES = [
  "hone-none-random",
  "hone-none-gp",
  "hone-median-gp",
  "hone-sha-random",
  "hone-asha-random",
  "hone-asha-gp",
  "hone-asha.promotion-random",
  "hone-pasha-random",
  "hone-hyperband-random",
  "hone-hyperband-gp",
  "hone-freeze-thaw-gp",
];

const { values: flags } = parseArgs({
  options: {
    searchers: { type: "string", default: [...PEER_NAMES, ...HONE_NAMES].join(",") },
    problems: { type: "string", default: PROBLEMS.join(",") },
    workers: { type: "string", default: "1,4,25,500" },
    seeds: { type: "string", default: "2" },
    /** CPU seconds of a searcher in one simulation. */
    patience: { type: "string", default: "60" },
    /** Tables by `kind` of problem (smooth, forest, table), by `problem`, or of `all` together. */
    group: { type: "string", default: "kind" },
    fresh: { type: "string" },
    build: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    /** A file to use instead of `.bench/fidelity.jsonl`, for experiments. */
    results: { type: "string" },
  },
});

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const RESULTS = flags.results ?? here("../../.bench/fidelity.jsonl");
const searchers = flags.searchers.split(",");
const problems = flags.problems.split(",");
const workers = flags.workers.split(",").map(Number);
const seeds = Number(flags.seeds);

const keyOf = ({ searcher, problem, workers: count, seed }: Task) =>
  [searcher, problem, count, seed].join(" ");

const current = () =>
  readResults<FidelityResult>(RESULTS).filter(({ searcher, version }) => version === versionOf(searcher));

/** Seeds come first, so that an interrupted run has something of everything. */
const tasks = (): Task[] => {
  const done = new Set(current().map(keyOf));
  return Array.from({ length: seeds }, (_, seed) => seed)
    .flatMap((seed) =>
      workers.flatMap((count) => problems.map((problem) => ({ problem, workers: count, seed }))),
    )
    .flatMap((study) => searchers.map((searcher) => ({ searcher, ...study })))
    .filter((task) => !done.has(keyOf(task)));
};

const work = async (): Promise<void> => {
  for (const [name, mine] of Map.groupBy(tasks(), ({ searcher }) => searcher)) {
    let searcher = searcherOf(name);
    for (const task of mine) {
      if (searcher === null) break; // its environment could not be installed
      try {
        const outcome = await searcher.run(task, Number(flags.patience));
        addResult(RESULTS, { ...task, version: versionOf(name), ...outcome } satisfies FidelityResult);
      } catch (error) {
        console.error(`${keyOf(task)} failed: ${error instanceof Error ? error.message : error}`);
        searcher.close();
        searcher = searcherOf(name);
      }
    }
    searcher?.close();
    console.error(`${name}: ${mine.length} simulations`);
  }
};

const forget = (names: readonly string[]): void => {
  if (!existsSync(RESULTS)) return;
  const kept = readResults<FidelityResult>(RESULTS).filter(({ searcher }) => !names.includes(searcher));
  writeFileSync(RESULTS, kept.map((result) => `${JSON.stringify(result)}\n`).join(""));
};

const groupOf = (problem: string): string =>
  flags.group === "problem" ? problem : flags.group === "kind" ? problem.split(":")[1]! : "all problems";

const report = (): void => {
  const known = current().filter(({ problem, seed }) => problems.includes(problem) && seed < seeds);
  for (const count of workers) {
    const mine = known.filter((result) => result.workers === count);
    const groups = Map.groupBy(mine, ({ problem }) => groupOf(problem));
    for (const [group, results] of groups) {
      const present = searchers.filter((name) => results.some(({ searcher }) => searcher === name));
      const rows = compare(results, present);
      const studies = rows[0]?.studies ?? 0;
      console.log(`\n## ${group}, ${count} ${count === 1 ? "worker" : "workers"}: ${studies} studies\n`);
      console.log(table(rows));
    }
  }
};

if (!flags.report) {
  install(environmentsOf(flags.build ? [] : searchers), here("requirements"));
  execFileSync(environmentOf(CURVES), [here("surrogate.py"), ...problems], { stdio: "inherit" });
  if (flags.fresh !== undefined) forget(flags.fresh.split(","));
  if (!flags.build) await work();
}
if (!flags.build) report();
