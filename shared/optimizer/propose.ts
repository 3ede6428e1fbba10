import { createRandom, type Random } from "../numerics/random.ts";
import { isAllowed } from "../space/constraints.ts";
import { snap } from "../space/cube.ts";
import { type Axis, enumerate, everyValue, type Tried } from "../space/enumerate.ts";
import { sampleCube, samplePrior } from "../space/sample.ts";
import type { Space } from "../space/space.ts";
import {
  type Algorithm,
  type Answer,
  answer,
  type Draft,
  type Hint,
  type History,
  type OptionSchemas,
  type OptionsOf,
  type Problem,
  type Proposal,
  type Repeats,
  type SeededProblem,
  TrialKind,
} from "./algorithm.ts";
import { type AlgorithmChoice, algorithmOf } from "./choice.ts";
import { triedAgain } from "./common/again.ts";
import { mergeDuplicates } from "./common/duplicates.ts";
import { startingFromEarlier } from "./common/earlier-starts.ts";
import { penaltiesAsFailures } from "./common/far-outside.ts";
import { atOneFidelity } from "./common/fidelity.ts";
import { createFresh, type Fresh } from "./common/fresh.ts";

/** Random draws before what is left of a finite space is enumerated instead. */
const TRIES = 100;
/** Draws per missing point once time has run out. */
const LATE_DRAWS = 20;

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
  /** Proposals that were chosen already and come first; none by default. */
  readonly drafts?: readonly Draft[];
  /** Whether the caller's time is up; never by default. */
  readonly isLate?: () => boolean;
}

/** What an ask gets. */
export interface Proposed extends Answer<Proposal> {
  /** Fewer were proposed than wanted because nothing new is left, and not because time ran out. */
  readonly isExhausted: boolean;
}

/** Asks a study's algorithm for trials: see `proposeWith`. */
export const askAlgorithm = (ask: Ask): Proposed => {
  const { problem, choice, history, count, seed, firstNumber, hint = null, isLate = () => false } = ask;
  const chosen = algorithmOf(choice);
  // What `auto` delegates to starts from earlier studies itself, and under its own name.
  const algorithm = after(ask.drafts ?? [], chosen.name === "auto" ? chosen : startingFromEarlier(chosen));
  const seeded = { ...problem, options: choice, seed, firstNumber, hint, isLate };
  return algorithm.races
    ? proposeRuns(algorithm, seeded, history, count)
    : proposeWith(algorithm, seeded, history, count);
};

/** Asks an algorithm that races: what it proposes are runs, so the same point may come again, and what it leaves out is missing. */
const proposeRuns = (
  algorithm: Algorithm,
  problem: SeededProblem<OptionsOf<OptionSchemas>>,
  history: History,
  count: number,
): Proposed => {
  const random = createRandom(problem.seed, problem.firstNumber);
  const { proposals, hint, waits = false } = algorithm.propose(problem, history, count, random);
  return {
    proposals: proposals.map((draft) => ({ ...draft, cutShort: draft.cutShort ?? false })),
    hint,
    isExhausted: proposals.length < count && !waits,
  };
};

/** An algorithm that proposes what was chosen already, and itself only what is missing; all of it, if it has a plan of its own. */
const after = (drafts: readonly Draft[], algorithm: Algorithm): Algorithm =>
  drafts.length === 0 || algorithm.ignoresResults
    ? algorithm
    : {
        ...algorithm,
        propose: (problem, history, count, random) => {
          const first = drafts.slice(0, count);
          if (first.length === count) return answer(first);
          const { proposals, hint } = algorithm.propose(problem, history, count - first.length, random);
          return { proposals: [...first, ...proposals], hint };
        },
      };

/** The results as algorithms compare them: at one fidelity, without penalties, one row a point. */
const comparable = (history: History, { space, objectives }: Problem): History =>
  mergeDuplicates(
    penaltiesAsFailures(atOneFidelity(history, space.parameters.length, objectives), objectives),
  );

/**
 * Asks an algorithm for trials and ensures what holds for every algorithm: a proposal is allowed by the space and is
 * neither running nor tried before, unless it goes on from another trial. To an algorithm a trial whose result is far outside the others is one that failed, and
 * trials of the same point are one. What an algorithm does not deliver is replaced by a draw from the prior, in a
 * finite space by one of the configurations that are left; only the grid ends where its points end. After that a study may
 * have configurations tried once more.
 * @param history all trials that exist, running ones included.
 * @returns `count` proposals, fewer when a finite space, or the grid, holds nothing new, or when time runs out where
 * almost nothing is allowed, or when nothing can go on yet; the algorithm's hint.
 * @throws InvalidInput when no allowed point can be found.
 */
