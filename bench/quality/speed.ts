/**
 * CPU time per ask, compute only, in a space of 10 mixed parameters: Hone's algorithms with histories of several sizes,
 * without a hint (a cold Lambda) and with one, and sixteen at once; and Optuna's samplers.
 *
 *   npm run bench:speed
 *   npm run bench:speed -- --algorithms gp --peers ""
 */

import { parseArgs } from "node:util";
import { createRandom } from "../../shared/numerics/random.ts";
import type { Hint } from "../../shared/optimizer/algorithm.ts";
import { buildHistory } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../shared/optimizer/registry.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import { sampleCube } from "../../shared/space/sample.ts";
import { problems } from "../tpe/problems.ts";
import { peerSearcher } from "./searchers.ts";

const { values: flags } = parseArgs({
  options: {
    algorithms: { type: "string", default: "gp,tpe,smac,rbf,cma-es,evolution" },
    sizes: { type: "string", default: "50,100,200,1000,10000" },
    peers: { type: "string", default: "optuna-gp,optuna-tpe-multivariate" },
  },
});

const mixed = problems.find(({ name }) => name.startsWith("network"))!;
const space = compileSpace(mixed.space);
const objective = mixed.regret(1);
const problem = { space, objectives: 1, budget: { trials: 1_000_000, parallel: 1 } };
/** Peers are told so many trials; their last asks are what is timed. */
const PEER_TRIALS = 200;
const TIMED = 10;

const milliseconds = (repeats: number, ask: (seed: number) => void): number => {
  for (let i = 0; i < repeats; i++) ask(i);
  const begin = process.cpuUsage();
  for (let i = 0; i < repeats; i++) ask(i);
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000 / repeats;
};

console.log("| algorithm | trials | cold, ms | with a hint, ms | 16 at once, ms | times one |");
console.log("|---|---|---|---|---|---|");
for (const name of flags.algorithms.split(",") as AlgorithmName[]) {
  for (const n of flags.sizes.split(",").map(Number)) {
    const random = createRandom(1);
    const rows = Array.from({ length: n }, (_, number) => {
      const x = sampleCube(space, random);
      return { number, x, y: [objective(fromCube(space, x))] };
    });
    const history = buildHistory(space, 1, rows);
    let hint: Hint | null = null;
    const ask = (count: number, known: Hint | null) => (seed: number) => {
      hint =
        askAlgorithm({ problem, choice: { name }, history, count, seed, firstNumber: n, hint: known }).hint ??
        hint;
    };
    const cold = milliseconds(TIMED, ask(1, null));
    const warm = milliseconds(TIMED, ask(1, hint));
    const many = milliseconds(3, ask(16, null));
    const cells = [cold, warm, many].map((ms) => ms.toFixed(ms < 10 ? 1 : 0));
    console.log(`| ${name} | ${n} | ${cells.join(" | ")} | ${(many / cold).toFixed(1)} |`);
  }
}

for (const name of flags.peers.split(",").filter((peer) => peer !== "")) {
  const searcher = peerSearcher(name);
  if (searcher === null) continue;
  const run = await searcher.begin({
    space: mixed.space,
    objectives: 1,
    outcomes: 0,
    seed: 1,
    trials: PEER_TRIALS,
    parallel: 1,
  });
  let before = 0;
  for (let i = 0; i < PEER_TRIALS; i++) {
    if (i === PEER_TRIALS - TIMED) before = run.seconds();
    const { id, params } = await run.ask();
    await run.tell(id, [objective(params)], []);
  }
  console.log(
    `| ${name} | ${PEER_TRIALS} | | ${((1000 * (run.seconds() - before)) / TIMED).toFixed(0)} | | |`,
  );
  searcher.close();
}
