import { createRandom } from "../../numerics/random.ts";
import { scrambledSobolPoint } from "../../numerics/sobol.ts";
import { project } from "../../space/project.ts";
import { fromPriorQuantiles } from "../../space/sample.ts";
import type { Space } from "../../space/space.ts";
import type { Draft, History, SeededProblem } from "../algorithm.ts";
import { createFresh, type Fresh } from "./fresh.ts";

/** Trials before there are results that a model could be fitted to. */

/** Sequences that a trial tries in turn, each scrambled by its own seed. */
const SEQUENCES = 64;
/** Sequences whose point is taken as it is or not at all. */
const REFUSED = 16;

/**
 * The Sobol point of a trial, at quantiles of the priors. Point k belongs to trial k, whoever asks in whatever order;
 * where the space refuses it or it was tried, the trial takes point k of the study's next sequence, after some of them moved
 * to where the constraints hold.
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
    // An equation or a thin band refuses nearly all points of a sequence: they are moved to where it holds.
    if (sequence < REFUSED) continue;
    const point = project(space, x, createRandom(seed, number, sequence), "anywhere");
    if (point !== null && fresh.accepts(point)) return point;
  }
  return null;
};

/** The medians of all priors, or the allowed point next to them. */
export const middleOf = (space: Space): Float64Array => {
  const x = fromPriorQuantiles(
    space,
    space.parameters.map(() => 0.5),
  );
  return project(space, x, createRandom(0)) ?? x;
};

interface Design {
  /** The algorithm whose design it is. */
  readonly algorithm: string;
  /** Whether trial 0 is the middle of the priors. */
  readonly startsInMiddle?: boolean;
  readonly why?: string;
}

/** The next trials of a space-filling design; fewer than `count` when the space has no more. */
export const initialDesign = (
  problem: SeededProblem,
  history: History,
  count: number,
  { algorithm, startsInMiddle = false, why = "initial design" }: Design,
): Draft[] => {
  const { space, firstNumber } = problem;
  const fresh = createFresh(space, history);
  const middle = startsInMiddle ? middleOf(space) : null;
  for (let number = firstNumber; number < firstNumber + count; number++) {
    const isMiddle = number === 0 && middle !== null && fresh.accepts(middle);
    const x = isMiddle ? middle : sobolPointOf(problem, number, fresh);
    if (x !== null) fresh.take(x);
  }
  return fresh.taken.map((x) => ({ x, algorithm, why }));
};
