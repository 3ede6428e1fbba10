/**
 * CPU time of a choice of `freeze-thaw`, compute only, in a space of 10 mixed parameters and on a ladder of 1, 3, 9, 27 and 81 steps, as the
 * study grows: without a hint (after a fit is due), with one, and 16 for the asks to come beside it.
 *
 *   node bench/fidelity/choices.ts
 *   node bench/fidelity/choices.ts --sizes 100,1000
 */
import { parseArgs } from "node:util";
import { createRandom } from "../../shared/numerics/random.ts";
import { type Hint, type History, TrialKind } from "../../shared/optimizer/algorithm.ts";
import { buildHistory } from "../../shared/optimizer/common/history.ts";
import { type Choices, chooseTrials } from "../../shared/optimizer/freeze-thaw/choose.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import { sampleCube } from "../../shared/space/sample.ts";
import { median } from "../statistics.ts";
import { problems } from "../tpe/problems.ts";

const { values: flags } = parseArgs({
  options: { sizes: { type: "string", default: "100,1000,10000,100000" } },
});

const mixed = problems.find(({ name }) => name.startsWith("network"))!;
const space = compileSpace(mixed.space);
const objective = mixed.regret(1);
const RESOURCES = [1, 3, 9, 27, 81];
const ETA = 3;
/** Paused trials that the model is offered. */
const OFFERED = 24;
const AHEAD = 16;
const TIMED = 15;

/** Trials as ASHA leaves them: a third of those at a level have come to the next. */
const historyOf = (n: number): History => {
  const random = createRandom(n);
  const value = new Float64Array(n * RESOURCES.length).fill(Number.NaN);
  const rows = Array.from({ length: n }, (_, number) => {
    const x = sampleCube(space, random);
    const end = objective(fromCube(space, x));
    let levels = 1;
    while (levels < RESOURCES.length && random.uniform() < 1 / ETA) levels++;
    for (let level = 0; level < levels; level++)
      value[number * RESOURCES.length + level] = end + 1 / RESOURCES[level]!;
    const kind = levels === RESOURCES.length ? TrialKind.completed : TrialKind.pruned;
    return { number, x, y: [value[number * RESOURCES.length + levels - 1]!], kind, bracket: 0 };
  });
  return { ...buildHistory(space, 1, rows), levels: { resources: RESOURCES, value } };
};

const pausedOf = ({ n, kind }: History): number[] =>
  Array.from({ length: n }, (_, row) => row).filter((row) => kind[row] === TrialKind.pruned);

const choose = (history: History, seed: number, hint: Hint | null, ahead: number): Choices =>
  chooseTrials({
    problem: {
      ...{ space, objectives: 1, budget: { trials: 1_000_000, parallel: 1 } },
      ...{ options: {}, seed, firstNumber: history.n, hint, isLate: () => false },
    },
    history,
    paused: pausedOf(history).slice(-OFFERED),
    ...{ count: 1, ahead, mostStarted: 1 + ahead, runsToTheEnd: false },
  });

const milliseconds = (run: (seed: number) => void): number => {
  const times = Array.from({ length: 2 * TIMED }, (_, seed) => {
    const begin = process.cpuUsage();
    run(seed);
    const { user, system } = process.cpuUsage(begin);
    return (user + system) / 1000;
  });
  return median(times.slice(TIMED));
};

console.log("| trials | with a fit, ms | with a hint, ms | with a hint and 16 ahead, ms |");
console.log("| --- | --- | --- | --- |");
for (const size of flags.sizes.split(",").map(Number)) {
  const history = historyOf(size);
  const { hint } = choose(history, 0, null, 0);
  const times = [
    milliseconds((seed) => choose(history, seed, null, 0)),
    milliseconds((seed) => choose(history, seed, hint, 0)),
    milliseconds((seed) => choose(history, seed, hint, AHEAD)),
  ];
  console.log(`| ${[size.toLocaleString("en"), ...times.map((ms) => ms.toFixed(0))].join(" | ")} |`);
}
