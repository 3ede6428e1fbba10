/**
 * Whether `auto` goes on from what is known: it gets 300 to 5,000 random results, or those of its own first trials, and the best
 * of its next trials is compared with the best known result, and with algorithms that it could hand over to.
 *
 *   npm run bench:handover                          all, on problems that were not used to choose how a long history is searched
 *   npm run bench:handover -- --searchers auto,tpe --sizes 1000 --seeds 2 --trials 100 --parts imported,own,fronts
 */
import { parseArgs } from "node:util";
import { createRandom } from "../../shared/numerics/random.ts";
import type { Hint } from "../../shared/optimizer/algorithm.ts";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../shared/optimizer/registry.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import { sampleCube } from "../../shared/space/sample.ts";
import type { Params } from "../../shared/values.ts";
import { hypervolume } from "../quality/report.ts";
import { heldOut } from "../tpe/held-out.ts";
import { type BenchProblem, floats, place, sum, vector } from "../tpe/problems.ts";

const { values: given } = parseArgs({
  options: {
    searchers: { type: "string", default: "auto,cma-es,tpe,random" },
    sizes: { type: "string", default: "300,1000,5000" },
    seeds: { type: "string", default: "2" },
    trials: { type: "string", default: "60" },
    parts: { type: "string", default: "imported,own,fronts" },
  },
});
const searchers = given.searchers.split(",") as AlgorithmName[];
const sizes = given.sizes.split(",").map(Number);
const seeds = Array.from({ length: Number(given.seeds) }, (_, i) => i + 1);
const trials = Number(given.trials);

const rosenbrock: BenchProblem = {
  name: "Rosenbrock, 16 floats",
  space: floats(16, -2, 2),
  regret: (instance) => {
    const best = place(instance, 16, -0.5, 0.5);
    return (params) => {
      const z = vector(params, 16).map((x, i) => x - best[i]! + 1);
      return sum(z.slice(1).map((v, i) => 100 * (v - z[i]! ** 2) ** 2 + (1 - z[i]!) ** 2));
    };
  },
};

const NAMES = ["Levy", "Griewank", "rotated", "Styblinski", "boosting", "ints on log"];
const problems = [rosenbrock, ...heldOut.filter(({ name }) => NAMES.some((part) => name.startsWith(part)))];

/** Two objectives of six floats in [0, 1], and a reference point of their hypervolume. */
const fronts: readonly { name: string; reference: number[]; values: (x: number[]) => number[] }[] = [
  {
    name: "ZDT1, 6 floats",
    reference: [1.1, 4],
    values: ([x = 0, ...others]) => {
      const g = 1 + (9 * sum(others)) / others.length;
      return [x, g * (1 - Math.sqrt(x / g))];
    },
  },
  {
    name: "two bowls, 6 floats",
    reference: [1, 3],
    values: (x) => [sum(x.map((v) => (v - 0.3) ** 2)), sum(x.map((v, i) => (i + 1) * (v - 0.6) ** 2))],
  },
];

interface Study {
  readonly definition: SpaceDefinition;
  readonly objectives: number;
  readonly valuesOf: (params: Params) => number[];
}

const imported = ({ definition, valuesOf }: Study, count: number, seed: number): HistoryRow[] => {
  const space = compileSpace(definition);
  const random = createRandom(seed, 0x696d70);
  return Array.from({ length: count }, (_, number) => {
    const x = sampleCube(space, random);
    return { number, x, y: valuesOf(fromCube(space, x)) };
  });
};

/** The rows of some more trials, and the processor time per ask in ms. */
const goOn = (
  { definition, objectives, valuesOf }: Study,
  known: readonly HistoryRow[],
  name: AlgorithmName,
  count: number,
  seed: number,
): { rows: HistoryRow[]; ms: number } => {
  const space = compileSpace(definition);
  const problem = { space, objectives, budget: { trials: known.length + count, parallel: 1 } };
  const rows = [...known];
  let hint: Hint | null = null;
  let ms = 0;
  while (rows.length < known.length + count) {
    const history = buildHistory(space, objectives, rows);
    const begun = process.cpuUsage();
    const asked = { problem, choice: { name }, history, count: 1, seed, firstNumber: rows.length, hint };
    const { proposals, hint: next } = askAlgorithm(asked);
    const { user, system } = process.cpuUsage(begun);
    ms += (user + system) / 1000;
    hint = next ?? hint;
    const [proposal] = proposals;
    if (proposal === undefined) break;
    rows.push({ number: rows.length, x: proposal.x, y: valuesOf(fromCube(space, proposal.x)) });
  }
  return { rows: rows.slice(known.length), ms: ms / count };
};

