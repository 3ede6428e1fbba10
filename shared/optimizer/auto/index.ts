import type { Space } from "../../space/space.ts";
import { type Algorithm, type Answer, answer, type History, type Problem } from "../algorithm.ts";
import { cmaEs } from "../cma-es/index.ts";
import { gp } from "../gp/index.ts";
import { grid } from "../grid/index.ts";
import { nsga2 } from "../nsga2/index.ts";
import { tpe } from "../tpe/index.ts";

/** Spaces up to this size are tried completely, if the budget allows. */
const SMALL = 256;
/** From so many results on, a Gaussian process (fitted to 250 of them) costs five times as much as an algorithm that finds as much. */
const MANY = 1000;
/** The same if all parameters are continuous: the process stops improving sooner, CMA-ES does not. */
const MANY_CONTINUOUS = 300;
/** From so many parameters on an ask of the process takes a tenth of a second and finds no more than TPE. */
const WIDE = 150;
/** With more parameters than this, learning a covariance takes more trials than studies have. */
const COVARIANCE = 60;

/** An algorithm, and why it was chosen. */
interface Choice {
  readonly algorithm: Algorithm;
  readonly because: string;
}

/**
 * Chooses an algorithm at each ask; each proposal names the algorithm it comes from, and why. The rules, in order, and
 * the measurements behind them are in `docs/decisions/0004-what-auto-chooses.md`.
 */
const choose = ({ space, objectives, budget }: Problem, { n }: History): Choice => {
  const d = space.parameters.length;
  if (objectives > 1) {
    return n >= MANY
      ? { algorithm: nsga2, because: "many results of several objectives" }
      : { algorithm: gp, because: "few results; trials are expensive" };
  }
  if (space.size <= Math.min(SMALL, budget.trials)) {
    return { algorithm: grid, because: "the whole space fits the budget" };
  }
  if (d > 1 && d <= COVARIANCE) {
    if (n >= MANY_CONTINUOUS && isContinuous(space))
      return { algorithm: cmaEs, because: "many results, all parameters continuous" };
    if (n >= MANY && isMostlyNumbers(space))
      return { algorithm: cmaEs, because: "many results, most parameters are numbers" };
  }
  if (n >= MANY) return { algorithm: tpe, because: "many results" };
  if (d > WIDE) return { algorithm: tpe, because: "many parameters" };
  return { algorithm: gp, because: "few results; trials are expensive" };
};

const isContinuous = ({ parameters }: Space): boolean =>
  parameters.every(({ kind, size }) => kind === "float" && size === Infinity);

/** Whether there are at least two numbers, and at least as many numbers as choices. */
const isMostlyNumbers = ({ parameters }: Space): boolean => {
  const open = parameters.filter(({ size }) => size > 1);
  const numbers = open.filter(({ kind }) => kind !== "categorical").length;
  return numbers >= 2 && 2 * numbers >= open.length;
};

const options = {};

export const auto: Algorithm<typeof options> = {
  name: "auto",
  revision: 3,
  options,
  propose: (problem, history, count, random): Answer => {
    const { algorithm, because } = choose(problem, history);
    // It has no options to pass on: what it chooses runs with its defaults.
    const { proposals, hint } = algorithm.propose({ ...problem, options: {} }, history, count, random);
    if (algorithm === grid) return answer(proposals.map((one) => ({ ...one, why: because })));
    return { proposals: proposals.map((one) => ({ ...one, why: `${one.why} (${because})` })), hint };
  },
};
