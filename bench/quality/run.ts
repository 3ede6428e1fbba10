/**
 * Search quality and time of Hone's algorithms and their peers, in the same run.
 *
 *   npm run bench:quality                                         the short form, minutes
 *   npm run bench:quality -- --form long --jobs 2                 hours; two studies at a time
 *   npm run bench:quality -- --searchers auto,optuna-gp --groups tuning --seeds 4 --trials 100 --parallel 1,4
 *   npm run bench:quality -- --fresh auto,gp                      deletes the results of these
 *   npm run bench:quality -- --report                             prints and plots existing results
 *
 * A flag overrides every part of the form. Results are kept in `.bench/quality.jsonl`, so that an interrupted run resumes,
 * and plots in `.bench/plots`. The peers' environments are created on first use.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { install } from "./environments.ts";
import { type Lines, startLines } from "./lines.ts";
import { drawPlots } from "./plots.ts";
import { addResult, readResults } from "./results.ts";
import { canDo, environmentOf, environmentsOf, type Searcher, searcherOf, versionOf } from "./searchers.ts";
import { describe, sectionsOf } from "./sections.ts";
import { runStudy } from "./study.ts";
import { FORMS, type Part, type Task, tasksOf } from "./suite.ts";

const { values: flags } = parseArgs({
  options: {
    form: { type: "string", default: "short" },
    searchers: { type: "string" },
    groups: { type: "string" },
    seeds: { type: "string" },
    trials: { type: "string" },
    parallel: { type: "string" },
    jobs: { type: "string", default: "1" },
    /** The share of the tasks that a job of `--jobs` does, and the number of shares. */
    share: { type: "string" },
    fresh: { type: "string" },
    /** A file to use instead of `.bench/quality.jsonl`, for experiments. */
    results: { type: "string" },
    report: { type: "boolean", default: false },
  },
});

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const RESULTS = flags.results ?? here("../../.bench/quality.jsonl");
/** Time limit for one value of a problem, seconds; a table is built when it is first used. */
const PATIENCE = 900;

const form = FORMS[flags.form];
if (form === undefined)
  throw new Error(`There is no form ${flags.form}; there are ${Object.keys(FORMS).join(", ")}.`);
const parts = form.map(
  (part): Part => ({
    searchers: flags.searchers?.split(",") ?? part.searchers,
    groups: flags.groups?.split(",") ?? part.groups,
    seeds: Number(flags.seeds ?? part.seeds),
    trials: Number(flags.trials ?? part.trials),
    parallel: flags.parallel?.split(",").map(Number) ?? part.parallel,
  }),
);
const searchers = [...new Set(parts.flatMap((part) => part.searchers))];

const keyOf = ({ searcher, problem, seed, parallel }: Omit<Task, "trials">): string =>
  [searcher, problem, seed, parallel].join(" ");

/** Runs this process's share of the remaining tasks. Each searcher keeps its process for several studies. */
const work = async (): Promise<void> => {
  const [share, of] = (flags.share ?? "0/1").split("/").map(Number) as [number, number];
  const done = new Map<string, number>();
  for (const result of readResults(RESULTS).filter((one) => one.version === versionOf(one.searcher)))
    done.set(keyOf(result), Math.max(result.trials, done.get(keyOf(result)) ?? 0));
  const tasks = tasksOf(parts, canDo)
    .filter((_, index) => index % of === share)
    .filter((task) => (done.get(keyOf(task)) ?? 0) < task.trials);
  let problems: Lines | null = null;
  for (const [name, mine] of Map.groupBy(tasks, ({ searcher }) => searcher)) {
    const searcher: Searcher | null = searcherOf(name);
    if (searcher === null) continue;
    for (const task of mine) {
      problems ??= startLines(environmentOf("problems"), [here("problems.py")], PATIENCE);
      try {
        addResult(RESULTS, await runStudy(searcher, problems, task));
      } catch (error) {
        console.error(`${keyOf(task)} failed: ${error instanceof Error ? error.message : error}`);
        searcher.close();
        problems.close();
        problems = null;
      }
    }
    searcher.close();
    console.error(`${name}: ${mine.length} studies`);
  }
  problems?.close();
};

/** Runs the same command once per job, each with its share. */
const workTogether = async (jobs: number): Promise<void> => {
  const children = Array.from({ length: jobs }, (_, job) =>
    spawn(process.execPath, [here("run.ts"), ...process.argv.slice(2), "--share", `${job}/${jobs}`], {
      stdio: "inherit",
    }),
  );
  await Promise.all(children.map((child) => once(child, "exit")));
};

const forget = (names: readonly string[]): void => {
  if (!existsSync(RESULTS)) return;
  const kept = readResults(RESULTS).filter(({ searcher }) => !names.includes(searcher));
  writeFileSync(RESULTS, kept.map((result) => `${JSON.stringify(result)}\n`).join(""));
};

if (flags.share !== undefined) {
  await work();
} else {
  if (!flags.report) {
    install(["problems", ...environmentsOf(searchers)]);
    if (flags.fresh !== undefined) forget(flags.fresh.split(","));
    const jobs = Number(flags.jobs);
    await (jobs > 1 ? workTogether(jobs) : work());
  }
  const known = readResults(RESULTS).filter((one) => one.version === versionOf(one.searcher));
  const sections = sectionsOf(parts, known, canDo);
  for (const section of sections) console.log(describe(section));
  drawPlots(sections);
}
