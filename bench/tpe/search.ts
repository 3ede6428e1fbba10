import { buildHistory, type HistoryRow } from "../../shared/optimizer/common/history.ts";
import { askAlgorithm } from "../../shared/optimizer/propose.ts";
import type { AlgorithmName } from "../../shared/optimizer/registry.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { fromCube } from "../../shared/space/cube.ts";
import type { Optuna, OptunaSampler } from "./optuna.ts";
import type { BenchProblem } from "./problems.ts";

/**
 * The lowest regret after each trial of one run.
 * @param seed of the algorithm, and the problem's instance.
 */
export const honeCurve = (
  task: BenchProblem,
  algorithm: AlgorithmName,
  seed: number,
  trials: number,
): number[] => {
  const space = compileSpace(task.space);
  const regret = task.regret(seed);
  const problem = { space, objectives: 1, budget: { trials, parallel: 1 } };
  const rows: HistoryRow[] = [];
  const curve: number[] = [];
  for (let number = 0; number < trials; number++) {
    const [proposal] = askAlgorithm({
      problem,
      choice: { name: algorithm },
      history: buildHistory(space, 1, rows),
      count: 1,
      seed,
      firstNumber: number,
    }).proposals;
    if (proposal === undefined) break;
    const y = regret(fromCube(space, proposal.x));
    rows.push({ number, x: proposal.x, y: [y] });
    curve.push(Math.min(y, curve.at(-1) ?? Number.POSITIVE_INFINITY));
  }
  return curve;
};

/** The same with Optuna. */
export const optunaCurve = async (
  optuna: Optuna,
  task: BenchProblem,
  sampler: OptunaSampler,
  seed: number,
  trials: number,
): Promise<number[]> => {
  await optuna.study(task.space, sampler, seed);
  const regret = task.regret(seed);
  const curve: number[] = [];
  for (let number = 0; number < trials; number++) {
    const asked = await optuna.ask();
    const y = regret(asked.params);
    await optuna.tell(asked.number, y);
    curve.push(Math.min(y, curve.at(-1) ?? Number.POSITIVE_INFINITY));
  }
  return curve;
};
