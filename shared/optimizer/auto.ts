import { type Algorithm, answer, type SeededProblem } from "./algorithm.ts";
import { grid } from "./grid.ts";
import { tpe } from "./tpe/index.ts";

/** Spaces up to this size are simply tried out in full, if the budget allows. */
const SMALL = 256;

const fitsBudget = ({ space, budget }: SeededProblem) => space.size <= Math.min(SMALL, budget.trials);

/**
 * Chooses for the user: a small finite space that fits the budget is tried out in full; any other is explored with a
 * Sobol sequence and then searched by TPE. Each proposal names the algorithm it comes from.
 */
export const auto: Algorithm = {
  name: "auto",
  revision: 1,
  propose: (problem, history, count, random) => {
    if (fitsBudget(problem)) {
      const { proposals } = grid.propose(problem, history, count, random);
      return answer(proposals.map((proposal) => ({ ...proposal, why: "the whole space fits the budget" })));
    }
    const { proposals } = tpe.propose(problem, history, count, random);
    return answer(
      proposals.map((proposal) =>
        proposal.why === "initial design" ? { ...proposal, algorithm: "sobol" } : proposal,
      ),
    );
  },
};
