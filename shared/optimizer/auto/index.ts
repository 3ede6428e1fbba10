import { type Algorithm, type Answer, answer, type History, type Problem } from "../algorithm.ts";
import { startingFromEarlier } from "../common/earlier-starts.ts";
import { gp } from "../gp/index.ts";
import { gradient } from "../gradient/index.ts";
import { grid } from "../grid/index.ts";
import { tpe } from "../tpe/index.ts";

/** Spaces up to this size are tried completely, if the budget allows. */
const SMALL = 256;
/** From so many parameters on an ask of the process takes a tenth of a second and finds no more than TPE. */
const WIDE = 150;

/** An algorithm, and why it was chosen. */
interface Choice {
  readonly algorithm: Algorithm;
  readonly because: string;
}

/**
 * Chooses an algorithm at each ask, by the problem alone: results, own or imported, never make another algorithm take over,
 * which would have to learn again what is known. Each proposal names the algorithm it comes from, and why. The rules, in order, and
 * the measurements behind them are in `docs/decisions/0004-what-auto-chooses.md`.
 */
const choose = ({ space, objectives, budget }: Problem, history: History): Choice => {
  if (history.gradient !== undefined) return { algorithm: gradient, because: "gradients are told" };
  if (objectives === 1 && space.size <= Math.min(SMALL, budget.trials)) {
    return { algorithm: grid, because: "the whole space fits the budget" };
  }
  if (objectives === 1 && space.parameters.length > WIDE) {
    return { algorithm: tpe, because: "many parameters" };
  }
  return { algorithm: gp, because: "trials are expensive" };
};

const options = {};

export const auto: Algorithm<typeof options> = {
  name: "auto",
  revision: 4,
  options,
  gradients: "follows",
  propose: (problem, history, count, random): Answer => {
    const { algorithm, because } = choose(problem, history);
    // It has no options to pass on: what it chooses runs with its defaults.
    const { proposals, hint } = startingFromEarlier(algorithm).propose(
      { ...problem, options: {} },
      history,
      count,
      random,
    );
    if (algorithm === grid) return answer(proposals.map((one) => ({ ...one, why: because })));
    return { proposals: proposals.map((one) => ({ ...one, why: `${one.why} (${because})` })), hint };
  },
};