const least = (rows: readonly HistoryRow[]): number =>
  rows.reduce((best, { y }) => Math.min(best, y![0]!), Number.POSITIVE_INFINITY);
const digits = (value: number) => value.toPrecision(2);
const row = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(" | ")} |`);
const header = (cells: readonly string[]) => {
  row(cells);
  row(cells.map(() => "---"));
};

/** What follows a known history: of each searcher in how many studies it beat the best known result, and by how much. */
class Tally {
  better = 0;
  studies = 0;
  logRatio = 0;
  ms = 0;

  add(known: number, found: number, ms: number): void {
    this.studies++;
    this.better += Number(found < known);
    this.logRatio += Math.log(Math.max(found, FLOOR) / Math.max(known, FLOOR));
    this.ms += ms;
  }

  cells(): string[] {
    const mean = (total: number) => total / this.studies;
    return [
      `${this.better} of ${this.studies}`,
      digits(Math.exp(mean(this.logRatio))),
      mean(this.ms).toFixed(0),
    ];
  }
}
/** Regrets below this count as zero. */
const FLOOR = 1e-6;

const compare = (
  first: string,
  studies: readonly { readonly study: Study; readonly known: readonly HistoryRow[]; readonly seed: number }[],
  count: number,
): void => {
  for (const name of searchers) {
    const tally = new Tally();
    for (const { study, known, seed } of studies) {
      const { rows, ms } = goOn(study, known, name, count, seed);
      tally.add(least(known), least(rows), ms);
    }
    row([first, name, ...tally.cells()]);
  }
};

const studyOf = (problem: BenchProblem, seed: number): Study => {
  const regret = problem.regret(seed);
  return { definition: problem.space, objectives: 1, valuesOf: (params) => [regret(params)] };
};
const studies = problems.flatMap((problem) => seeds.map((seed) => ({ study: studyOf(problem, seed), seed })));
const columns = ["searcher", "better than known", "regret / known", "CPU ms per ask"];

if (given.parts.includes("imported")) {
  console.log(`\n${trials} trials after random imported results:\n`);
  header(["imported", ...columns]);
  for (const size of sizes) {
    const begun = studies.map((one) => ({ ...one, known: imported(one.study, size, one.seed) }));
    compare(String(size), begun, trials);
  }
}

if (given.parts.includes("own")) {
  const own = 300;
  console.log(`\n${2 * trials} trials after ${own} of auto's own:\n`);
  header(["own", ...columns]);
  const begun = studies
    .filter(({ seed }) => seed === seeds[0])
    .map((one) => ({ ...one, known: goOn(one.study, [], "auto", own, one.seed).rows }));
  compare(String(own), begun, 2 * trials);
}

if (given.parts.includes("fronts")) {
  console.log(`\nHypervolume of two objectives, ${trials} trials after random imported results:\n`);
  header(["problem", "imported", "known", ...searchers]);
  for (const { name, reference, values } of fronts) {
    const study: Study = {
      definition: floats(6, 0, 1),
      objectives: 2,
      valuesOf: (params) => values(vector(params, 6)),
    };
    for (const size of sizes) {
      const known = seeds.map((seed) => imported(study, size, seed));
      const volume = (rows: readonly HistoryRow[]) =>
        hypervolume(
          rows.map(({ y }) => [...(y as number[])]),
          reference,
        );
      const mean = (of: (rows: readonly HistoryRow[], seed: number) => number) =>
        (sum(known.map((rows, i) => of(rows, seeds[i]!))) / seeds.length).toFixed(3);
      const found = searchers.map((searcher) =>
        mean((rows, seed) => volume([...rows, ...goOn(study, rows, searcher, trials, seed).rows])),
      );
      row([name, size, mean(volume), ...found]);
    }
  }
}
