/**
 * What Hone's algorithms find, and how long they take over it, beside their peers, in the same run.
 *
 *   npm run bench:quality                                         the short form
 *   npm run bench:quality -- --form long
 *   npm run bench:quality -- --searchers auto,optuna-gp --groups tuning --seeds 4 --parallel 4
 *   npm run bench:quality -- --fresh auto,gp                      forgets what these had found
 *   npm run bench:quality -- --report                             prints what there is
 *
 * Results are kept in `.bench/quality.jsonl`, so that an interrupted run resumes. The peers' environments are made on first use.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createRandom } from "../../shared/numerics/random.ts";
import type { AlgorithmName } from "../../shared/optimizer/algorithm.ts";
import { algorithms } from "../../shared/optimizer/registry.ts";
import type { Params } from "../../shared/schemas/common.ts";
import type { SpaceDefinition } from "../../shared/schemas/space.ts";
import { type Lines, startLines } from "./lines.ts";
import { compare, table } from "./report.ts";
import { addResult, type Result, readResults, type Traced } from "./results.ts";
import { environmentOf, honeSearcher, peerSearcher, type Searcher } from "./searchers.ts";
import { FORMS, GROUPS, SIMPLE } from "./suite.ts";

const { values: flags } = parseArgs({
  options: {
    form: { type: "string", default: "short" },
    searchers: { type: "string" },
    groups: { type: "string" },
    seeds: { type: "string" },
    trials: { type: "string" },
    parallel: { type: "string", default: "1" },
    fresh: { type: "string" },
    report: { type: "boolean", default: false },
  },
});

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const RESULTS = here("../../.bench/quality.jsonl");
const ENVIRONMENTS = ["problems", "optuna", "smac", "nevergrad", "pycma", "skopt", "ax", "hebo", "vizier"];
const SHORT_ENVIRONMENTS = ENVIRONMENTS.slice(0, 5);

const form = FORMS[flags.form];
if (form === undefined)
  throw new Error(`There is no form ${flags.form}; there are ${Object.keys(FORMS).join(", ")}.`);
const searchers = flags.searchers?.split(",") ?? form.searchers;
const groups = flags.groups?.split(",") ?? form.groups;
const seeds = Number(flags.seeds ?? form.seeds);
const trials = Number(flags.trials ?? form.trials);
const parallel = Number(flags.parallel);

/** Makes the environments that are missing; one that cannot be made is left out, and said so. */
const install = (): void => {
  const uv = here("../../.venv/bin/uv");
  if (!existsSync(uv))
    execFileSync(here("../../.venv/bin/python"), ["-m", "pip", "install", "-q", "uv==0.13.9"]);
  for (const env of flags.form === "long" ? ENVIRONMENTS : SHORT_ENVIRONMENTS) {
    if (existsSync(environmentOf(env))) continue;
    const home = here(`../../.bench/env/${env}`);
    try {
      const options = { stdio: "ignore" as const };
      const python = env === "hebo" ? ["--python", "3.10"] : [];
      execFileSync(uv, ["venv", "-q", ...python, `${home}.new`], options);
      const requirements = here(`requirements/${env}.txt`);
      const overrides = here("requirements/overrides.txt");
      execFileSync(
        uv,
        [
          "pip",
          "install",
          "-q",
          "--python",
          `${home}.new/bin/python`,
          "--override",
          overrides,
          "-r",
          requirements,
        ],
        options,
      );
      renameSync(`${home}.new`, home);
    } catch {
      console.error(`The environment ${env} cannot be installed here: its searchers are left out.`);
    }
  }
};

interface Opened {
  readonly space: SpaceDefinition;
  readonly objectives: readonly string[];
  readonly outcomes: readonly { readonly metric: string; readonly max: number }[];
  readonly reference: readonly number[] | null;
  readonly best: number | null;
  readonly typical: number | null;
}

