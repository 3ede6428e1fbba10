import * as z from "zod";
import type { Random } from "../../numerics/random.ts";
import { project } from "../../space/project.ts";
import { repair } from "../../space/repair.ts";
import type { Space } from "../../space/space.ts";
import {
  type Algorithm,
  answer,
  type Draft,
  type History,
  type OptionsOf,
  type SeededProblem,
} from "../algorithm.ts";
import { STARTS } from "../common/earlier-starts.ts";
import { createFresh, type Fresh } from "../common/fresh.ts";
import { initialDesign } from "../common/initial-design.ts";
import { thinEvenly } from "../common/thin.ts";
import { type Bandwidth, PRIOR_WEIGHT } from "./column.ts";
import { type EarlierObservations, observationsOf, type Weighted } from "./earlier.ts";
import { createParzen, type Parzen } from "./parzen.ts";
import { countRanked, split } from "./split.ts";

const options = {
  startup: z.int().min(1).max(1000).optional().meta({ description: "Trials before the model is used." }),
  candidates: z.int().min(1).max(1000).optional(),
};
type Options = OptionsOf<typeof options>;

/** Trials with results before the model is used. */
const STARTUP = 10;
/** Points drawn from the good trials' density, of which the best is proposed. */
const CANDIDATES = 24;
/** Points that join them for each further trial of a batch. */
const FURTHER = 4;
/** Times that candidates are drawn again when all of them were tried before. */
const ROUNDS = 4;
/** Of more bad trials than this an even sample is used, so that an ask at 100,000 trials costs little more than at 1,000. */
const MAX_BAD = 1000;

/**
 * Tree-structured Parzen estimator, multivariate. Sources: Bergstra et al. 2011, section 4; Optuna's constants; the
 * good trials weighted by rank and their kernels narrower, as `bench/README.md` measures. Running trials count as bad
 * (constant liar), so that parallel asks differ.
 * Cost of an ask: O(n) to split n trials, then O(candidates * min(n, 1000) * parameters).
 */
export const tpe: Algorithm<typeof options> = {
  name: "tpe",
  revision: 3,
  options,
  propose: (problem, history, count, random) => {
    const { startup = STARTUP } = problem.options;
    const { space, objectives, earlier } = problem;
    const known = countRanked(history, objectives);
    const observations =
      objectives === 1 && earlier !== undefined && known >= STARTS
        ? observationsOf(space, history, earlier)
        : null;
    // Of little use without anything to learn from.
    const isStart = observations === null && known < startup;
    return answer(
      isStart
        ? initialDesign(problem, history, count, { algorithm: "tpe" })
        : model(problem, { history, observations }, count, random),
    );
  },
};

/** What the densities are made of. */
interface Known {
  readonly history: History;
  /** Of earlier studies. */
  readonly observations: EarlierObservations | null;
}

const model = (
  problem: SeededProblem<Options>,
  { history, observations }: Known,
  count: number,
  random: Random,
): Draft[] => {
  const { space, objectives, isLate } = problem;
  const fresh = createFresh(space, history);
  const { good, bad, running } = split(history, objectives);
  // The trials of a front of several objectives are equally good.
  const weights = objectives === 1 ? rankWeights(good.length) : null;
  const d = space.parameters.length;
  const others = pack(history, [...thinEvenly(bad, MAX_BAD, "last"), ...running], d);
  const better = withObservations(space, pack(history, good, d), weights, observations?.good, "neighbours");
  const worse = withObservations(space, others, null, observations?.bad, "narrow");
  const draw = drawing(problem, better, worse, random);
  const { candidates: first = CANDIDATES } = problem.options;
  let candidates = draw(first);
  while (fresh.taken.length < count) {
    // When late, only what was drawn already is used.
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

/** The density of own observations and those of earlier studies. */
const withObservations = (
  space: Space,
  own: Float64Array,
  weights: Float64Array | null,
  earlier: Weighted | undefined,
  bandwidth: Bandwidth,
): Parzen => {
  if (earlier === undefined) return createParzen(space, own, weights, bandwidth);
  const n = own.length / space.parameters.length;
  const all = Float64Array.from([...(weights ?? new Float64Array(n).fill(1)), ...earlier.weights]);
  const mean = all.reduce((sum, weight) => sum + weight, 0) / all.length;
  const points = Float64Array.from([...own, ...earlier.points]);
  const share = { observations: mean * all.length, priorWeight: PRIOR_WEIGHT / mean };
  const relative = all.map((weight) => weight / mean);
  const parzen = createParzen(space, points, relative, bandwidth, share);
  return { ...parzen, weight: mean * parzen.weight };
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
      const x = project(space, drawn, random) ?? repair(space, drawn, random);
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
 * Updates the candidates' densities of bad trials with a trial that begins to run.
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
