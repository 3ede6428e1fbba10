/**
 * Whether the evolutionary algorithms match their reference implementations: the trials that `cma-es` and pycma need to get
 * close to the optimum of BBOB functions, and the hypervolume of `nsga2` and pymoo on ZDT1 to 3, in the same run.
 *
 *   npm run bench:evolution                    both, about 15 minutes
 *   npm run bench:evolution -- cma-es 9        one of them; trials to the target with this many seeds
 *   npm run bench:evolution -- nsga2
 */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import type { SpaceDefinition } from "../../shared/space/definition.ts";
import type { Params } from "../../shared/values.ts";
import { type Lines, startLines } from "../quality/lines.ts";
import { hypervolume } from "../quality/report.ts";
import { environmentOf, peerSearcher } from "../quality/searchers.ts";
import { median } from "../statistics.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Target: the absolute difference from the optimum, as in BBOB. */
const TARGET = 1e-6;
const [part = "both", seeds = "5"] = process.argv.slice(2);
const SEEDS = Array.from({ length: Number(seeds) }, (_, seed) => seed);
const MOST = 8000;

type Value = (params: Params) => Promise<number>;

interface Opened {
  readonly space: SpaceDefinition;
  readonly best: number;
}

/** Trials until the target is reached, or the maximum. Hone is asked for one generation at a time. */
const honeTrials = async (
  definition: SpaceDefinition,
  value: Value,
  best: number,
  seed: number,
): Promise<number> => {
  const space = compileSpace(definition);
  const population = 4 + Math.floor(3 * Math.log(space.parameters.length));
  const problem = { space, objectives: 1, budget: { trials: MOST, parallel: population } };
  const rows: HistoryRow[] = [];
  while (rows.length < MOST) {
    const proposals = askAlgorithm({
      problem,
      choice: { name: "cma-es" },
      history: buildHistory(space, 1, rows),
      count: population,
      seed,
      firstNumber: rows.length,
    }).proposals;
    for (const { x } of proposals) {
      const y = await value(fromCube(space, x));
      rows.push({ number: rows.length, x, y: [y] });
      if (y - best <= TARGET) return rows.length;
    }
  }
  return MOST;
};

const pycmaTrials = async (
  space: SpaceDefinition,
  value: Value,
  best: number,
  seed: number,
): Promise<number> => {
  const searcher = peerSearcher("pycma");
  if (searcher === null) throw new Error("pycma is not installed: run bench:quality first.");
  const run = await searcher.begin({ space, objectives: 1, outcomes: 0, seed, trials: MOST, parallel: 1 });
  try {
    for (let count = 1; count <= MOST; count++) {
      const { id, params } = await run.ask();
      const y = await value(params);
      if (y - best <= TARGET) return count;
      await run.tell(id, [y], []);
    }
    return MOST;
  } finally {
    searcher.close();
  }
};

const middle = (values: readonly number[]) =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

const compareCma = async (problems: Lines): Promise<void> => {
  console.log("| function | parameters | cma-es, trials | pycma, trials | ratio |\n|---|---|---|---|---|");
  for (const f of [1, 8, 10]) {
    for (const d of [2, 5, 10]) {
      const hone: number[] = [];
      const pycma: number[] = [];
      for (const seed of SEEDS) {
        const { space, best } = await problems.request<Opened>({
          do: "open",
          problem: `bbob:f${f}-d${d}`,
          seed,
        });
        const value: Value = async (params) =>
          (await problems.request<{ true: number }>({ do: "value", params })).true;
        hone.push(await honeTrials(space, value, best, seed));
        pycma.push(await pycmaTrials(space, value, best, seed));
      }
      const [ours, theirs] = [middle(hone), middle(pycma)];
      const ratio = (ours / theirs).toFixed(2);
      console.log(`| f${f} | ${d} | ${ours.toFixed(0)} | ${theirs.toFixed(0)} | ${ratio} |`);
    }
  }
};

const ZDT: Readonly<Record<string, (x: number[]) => [number, number]>> = {
  zdt1: (x) => withShape(x, (r) => 1 - Math.sqrt(r)),
  zdt2: (x) => withShape(x, (r) => 1 - r * r),
  zdt3: (x) => withShape(x, (r) => 1 - Math.sqrt(r) - r * Math.sin(10 * Math.PI * x[0]!)),
};

/** Zitzler, Deb and Thiele 2000, with 30 numbers. */
const withShape = (x: number[], shape: (ratio: number) => number): [number, number] => {
  const g = 1 + (9 * x.slice(1).reduce((a, b) => a + b, 0)) / (x.length - 1);
  return [x[0]!, g * shape(x[0]! / g)];
};

const REFERENCE = [1.1, 1.1];
const POPULATION = 100;
const GENERATIONS = 200;

const honeVolume = (f: (x: number[]) => [number, number], seed: number): number => {
  const space = compileSpace(
    Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`x${i}`, { type: "float" as const, low: 0, high: 1 }]),
    ),
  );
  const trials = POPULATION * GENERATIONS;
  const problem = { space, objectives: 2, budget: { trials, parallel: POPULATION } };
  const rows: HistoryRow[] = [];
  while (rows.length < trials) {
    const history = buildHistory(space, 2, rows);
    for (const { x } of askAlgorithm({
      problem,
      choice: { name: "nsga2" },
      history,
      count: POPULATION,
      seed,
      firstNumber: rows.length,
    }).proposals) {
      rows.push({ number: rows.length, x, y: f([...x]) });
    }
  }
  return hypervolume(
    rows.map(({ y }) => [y![0]!, y![1]!]),
    REFERENCE,
  );
};

const compareNsga2 = (): void => {
  console.log("\n| problem | nsga2, hypervolume | pymoo | ratio |\n|---|---|---|---|");
  for (const [name, f] of Object.entries(ZDT)) {
    const seeds = SEEDS.slice(0, 3);
    const hone = median(seeds.map((seed) => honeVolume(f, seed)));
    const args = [here("pymoo_peer.py"), name, String(POPULATION), String(GENERATIONS), ...seeds.map(String)];
    const fronts = JSON.parse(
      execFileSync(environmentOf("pycma"), args, { encoding: "utf8", maxBuffer: 2 ** 26 }),
    ) as number[][][];
    const pymoo = median(fronts.map((front) => hypervolume(front, REFERENCE)));
    console.log(`| ${name} | ${hone.toFixed(3)} | ${pymoo.toFixed(3)} | ${(hone / pymoo).toFixed(4)} |`);
  }
};

if (part !== "nsga2") {
  const problems = startLines(environmentOf("problems"), [here("../quality/problems.py")], 60);
  await compareCma(problems);
  problems.close();
}
if (part !== "cma-es") compareNsga2();