/** Runs one study: `parallel` trials are always open, and end in random order. */
const study = async (
  searcher: Searcher,
  name: string,
  problems: Lines,
  problem: string,
  seed: number,
): Promise<Result> => {
  const opened = await problems.request<Opened>({ do: "open", problem, seed });
  const { space, objectives, outcomes } = opened;
  const task = { space, objectives: objectives.length, outcomes: outcomes.length, seed, trials, parallel };
  const run = await searcher.begin(task);
  const random = createRandom(seed, 0x62656e63);
  const open: { id: number; params: Params }[] = [];
  const trace: Traced[] = [];
  for (let asked = 0; trace.length < trials; ) {
    while (asked < trials && open.length < parallel) {
      open.push(await run.ask());
      asked++;
    }
    const [{ id, params }] = open.splice(random.integer(open.length), 1) as [{ id: number; params: Params }];
    const reply = await problems.request<{ values: Record<string, number>; true: number }>({
      do: "value",
      params,
    });
    const values = objectives.map((metric) => reply.values[metric]!);
    const excess = outcomes.map(({ metric, max }) => reply.values[metric]! - max);
    await run.tell(id, values, excess);
    trace.push({ values, value: reply.true, isFeasible: excess.every((v) => v <= 0) });
  }
  const { reference, best, typical } = opened;
  const seconds = run.seconds();
  return {
    searcher: name,
    version: searcher.version,
    problem,
    seed,
    parallel,
    trials,
    best,
    typical,
    reference,
    seconds,
    trace,
  };
};

const isHone = (name: string): name is AlgorithmName => Object.hasOwn(algorithms, name);

const runAll = async (): Promise<void> => {
  install();
  const forgotten = new Set(flags.fresh?.split(",") ?? []);
  const kept = readResults(RESULTS).filter(({ searcher }) => !forgotten.has(searcher));
  if (forgotten.size > 0) {
    mkdirSync(here("../../.bench"), { recursive: true });
    writeFileSync(RESULTS, kept.map((result) => `${JSON.stringify(result)}\n`).join(""));
  }
  const done = new Set(
    kept
      .filter((result) => result.trials >= trials)
      .map(({ searcher, version, problem, seed, parallel: open }) =>
        [searcher, version, problem, seed, open].join(" "),
      ),
  );
  const problems = startLines(environmentOf("problems"), [here("problems.py")], 900);
  for (const name of searchers) {
    const searcher = isHone(name) ? honeSearcher(name) : peerSearcher(name);
    if (searcher === null) continue;
    for (const problem of groups.flatMap((group) => GROUPS[group] ?? [])) {
      if (SIMPLE.has(name) && /^(two|constrained):/.test(problem)) continue;
      for (let seed = 0; seed < seeds; seed++) {
        if (done.has([name, searcher.version, problem, seed, parallel].join(" "))) continue;
        try {
          addResult(RESULTS, await study(searcher, name, problems, problem, seed));
        } catch (error) {
          console.error(
            `${name} on ${problem}, seed ${seed}: ${error instanceof Error ? error.message : error}`,
          );
          searcher.close();
        }
      }
    }
    searcher.close();
    console.error(`${name}: done`);
  }
  problems.close();
};

if (!flags.report) await runAll();
const at = [10, 25, 50, 100, 200].filter((t) => t <= trials);
const wanted = new Set(groups.flatMap((group) => GROUPS[group] ?? []));
// The newest result counts: a searcher may have run longer, or anew.
const newest = new Map<string, Result>();
for (const result of readResults(RESULTS)) {
  if (result.parallel !== parallel || result.trials < trials || !wanted.has(result.problem)) continue;
  newest.set([result.searcher, result.problem, result.seed].join(" "), result);
}
const results = [...newest.values()];
for (const [title, members] of [
  ["all", groups] as const,
  ...groups.map((group) => [group, [group]] as const),
]) {
  const names = new Set(members.flatMap((group) => GROUPS[group] ?? []));
  const mine = results.filter(({ problem }) => names.has(problem));
  const present = searchers.filter((name) => mine.some(({ searcher }) => searcher === name));
  const rows = compare(mine, present, at);
  console.log(`\n${title}: ${rows[0]?.studies ?? 0} studies, ${parallel} at once\n\n${table(rows, at)}`);
}
