import type { Random } from "../../numerics/random.ts";
import { isAllowed } from "../../space/constraints.ts";
import { repair } from "../../space/repair.ts";
import { type Algorithm, answer, type History, type Proposal, type SeededProblem } from "../algorithm.ts";
import { createFresh, type Fresh } from "../fresh.ts";
import { sobolPointOf } from "../sobol.ts";
import { createParzen, type Parzen } from "./parzen.ts";
import { countRanked, split } from "./split.ts";

/** Trials with results before the model is used. */
const STARTUP = 10;
/** Points drawn from the good trials' density, of which the best is proposed. */
const CANDIDATES = 24;
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
  revision: 1,
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
  const { space, objectives } = problem;
  const fresh = createFresh(space, history);
  const { good, bad, running } = split(history, objectives);
  // The front of several objectives has no order worth weighting.
  const weights = objectives === 1 ? rankWeights(good.length) : null;
  const d = space.parameters.length;
  const better = createParzen(space, pack(history, good, d, []), weights, "neighbours");
  const others = [...thin(bad, MAX_BAD), ...running];
  for (let i = 0; i < count; i++) {
    const worse = createParzen(space, pack(history, others, d, fresh.taken), null, "narrow");
    const x = bestCandidate(problem, better, worse, fresh, random);
    if (x === null) break;
    fresh.take(x);
  }
  return fresh.taken.map((x) => ({ x, algorithm: "tpe", why: "expected improvement" }));
};

/** The points of some rows, and then some more points, by rows of d coordinates. */
const pack = (
  { x }: History,
  rows: readonly number[],
  d: number,
  more: readonly Float64Array[],
): Float64Array => {
  const packed = new Float64Array((rows.length + more.length) * d);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < d; j++) packed[i * d + j] = x[rows[i]! * d + j]!;
  }
  for (let i = 0; i < more.length; i++) packed.set(more[i]!, (rows.length + i) * d);
  return packed;
};

/** Weights that fall with the logarithm of the rank, 1 on average. */
const rankWeights = (n: number): Float64Array => {
  const weights = Float64Array.from({ length: n }, (_, rank) => Math.log(n + 1) - Math.log(rank + 1));
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / n;
  return weights.map((weight) => weight / mean);
};

/** Of new points drawn from the good trials' density, the one where it exceeds the bad trials' density most. */
const bestCandidate = (
  problem: SeededProblem,
  better: Parzen,
  worse: Parzen,
  fresh: Fresh,
  random: Random,
): Float64Array | null => {
  const { space } = problem;
  for (let round = 0; round < ROUNDS; round++) {
    const candidates: { x: Float64Array; ratio: number }[] = [];
    for (let i = 0; i < option(problem, "candidates", CANDIDATES); i++) {
      const drawn = better.sample(random);
      const x = isAllowed(space, drawn) ? drawn : repair(space, drawn, random);
      if (x !== null) candidates.push({ x, ratio: better.logDensity(x) - worse.logDensity(x) });
    }
    candidates.sort((a, b) => b.ratio - a.ratio);
    const best = candidates.find(({ x }) => fresh.accepts(x));
    if (best !== undefined) return best.x;
  }
  return null;
};

/** At most `most` of the rows, evenly spread over their order, the newest among them. */
const thin = (rows: readonly number[], most: number): readonly number[] =>
  rows.length <= most
    ? rows
    : Array.from({ length: most }, (_, i) => rows[Math.ceil(((i + 1) * rows.length) / most) - 1]!);
