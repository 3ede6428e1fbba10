import { createRandom, type Random } from "../numerics/random.ts";
import { snap } from "../space/cube.ts";
import { type Axis, enumerate, everyValue, type Tried } from "../space/enumerate.ts";
import { sampleCube } from "../space/sample.ts";
import type { Space } from "../space/space.ts";
import type {
  Algorithm,
  Answer,
  Hint,
  History,
  OptionSchemas,
  OptionsOf,
  Problem,
  Proposal,
  SeededProblem,
} from "./algorithm.ts";
import { type AlgorithmChoice, algorithmOf } from "./choice.ts";
import { createFresh, type Fresh } from "./common/fresh.ts";
import { mergeRepeats } from "./common/repeats.ts";

/** Random draws before what is left of a finite space is enumerated instead. */
const TRIES = 100;

/** One ask: what a study wants, what it knows, and how many trials. */
export interface Ask {
  readonly problem: Problem;
  /** The study's algorithm and its options. */
  readonly choice: AlgorithmChoice;
  /** All trials that exist, running ones included. */
  readonly history: History;
  readonly count: number;
  /** The study's seed. */
  readonly seed: number;
  /** The number that the first proposed trial will have. */
  readonly firstNumber: number;
  /** An earlier ask's hint; none by default. */
  readonly hint?: Hint | null;
  /** Whether the caller's time is up; never by default. */
  readonly isLate?: () => boolean;
}

/** Asks a study's algorithm for trials: see `proposeWith`. */
export const askAlgorithm = (ask: Ask): Answer<Proposal> => {
  const { problem, choice, history, count, seed, firstNumber, hint = null, isLate = () => false } = ask;
  const seeded = { ...problem, options: choice, seed, firstNumber, hint, isLate };
  return proposeWith(algorithmOf(choice), seeded, history, count);
};

/**
 * Asks an algorithm for trials and ensures what holds for every algorithm: it sees repeated trials as one point, and a
 * proposal is allowed by the space and is neither running nor tried before. What an algorithm does not deliver is replaced by a draw from the prior, in a
 * finite space by one of the configurations that are left; only the grid ends where its points end.
 * @param history all trials that exist, running ones included.
 * @returns `count` proposals, fewer only when a finite space, or the grid, holds nothing new; the algorithm's hint.
 * @throws InvalidInput when no allowed point can be found.
 */
export const proposeWith = <Schemas extends OptionSchemas>(
  algorithm: Algorithm<Schemas>,
  problem: SeededProblem<OptionsOf<Schemas>>,
  history: History,
  count: number,
): Answer<Proposal> => {
  const { space, seed, firstNumber } = problem;
  const random = createRandom(seed, firstNumber);
  const fresh = createFresh(space, history);
  const proposals: Proposal[] = [];
  let hasBeenLate = false;
  const isLate = () => {
    hasBeenLate ||= problem.isLate();
    return hasBeenLate;
  };
  const { proposals: drafts, hint } = algorithm.propose(
    { ...problem, isLate },
    mergeRepeats(history),
    count,
    random,
  );
  for (const draft of drafts) {
    const x = snap(space, draft.x);
    if (!fresh.accepts(x)) continue;
    fresh.take(x);
    proposals.push({ ...draft, x, cutShort: draft.cutShort ?? hasBeenLate });
  }
  if (algorithm.name === "grid") return { proposals, hint };
  while (proposals.length < count) {
    const x = fallback(space, history, fresh, random);
    if (x === null) break;
    fresh.take(x);
    const origin = algorithm.name === "auto" ? "random" : algorithm.name;
    proposals.push({ x, algorithm: origin, why: "fallback", cutShort: hasBeenLate });
  }
  return { proposals, hint };
};

/** A point that is allowed and new; null when there is none. */
const fallback = (space: Space, history: History, fresh: Fresh, random: Random): Float64Array | null => {
  for (let i = 0; i < TRIES; i++) {
    const x = sampleCube(space, random);
    if (fresh.accepts(x)) return x;
  }
  // The points that are left may be rare: enumerate all branches, with a few random values of continuous parameters.
  const axes = space.parameters.map((parameter) =>
    parameter.size === Infinity ? randomValues(random) : everyValue(parameter),
  );
  return enumerate(space, axes, withTaken(history, space.parameters.length, fresh.taken), 1)[0] ?? null;
};

/** An axis of a few random values, which were almost certainly not tried before. */
const randomValues = (random: Random): Axis => {
  const values = Array.from({ length: 8 }, () => random.uniform());
  return { size: values.length, at: (j) => values[j]!, positionOf: () => -1 };
};

/** The points of a history and those taken since, by rows. */
const withTaken = (history: History, d: number, taken: readonly Float64Array[]): Tried => {
  const n = history.n + taken.length;
  const x = new Float64Array(n * d);
  x.set(history.x.subarray(0, history.n * d));
  for (const [i, point] of taken.entries()) x.set(point, (history.n + i) * d);
  return { n, x };
};