export const proposeWith = <Schemas extends OptionSchemas>(
  algorithm: Algorithm<Schemas>,
  problem: SeededProblem<OptionsOf<Schemas>>,
  history: History,
  count: number,
): Proposed => {
  const { space, seed, firstNumber } = problem;
  const random = createRandom(seed, firstNumber);
  const fresh = createFresh(space, history);
  const proposals: Proposal[] = [];
  let hasBeenLate = false;
  const isLate = () => {
    hasBeenLate ||= problem.isLate();
    return hasBeenLate;
  };
  const { continues = false, ignoresResults = false, gradients } = algorithm;
  const followsTrials = continues || (gradients === "follows" && history.gradient !== undefined);
  const seen = ignoresResults || followsTrials ? history : comparable(history, problem);
  const { proposals: drafts, hint } = algorithm.propose({ ...problem, isLate }, seen, count, random);
  for (const draft of drafts) {
    const x = snap(space, draft.x);
    if (!(continues ? isAllowed(space, x) : fresh.accepts(x))) continue;
    fresh.take(x);
    proposals.push({ ...draft, x, cutShort: draft.cutShort ?? hasBeenLate });
  }
  if (continues) return { proposals, hint, isExhausted: false };
  const isMissing = () => proposals.length < count;
  if (algorithm.name !== "grid" && isMissing()) {
    const origin = algorithm.name === "auto" ? "random" : algorithm.name;
    const search = { space, history, fresh, random, isLate };
    // However late it is, an ask gets one trial: otherwise the next one would end like it.
    const least = proposals.length === 0 ? 1 : 0;
    for (const x of otherPoints(search, least, count - proposals.length)) {
      proposals.push({ x, algorithm: origin, why: "fallback", cutShort: hasBeenLate });
    }
  }
  const { repeats = NO_REPEATS } = problem;
  const mayRepeat = repeats.failed + repeats.completed > 0;
  if (mayRepeat && isMissing() && !hasBeenLate) {
    const missing = count - proposals.length;
    for (const { x, why } of triedAgain(
      history,
      space.parameters.length,
      problem.objectives,
      repeats,
      missing,
    )) {
      proposals.push({ x, algorithm: algorithm.name, why, cutShort: false });
    }
  }
  // What runs, or is proposed now, may have to be tried again when it has ended.
  const isMoreToCome =
    mayRepeat && (proposals.length > 0 || history.kind.subarray(0, history.n).includes(TrialKind.running));
  return { proposals, hint, isExhausted: isMissing() && !hasBeenLate && !isMoreToCome };
};

const NO_REPEATS: Repeats = { failed: 0, completed: 0 };

interface Search {
  readonly space: Space;
  readonly history: History;
  readonly fresh: Fresh;
  readonly random: Random;
  readonly isLate: () => boolean;
}

/** Points that are allowed and new, each taken when it is given: as many as are wanted while there is time, if there are. */
function* otherPoints(
  { space, history, fresh, random, isLate }: Search,
  least: number,
  wanted: number,
): Generator<Float64Array> {
  let found = 0;
  for (let misses = 0; found < wanted && misses < TRIES && !isLate(); misses++) {
    const x = sampleCube(space, random);
    if (!fresh.accepts(x)) continue;
    fresh.take(x);
    yield x;
    found++;
    misses = 0;
  }
  // A single draw costs nothing; where almost nothing is allowed, looking for what is takes longer than there is time.
  for (let draws = 0; found < wanted && isLate() && draws < LATE_DRAWS * wanted; draws++) {
    const x = samplePrior(space, random);
    if (!fresh.accepts(x)) continue;
    fresh.take(x);
    yield x;
    found++;
  }
  const missing = (isLate() ? least : wanted) - found;
  if (missing <= 0) return;
  // The points that are left may be rare: enumerate all branches, with a few random values of continuous parameters.
  const axes = space.parameters.map((parameter) =>
    parameter.size === Infinity ? randomValues(random) : everyValue(parameter),
  );
  const tried = withTaken(history, space.parameters.length, fresh.taken);
  for (const x of enumerate(space, axes, tried, missing)) {
    fresh.take(x);
    yield x;
  }
}

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
