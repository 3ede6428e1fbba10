/**
 * How many of RBFOpt's published test functions `rbf` solves to 1%, compared with RBFOpt itself, random trials and other peers.
 *
 *   npm run bench:rbf                                             two seeds of 50 evaluations
 *   npm run bench:rbf -- --searchers rbf,random,nevergrad,pycma --evaluations 200
 *   npm run bench:rbf -- --searchers rbf,gp --seeds 1 --evaluations 100 --functions branin,gear
 *   npm run bench:rbf -- --each                                   also prints one line per function
 *
 * The functions, their bounds and their optima are those of the package (`rbfopt_test_functions.py`: Dixon and Szego's, Schoen's,
 * GlobalLib's and MINLPLib's). The environments are created on first use. Results are kept in `.bench/rbf.jsonl`; `--fresh rbf`
 * deletes those of a searcher.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Params } from "../../shared/values.ts";
import { install } from "../quality/environments.ts";
import { type Lines, startLines } from "../quality/lines.ts";
import { environmentOf, environmentsOf, searcherOf } from "../quality/searchers.ts";

const { values: flags } = parseArgs({
  options: {
    searchers: { type: "string", default: "rbf,random,rbfopt,nevergrad,pycma" },
    seeds: { type: "string", default: "2" },
    evaluations: { type: "string", default: "50" },
    functions: { type: "string" },
    fresh: { type: "string" },
    each: { type: "boolean", default: false },
  },
});
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const RESULTS = here("../../.bench/rbf.jsonl");
/** Time limit of RBFOpt for one search, seconds. */
const PATIENCE = 600;
const EVALUATIONS = Number(flags.evaluations);
const SEEDS = Array.from({ length: Number(flags.seeds) }, (_, seed) => seed + 1);
/** A search that was stopped early, or that had more evaluations, counts with what it had found by then. */
const AT = [25, 50, 100, 200].filter((count) => count <= EVALUATIONS);
/** RBFOpt's own gap, of the optimum or, where that is 0, of 1. */
const GAP = 0.01;

interface Published {
  readonly name: string;
  readonly space: SpaceDefinition;
  readonly optimum: number;
}

/** The evaluations and CPU seconds of a search of at most `of` evaluations. */
interface Outcome {
  readonly searcher: string;
  readonly name: string;
  readonly seed: number;
  readonly of: number;
  /** Null if the function was not solved. */
  readonly needed: number | null;
  readonly evaluations: number;
  readonly seconds: number;
}

const KINDS = ["continuous", "integer", "categorical"] as const;
type Kind = (typeof KINDS)[number];

const kindOf = ({ space }: Published): Kind => {
  const types = Object.values(space).map(({ type }) => type);
  return types.includes("categorical") ? "categorical" : types.includes("int") ? "integer" : "continuous";
};

const isSolved = (value: number, { optimum }: Published): boolean =>
  value - optimum <= GAP * (Math.abs(optimum) || 1);

const neededOf = (values: readonly number[], published: Published): number | null => {
  const index = values.findIndex((value) => isSolved(value, published));
  return index < 0 ? null : index + 1;
};

/** Asks a searcher until the function is solved. */
const searchWith = async (name: string, published: Published, seed: number, reference: Lines) => {
  const searcher = searcherOf(name);
  if (searcher === null) return null;
  const { space } = published;
  const run = await searcher.begin({
    space,
    objectives: 1,
    outcomes: 0,
    seed,
    trials: EVALUATIONS,
    parallel: 1,
  });
  const values: number[] = [];
  try {
    while (values.length < EVALUATIONS) {
      const { id, params } = await run.ask();
      const x = Object.keys(space).map((key) => (params as Params)[key]);
      const value = await reference.request<number>({ do: "value", function: published.name, x });
      values.push(value);
      if (isSolved(value, published)) break;
      await run.tell(id, [value], []);
    }
  } catch {
    // A finite space was exhausted, or a peer stopped: what it had found by then counts.
  }
  searcher.close();
  return { values, seconds: run.seconds() };
};

const line = (outcomes: readonly Outcome[], label: string): string => {
  const solved = (count: number) =>
    outcomes.filter(({ needed }) => needed !== null && needed <= count).length / Math.max(1, outcomes.length);
  const seconds = outcomes.reduce((sum, one) => sum + one.seconds, 0);
  const evaluations = outcomes.reduce((sum, one) => sum + one.evaluations, 0);
  const cells = AT.map((count) => `${(100 * solved(count)).toFixed(0)}%`);
  return `| ${label} | ${cells.join(" | ")} | ${((1000 * seconds) / evaluations).toFixed(1)} |`;
};

const searchers = flags.searchers.split(",");
install(["rbfopt", ...environmentsOf(searchers.filter((name) => name !== "rbfopt"))]);
const reference = startLines(environmentOf("rbfopt"), [here("reference.py")], PATIENCE);
const wanted = flags.functions?.split(",");
const functions = (await reference.request<Published[]>({ do: "functions" })).filter(
  ({ name }) => wanted === undefined || wanted.includes(name),
);
const known: Outcome[] = existsSync(RESULTS)
  ? readFileSync(RESULTS, "utf8")
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => JSON.parse(text) as Outcome)
      .filter(({ searcher }) => !flags.fresh?.split(",").includes(searcher))
  : [];
writeFileSync(RESULTS, known.map((outcome) => `${JSON.stringify(outcome)}\n`).join(""));
const outcomes: Outcome[] = [];
for (const searcher of searchers) {
  for (const published of functions) {
    const { name } = published;
    for (const seed of SEEDS) {
      const earlier = known.find(
        (one) => one.searcher === searcher && one.name === name && one.seed === seed && one.of >= EVALUATIONS,
      );
      if (earlier !== undefined) {
        outcomes.push(earlier);
        continue;
      }
      const found =
        searcher === "rbfopt"
          ? await reference.request<{ values: number[]; seconds: number }>({
              do: "search",
              function: name,
              seed,
              evaluations: EVALUATIONS,
            })
          : await searchWith(searcher, published, seed, reference);
      if (found === null) continue;
      const { values, seconds } = found;
      const needed = neededOf(values, published);
      const of = EVALUATIONS;
      const outcome = { searcher, name, seed, of, needed, evaluations: values.length, seconds };
      outcomes.push(outcome);
      appendFileSync(RESULTS, `${JSON.stringify(outcome)}\n`);
    }
  }
  console.error(`${searcher}: done`);
}
reference.close();

const head = `| ${AT.map((count) => `at ${count}`).join(" | ")} | ms per evaluation |`;
const rule = `|${"---|".repeat(AT.length + 2)}`;
if (flags.each) {
  console.log(
    `| function, needed of each seed | ${searchers.join(" | ")} |\n|${"---|".repeat(1 + searchers.length)}`,
  );
  for (const { name } of functions) {
    const cells = searchers.map((searcher) =>
      outcomes
        .filter((one) => one.name === name && one.searcher === searcher)
        .map(({ needed }) => needed ?? "-")
        .join(" "),
    );
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
  console.log();
}
for (const kind of [...KINDS, "all"] as const) {
  const mine = new Set(
    functions.filter((one) => kind === "all" || kindOf(one) === kind).map(({ name }) => name),
  );
  if (mine.size === 0) continue;
  const those = outcomes.filter(({ name }) => mine.has(name));
  console.log(`${kind}, ${mine.size} functions\n\n| searcher ${head}\n${rule}`);
  for (const searcher of searchers) {
    console.log(
      line(
        those.filter((one) => one.searcher === searcher),
        searcher,
      ),
    );
  }
  console.log();
}
