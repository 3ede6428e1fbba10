import type { Draft, Proposal } from "./algorithm.ts";
import { algorithmOf } from "./choice.ts";
import { asConfigurations, missingRuns } from "./common/configurations.ts";
import { type Ask, askAlgorithm, type Proposed } from "./propose.ts";

/**
 * Asks for trials in a study whose configurations may have several runs: runs of configurations that have begun come first, then new
 * configurations, which the algorithm chooses from the means of those before. Which instance a run is on is decided here, except by
 * an algorithm that races: it sees every run, and stops a configuration before it has all of them.
 */
export const askForRuns = (ask: Ask): Proposed => {
  const { problem, choice, history, count, firstNumber } = ask;
  const { runs } = problem;
  if (runs === undefined || algorithmOf(choice).races) return askAlgorithm(ask);
  const begun = missingRuns(history, runs, count).map(({ configuration, row, instance }): Proposal => {
    const d = problem.space.parameters.length;
    const x = history.x.slice(row * d, (row + 1) * d);
    return { x, algorithm: choice.name, why: "another run", configuration, instance, cutShort: false };
  });
  const left = count - begun.length;
  if (left === 0) return { proposals: begun, hint: null, isExhausted: false };
  const configurations = asConfigurations(history);
  const share = (trials: number) => Math.max(1, Math.floor(trials / runs));
  const { proposals, hint, isExhausted } = askAlgorithm({
    ...ask,
    problem: {
      ...problem,
      budget: { trials: share(problem.budget.trials), parallel: share(problem.budget.parallel) },
    },
    history: configurations,
    count: Math.ceil(left / runs),
    firstNumber: configurations.n,
  });
  const first = firstNumber + begun.length;
  const begin = proposals.flatMap((proposal, i) => runsOfNew(proposal, first + i * runs, runs));
  return { proposals: [...begun, ...begin.slice(0, left)], hint, isExhausted };
};

/** All runs of a new configuration. @param number of its first trial. */
const runsOfNew = <P extends Draft>(proposal: P, number: number, runs: number): P[] =>
  Array.from({ length: runs }, (_, instance) => ({ ...proposal, configuration: number, instance }));
