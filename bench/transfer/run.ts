/**
 * Warm start: whether results of earlier studies save trials on related tasks, and what they cost on others. Each family is searched by
 * Hone with and without its earlier studies, and by Optuna without them, with their results added (`add_trials`), and with their best
 * configurations enqueued. Prints the tables of `bench/README.md`.
 *
 *   python bench/transfer/tables.py                          the tables of real models (once)
 *   npm run bench:transfer                                   the families that no constant was chosen on
 *   npm run bench:transfer -- --families tuned               those that constants were chosen on
 *   npm run bench:transfer -- --only SVM --seeds 8           families whose names contain one of some texts
 */

import { parseArgs } from "node:util";
import type { AlgorithmName } from "../../shared/optimizer/registry.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import { mean } from "../statistics.ts";
import { type Optuna, startOptuna } from "../tpe/optuna.ts";
import { type Family, heldOut, type Task, tuned } from "./families.ts";
import { handedOn, type Searched, search } from "./search.ts";

const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: ".venv/bin/python" },
    families: { type: "string", default: "held-out" },
    only: { type: "string", default: "" },
    seeds: { type: "string", default: "5" },
    trials: { type: "string", default: "30" },
    earlier: { type: "string", default: "40" },
    algorithms: { type: "string", default: "gp,tpe" },
  },
});
const trials = Number(flags.trials);
const seeds = Array.from({ length: Number(flags.seeds) }, (_, seed) => seed);
const algorithms = flags.algorithms.split(",") as AlgorithmName[];

/**
 * Added to the seeds of a search without earlier studies: what the measure says of one that differs by chance alone, which is no 1, as the goal is what
 * the first search had the luck to find.
 */
const OTHER_LUCK = 1000;
/** Configurations of the earlier studies that Optuna is given to begin with, as many as Hone takes. */
const ENQUEUED = 3;

/** The lowest regret after each trial. */
const curveOf = (values: readonly number[], least: number): number[] => {
  let best = Number.POSITIVE_INFINITY;
  const curve = values.map((value) => {
    best = Math.min(best, value - least);
    return best;
  });
  // A search that has tried all there is has found the best.
  while (curve.length < trials) curve.push(best);
  return curve;
};

type Peer = "cold" | "added" | "enqueued";
interface Finished {
  readonly params: ReturnType<typeof fromCube>;
  readonly value: number;
}

const optunaCurve = async (
  optuna: Optuna,
  task: Task,
  seed: number,
  { peer, earlier }: { readonly peer: Peer; readonly earlier: readonly Finished[] },
): Promise<number[]> => {
  await optuna.study(task.space, "multivariate", seed);
  if (peer === "added") await optuna.fill(earlier);
  const first = peer === "enqueued" ? earlier.slice(0, ENQUEUED) : [];
  const values = first.map(({ params }) => task.value(params));
  await optuna.fill(first.map(({ params }, i) => ({ params, value: values[i]! })));
  while (values.length < trials) {
    const asked = await optuna.ask();
    const value = task.value(asked.params);
    await optuna.tell(asked.number, value);
    values.push(value);
  }
  return curveOf(values, task.least);
};

/** The results of the earlier studies, their best in turn first; standardised, so that their units do not matter. */
const finishedOf = (family: Family, searched: readonly Searched[]): Finished[] => {
  const lists = searched.map(({ points, values }, k) => {
    const space = compileSpace(family.earlier[k]!.space);
    const middle = mean(values);
    const sd = Math.sqrt(mean(values.map((v) => (v - middle) ** 2))) || 1;
    return points
      .map((x, i) => ({ params: fromCube(space, x), value: (values[i]! - middle) / sd }))
      .sort((a, b) => a.value - b.value);
  });
  const most = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: most }, (_, i) => lists.flatMap((list) => list[i] ?? [])).flat();
};

/** How many trials a curve needs to a regret; all and one if it does not come to it. */
const needed = (curve: readonly number[], goal: number): number => {
  const at = curve.findIndex((regret) => regret <= goal);
  return at < 0 ? trials + 1 : at + 1;
};

/** Trials to the regret that the search without earlier studies has after two thirds of its trials, as a part of its own. */
const ratioOf = (warm: readonly number[][], cold: readonly number[][]): number => {
  const at = Math.ceil((2 * trials) / 3) - 1;
  const goals = cold.map((curve) => curve[at]!);
  return (
    mean(warm.map((curve, i) => needed(curve, goals[i]!))) /
    mean(cold.map((curve, i) => needed(curve, goals[i]!)))
  );
};

/** The mean log10 of the ratio of the regrets after some trials. */
const gainOf = (warm: readonly number[][], cold: readonly number[][], after: number): number => {
  const regret = (curve: readonly number[]) => Math.max(curve[after - 1]!, 1e-6);
  return mean(warm.map((curve, i) => Math.log10(regret(curve) / regret(cold[i]!))));
};

const shown = (warm: readonly number[][], cold: readonly number[][]): string =>
  `${ratioOf(warm, cold).toFixed(2)} (${gainOf(warm, cold, 10).toFixed(1)}, ${gainOf(warm, cold, trials).toFixed(1)})`;

const optuna = startOptuna(flags.python);
try {
  const all = [...(flags.families === "held-out" ? heldOut() : tuned())];
  const families = all.filter(({ name }) => flags.only.split(",").some((part) => name.includes(part)));
  const heads = [
    ...algorithms.flatMap((name) => [`Hone \`${name}\``, "without, other seeds"]),
    ...["Optuna, added", "Optuna, enqueued"],
  ];
  console.log(`| family | related | ${heads.join(" | ")} |`);
  console.log(`|---|---|${heads.map(() => "---").join("|")}|`);
  for (const family of families) {
    const searched = family.earlier.map((task, i) =>
      search(task, { algorithm: "auto", trials: Number(flags.earlier), seed: 77 + i }),
    );
    const earlier = searched.map(handedOn);
    const finished = finishedOf(family, searched);
    const cells: string[] = [];
    for (const algorithm of algorithms) {
      const curves = (given: typeof earlier, luck = 0) =>
        seeds.map((seed) => {
          const task = family.task(seed);
          const { values } = search(task, { algorithm, trials, seed: seed + luck, earlier: given });
          return curveOf(values, task.least);
        });
      const cold = curves([]);
      cells.push(shown(curves(earlier), cold), shown(curves([], OTHER_LUCK), cold));
    }
    const peers = new Map<Peer, number[][]>();
    for (const peer of ["cold", "added", "enqueued"] as const) {
      const curves: number[][] = [];
      for (const seed of seeds)
        curves.push(await optunaCurve(optuna, family.task(seed), seed, { peer, earlier: finished }));
      peers.set(peer, curves);
    }
    for (const peer of ["added", "enqueued"] as const)
      cells.push(shown(peers.get(peer)!, peers.get("cold")!));
    console.log(`| ${family.name} | ${family.isRelated ? "yes" : "no"} | ${cells.join(" | ")} |`);
  }
} finally {
  optuna.close();
}
