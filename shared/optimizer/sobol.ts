import { scrambledSobolPoint } from "../numerics/sobol.ts";
import { fromPriorQuantiles } from "../space/sample.ts";
import type { Algorithm, SeededProblem } from "./algorithm.ts";
import { createFresh, type Fresh } from "./fresh.ts";

/** Blocks of the sequence, each as long as the largest trial budget (2^20 > 1,000,000), so no trial meets another's. */
const BLOCK = 2 ** 20;
/** Points tried for one trial when constraints refuse them or a finite space repeats them. */
const BLOCKS = 64;

/**
 * The Sobol point of a trial, at quantiles of the priors. Point k belongs to trial k whoever asks in whatever order;
 * when the space refuses it or it was tried, the trial takes point k of the next block.
 * @returns null when every block's point was refused.
 */
export const sobolPointOf = (
  { space, seed }: SeededProblem,
  number: number,
  fresh: Fresh,
): Float64Array | null => {
  for (let block = 0; block < BLOCKS; block++) {
    const index = (block * BLOCK + (number % BLOCK)) >>> 0;
    const x = fromPriorQuantiles(space, scrambledSobolPoint(index, space.parameters.length, seed));
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
    return fresh.taken.map((x) => ({ x, algorithm: "sobol", why: "space-filling sequence" }));
  },
};
