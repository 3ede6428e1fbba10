/**
 * Population-based training of small networks at equal steps: Hone's beside its peers, and beside settings that are kept.
 *
 *   npm run bench:pbt                                              the first network, without kills
 *   npm run bench:pbt -- --problems digits,cancer,deep
 *   npm run bench:pbt -- --killed 0.3 --searches "hone, tournament;ray pbt;syne pbt"
 *   npm run bench:pbt -- --report                                  prints existing results
 *
 * The least validation loss after any segment counts; the median of the test losses there is shown beside it. Results are kept in
 * `.bench/pbt.jsonl`, so that an interrupted run resumes. Environments are created on first use.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { install } from "../quality/environments.ts";
import { addResult, readResults } from "../quality/results.ts";
import { type PbtResult, type Task, table } from "./outcome.ts";
import { environmentsOf, SEARCHES, searchOf, versionOf } from "./searches.ts";

const FAILURES = ", any failures";
const { values: flags } = parseArgs({
  options: {
    problems: { type: "string", default: "digits" },
    searches: { type: "string" },
    seeds: { type: "string", default: "5" },
    population: { type: "string", default: "10" },
    epochs: { type: "string", default: "20" },
    segment: { type: "string", default: "1" },
    killed: { type: "string", default: "0" },
    report: { type: "boolean", default: false },
  },
});

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const RESULTS = here("../../.bench/pbt.jsonl");
const seeds = Number(flags.seeds);
const [population, epochs, segment, killed] = [
  Number(flags.population),
  Number(flags.epochs),
  Number(flags.segment),
  Number(flags.killed),
];
/** How many failures a peer allows makes no difference where nobody is killed, and settings that are kept are not resumed. */
const searches =
  flags.searches?.split(";") ??
  SEARCHES.filter((name) => (killed === 0 ? !name.endsWith(FAILURES) : name !== "best fixed"));

const tasks: readonly Task[] = flags.problems
  .split(",")
  .flatMap((problem) =>
    Array.from({ length: seeds }, (_, seed) => ({ problem, seed, population, epochs, segment, killed })),
  );

const keyOf = (task: Task): string =>
  [task.problem, task.seed, task.population, task.epochs, task.segment, task.killed].join(" ");

const current = (name: string): PbtResult[] =>
  readResults<PbtResult>(RESULTS).filter(
    ({ search, version }) => search === name && version === versionOf(name),
  );

const work = async (name: string): Promise<void> => {
  const done = new Set(current(name).map(keyOf));
  const missing = tasks.filter((task) => !done.has(keyOf(task)));
  if (missing.length === 0) return;
  const search = searchOf(name);
  if (search === null) return; // its environment could not be installed
  try {
    for (const task of missing) {
      const outcome = await search.run(task);
      addResult(RESULTS, { search: name, version: versionOf(name), ...task, ...outcome } satisfies PbtResult);
    }
  } catch (error) {
    console.error(`${name} failed: ${error instanceof Error ? error.message : error}`);
  } finally {
    search.close();
  }
};

if (!flags.report) {
  install(environmentsOf(searches), here("requirements"));
  for (const name of searches) await work(name);
}
const wanted = new Set(tasks.map(keyOf));
const results = searches.flatMap(current).filter((result) => wanted.has(keyOf(result)));
for (const [problem, mine] of Map.groupBy(results, (result) => result.problem)) {
  console.log(`\n## ${problem}, ${100 * killed}% of workers killed\n`);
  console.log(table(mine, searches));
}
