import { createRandom } from "../../numerics/random.ts";
import { scrambledSobolPoint } from "../../numerics/sobol.ts";
import { fromPriorQuantiles } from "../../space/sample.ts";
import { type Algorithm, answer, type SeededProblem } from "../algorithm.ts";
import { createFresh, type Fresh } from "../common/fresh.ts";

/** Sequences, each scrambled by a seed of its own, that a trial tries in turn. */
const SEQUENCES = 64;

/**
 * The Sobol point of a trial, at quantiles of the priors. Point k belongs to trial k, whoever asks in whatever order;
 * where the space refuses it or it was tried, the trial takes point k of the study's next sequence.
 * @returns null when the point of every sequence was refused.
 */
export const sobolPointOf = (
  { space, seed }: SeededProblem,
  number: number,
  fresh: Fresh,
): Float64Array | null => {
  for (let sequence = 0; sequence < SEQUENCES; sequence++) {
    const scrambling = createRandom(seed, sequence).integer(2 ** 32);
    const x = fromPriorQuantiles(space, scrambledSobolPoint(number, space.parameters.length, scrambling));
    if (fresh.accepts(x)) return x;
  }
  return null;
};

/** A scrambled Sobol sequence: fills the space more evenly than chance. Sources: see `numerics/sobol.ts`. */
export const sobol: Algorithm = {
  name: "sobol",
  revision: 1,
  propose: (problem, history, count) => {
    const fresh = createFresh(problem.space, history);
    for (let i = 0; i < count; i++) {
      const x = sobolPointOf(problem, problem.firstNumber + i, fresh);
      if (x !== null) fresh.take(x);
    }
    return answer(fresh.taken.map((x) => ({ x, algorithm: "sobol", why: "space-filling sequence" })));
  },
};
