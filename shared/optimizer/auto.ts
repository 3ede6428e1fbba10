import { type Algorithm, type Answer, answer, type History, type SeededProblem } from "./algorithm.ts";
import { cmaEs } from "./cma-es/index.ts";
import { nsga2 } from "./evolution/nsga2.ts";
import { gp } from "./gp/index.ts";
import { grid } from "./grid.ts";
import { tpe } from "./tpe/index.ts";

/** Spaces up to this size are simply tried out in full, if the budget allows. */
const SMALL = 256;
/** Beyond so many results a process that is fitted to 250 of them has no advantage left. */
const MANY = 1000;
/** From so many parameters on the process does not learn which of them matter before the budget is gone. */
const WIDE = 60;

/** An algorithm, and why it was chosen. */
interface Choice {
  readonly algorithm: Algorithm;
  readonly because: string;
}

/**
 * Chooses for the user, anew at each ask; each proposal names the algorithm it comes from, and why. The rules, in order,
 * and what they rest on, are in `docs/decisions/0004-what-auto-chooses.md`.
 */
const choose = ({ space, objectives, budget }: SeededProblem, { n }: History): Choice => {
  const d = space.parameters.length;
  const isContinuous = space.parameters.every(({ kind, size }) => kind === "float" && size === Infinity);
  if (objectives === 1 && space.size <= Math.min(SMALL, budget.trials)) {
    return { algorithm: grid, because: "the whole space fits the budget" };
  }
  if (n >= MANY) {
    if (objectives > 1) return { algorithm: nsga2, because: "many results of several objectives" };
    if (isContinuous && d > 1)
      return { algorithm: cmaEs, because: "many results, all parameters continuous" };
    return { algorithm: tpe, because: "many results" };
  }
  if (d > WIDE && objectives === 1) return { algorithm: tpe, because: "many parameters" };
  return { algorithm: gp, because: "few results, each dear" };
};

export const auto: Algorithm = {
  name: "auto",
  revision: 2,
  propose: (problem, history, count, random): Answer => {
    const { algorithm, because } = choose(problem, history);
    const { proposals, hint } = algorithm.propose(problem, history, count, random);
    if (algorithm === grid) return answer(proposals.map((one) => ({ ...one, why: because })));
    return { proposals: proposals.map((one) => ({ ...one, why: `${one.why} (${because})` })), hint };
  },
};
