/**
 * Regret of `gp` where the optimum lies at ends of ranges, where it lies inside all of them, and in wide spaces: the kinds of
 * problems between which the belief about the ends of the axes (`shared/optimizer/gp/optimum-prior.ts`) has to decide.
 * Prints the table of `bench/README.md`: mean regrets, in units of the median regret of 25 random trials.
 *
 *   npm run bench:ends                                    all problems, 3 seeds (an hour)
 *   npm run bench:ends -- --problems inside --seeds 3 --trials 50
 *   npm run bench:ends -- --problems wide --seeds 2
 *   npm run bench:ends -- --problems held-out             only those that no choice was made on
 */

import { parseArgs } from "node:util";
import { mean } from "../statistics.ts";
import { heldOut } from "../tpe/held-out.ts";
import type { BenchProblem } from "../tpe/problems.ts";
import { honeCurve } from "../tpe/search.ts";
import { ends, heldOutEnds, heldOutWide, wide } from "./problems.ts";

const { values: flags } = parseArgs({
  options: {
    problems: { type: "string", default: "all" },
    seeds: { type: "string", default: "3" },
    trials: { type: "string", default: "100" },
  },
});

const groups: Readonly<Record<string, readonly BenchProblem[]>> = {
  ends,
  inside: heldOut,
  wide,
  "held-out": [...heldOutEnds, ...heldOutWide],
};

/** Seeds of the random trials whose median regret is the unit. */
const UNIT_SEEDS = 9;

const trials = Number(flags.trials);
const at = [10, 25, 50, 100].filter((count) => count <= trials);
const chosen = flags.problems === "all" ? Object.keys(groups) : [flags.problems];

console.log(`| problem | ${at.map((count) => `gp @${count}`).join(" | ")} |`);
console.log(`|---${"|---".repeat(at.length)}|`);
for (const name of chosen) {
  const group = groups[name];
  if (group === undefined)
    throw new Error(`There are no problems "${name}": ${Object.keys(groups).join(", ")}.`);
  const sums = at.map(() => 0);
  for (const task of group) {
    const chance = Array.from(
      { length: UNIT_SEEDS },
      (_, seed) => honeCurve(task, "random", seed, 25).at(-1)!,
    );
    const unit = chance.sort((a, b) => a - b)[UNIT_SEEDS >> 1]!;
    const curves = Array.from({ length: Number(flags.seeds) }, (_, seed) =>
      honeCurve(task, "gp", seed, trials),
    );
    const cells = at.map((count) => mean(curves.map((curve) => curve[count - 1]! / unit)));
    for (const [i, cell] of cells.entries()) sums[i]! += cell / group.length;
    console.log(`| ${task.name} | ${cells.map((cell) => cell.toFixed(4)).join(" | ")} |`);
  }
  console.log(`| **${name}, mean** | ${sums.map((sum) => sum.toFixed(4)).join(" | ")} |`);
}
