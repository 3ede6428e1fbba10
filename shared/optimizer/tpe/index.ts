import type { Random } from "../../numerics/random.ts";
import { isAllowed } from "../../space/constraints.ts";
import { repair } from "../../space/repair.ts";
import type { Space } from "../../space/space.ts";
import { type Algorithm, answer, type History, type Proposal, type SeededProblem } from "../algorithm.ts";
import { createFresh, type Fresh } from "../common/fresh.ts";
import { sobolPointOf } from "../sobol/index.ts";
import { createParzen, type Parzen } from "./parzen.ts";
import { countRanked, split } from "./split.ts";

/** Trials with results before the model is used. */
const STARTUP = 10;
/** Points drawn from the good trials' density, of which the best is proposed. */
const CANDIDATES = 24;
/** Points that join them for each further trial of a batch. */
const FURTHER = 4;
/** Times that the candidates are drawn again when every one was tried before. */
const ROUNDS = 4;
/** Bad trials beyond this are thinned out evenly, so that an ask at 100,000 trials costs little more than at 1,000. */
const MAX_BAD = 1000;

/**
 * Tree-structured Parzen estimator, multivariate. Sources: Bergstra et al. 2011, section 4; Optuna's constants; the
 * good trials weighted by rank and their kernels narrower, as `bench/README.md` measures. Running trials count as bad
 * (constant liar), so that parallel asks differ.
 * Cost of an ask: O(n) to split n trials, then O(candidates * min(n, 1000) * parameters).
 */
export const tpe: Algorithm = {
  name: "tpe",
  revision: 2,
  propose: (problem, history, count, random) => {
    const isStart = countRanked(history, problem.objectives) < option(problem, "startup", STARTUP);
    return answer(isStart ? initialDesign(problem, history, count) : model(problem, history, count, random));
  },
};

const option = (problem: SeededProblem, name: string, fallback: number): number => {
  const value = problem.options[name];
  return typeof value === "number" ? value : fallback;
};

const initialDesign = (problem: SeededProblem, history: History, count: number): Proposal[] => {
  const fresh = createFresh(problem.space, history);
  for (let i = 0; i < count; i++) {
    const x = sobolPointOf(problem, problem.firstNumber + i, fresh);
    if (x !== null) fresh.take(x);
  }
  return fresh.taken.map((x) => ({ x, algorithm: "tpe", why: "initial design" }));
};

const model = (problem: SeededProblem, history: History, count: number, random: Random): Proposal[] => {
  const { space, objectives, isLate } = problem;
  const fresh = createFresh(space, history);
  const { good, bad, running } = split(history, objectives);
  // The front of several objectives has no order worth weighting.
  const weights = objectives === 1 ? rankWeights(good.length) : null;
  const d = space.parameters.length;
  const better = createParzen(space, pack(history, good, d), weights, "neighbours");
  const worse = createParzen(space, pack(history, [...thin(bad, MAX_BAD), ...running], d), null, "narrow");
  const draw = drawing(problem, better, worse, random);
  const first = option(problem, "candidates", CANDIDATES);
  let candidates = draw(first);
  while (fresh.taken.length < count) {
    // Late: whatever was drawn already must do.
    if (fresh.taken.length > 0 && !isLate()) candidates.push(...draw(Math.min(first, FURTHER)));
    let next = best(candidates, fresh);
    for (let round = 1; next === null && round < ROUNDS && !isLate(); round++) {
      candidates = draw(first);
      next = best(candidates, fresh);
    }
    if (next === null) break;
    fresh.take(next);
    countAsBad(space, candidates, next, worse.weight + fresh.taken.length - 1);
  }
  return fresh.taken.map((x) => ({ x, algorithm: "tpe", why: "expected improvement" }));
};

/** A point and the logarithms of the densities of good and bad trials there. */
interface Candidate {
  readonly x: Float64Array;
  readonly good: number;
  bad: number;
}

/** The points of some rows, by rows of d coordinates. */
const pack = ({ x }: History, rows: readonly number[], d: number): Float64Array => {
  const packed = new Float64Array(rows.length * d);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < d; j++) packed[i * d + j] = x[rows[i]! * d + j]!;
  }
  return packed;
};

/** Weights that fall with the logarithm of the rank, 1 on average. */
const rankWeights = (n: number): Float64Array => {
  const weights = Float64Array.from({ length: n }, (_, rank) => Math.log(n + 1) - Math.log(rank + 1));
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / n;
  return weights.map((weight) => weight / mean);
};

/** Draws allowed points from the good trials' density. */
const drawing =
  ({ space }: SeededProblem, better: Parzen, worse: Parzen, random: Random) =>
  (count: number): Candidate[] => {
    const candidates: Candidate[] = [];
    for (let i = 0; i < count; i++) {
      const drawn = better.sample(random);
      const x = isAllowed(space, drawn) ? drawn : repair(space, drawn, random);
      if (x !== null) candidates.push({ x, good: better.logDensity(x), bad: worse.logDensity(x) });
    }
    return candidates;
  };

/** The new point where the good trials' density exceeds the bad trials' most. */
const best = (candidates: Candidate[], fresh: Fresh): Float64Array | null => {
  candidates.sort((a, b) => b.good - b.bad - (a.good - a.bad));
  return candidates.find(({ x }) => fresh.accepts(x))?.x ?? null;
};

/**
 * Brings the candidates' densities of bad trials up to date with a trial that begins to run.
 * @param weight of all kernels before.
 */
const countAsBad = (
  space: Space,
  candidates: readonly Candidate[],
  x: Float64Array,
  weight: number,
): void => {
  const kernel = createParzen(space, x, null, "narrow", { observations: weight, priorWeight: 0 });
  for (const candidate of candidates) {
    const [before, more] = [candidate.bad + Math.log(weight), kernel.logDensity(candidate.x)];
    const top = Math.max(before, more);
    candidate.bad = top + Math.log(Math.exp(before - top) + Math.exp(more - top)) - Math.log(weight + 1);
  }
};

/** At most `most` of the rows, evenly spread over their order, the newest among them. */
const thin = (rows: readonly number[], most: number): readonly number[] =>
  rows.length <= most
    ? rows
    : Array.from({ length: most }, (_, i) => rows[Math.ceil(((i + 1) * rows.length) / most) - 1]!);
