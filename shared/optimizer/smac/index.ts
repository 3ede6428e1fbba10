import * as z from "zod";
import { type Forest, growForest, predictForest } from "../../numerics/forest.ts";
import type { Random } from "../../numerics/random.ts";
import { indexOf } from "../../space/axis.ts";
import { sampleCube } from "../../space/sample.ts";
import type { Space } from "../../space/space.ts";
import {
  type Algorithm,
  answer,
  type Draft,
  type History,
  type Problem,
  type SeededProblem,
} from "../algorithm.ts";
import { globalCandidates, localCandidates, neighbours } from "../common/candidates.ts";
import { type Evidence, gather } from "../common/evidence.ts";
import { createFresh } from "../common/fresh.ts";
import { initialDesign } from "../common/initial-design.ts";
import { pointOf, runningPoints } from "../common/rows.ts";
import { scalarised } from "../common/scalarise.ts";
import { keepBestByStep } from "../common/thin.ts";
import { logImprovement } from "../gp/expected-improvement.ts";
import { fitTrend, type Trend } from "./trend.ts";

const options = {
  startup: z.int().min(2).max(1000).optional().meta({ description: "Trials before the forest is used." }),
};

/** As SMAC3's facade for hyperparameters: trees, how often a trial is random, challengers (here fewer, to save time). */
const TREES = 10;
const RANDOM_EVERY = 5;
const CHALLENGERS = 3000;
/** The part of the challengers that lie near good trials, and how many good trials that are. */
const NEAR = 0.4;
const CENTRES = 10;
const REACH = 0.2;
/** Local searches: from so many challengers, at most so many steps each. */
const CLIMBS = 10;
const STEPS = 8;
/** Neighbours of a point that a step of a local search evaluates, in addition to other values of finite parameters. */
const AROUND = 24;
const FOREST = { trees: TREES, smallest: 3, share: 5 / 6 };
/** Trials that a forest is fitted to at most: the best ones, and a sample of the others. */
const MOST = 2000;
const STARTUP = 10;

/**
 * Sequential model-based algorithm configuration: a random forest predicts the result of a configuration and how
 * uncertain it is, log-EI chooses. Source: Hutter, Hoos and Leyton-Brown 2011; constants of SMAC3's facade for hyperparameters.
 * The forest is fitted to what a smooth trend leaves (`trend.ts`), where there is one.
 * Running trials count with the value that is predicted for them. Every fifth trial is random.
 * Cost of an ask: O(min(n, 2000) log n * parameters) to grow the trees, then the challengers.
 */
export const smac: Algorithm<typeof options> = {
  name: "smac",
  revision: 2,
  options,
  propose: (problem, history, count, random) => {
    const evidence = gather(history, problem.objectives, problem.outcomes ?? 0);
    const { startup = startupOf(problem) } = problem.options;
    const isStart = evidence === null || evidence.rows.length < startup;
    return answer(
      isStart
        ? initialDesign(problem, history, count, { algorithm: "smac" })
        : model(problem, history, evidence, count, random),
    );
  },
};

const startupOf = ({ space, budget }: Problem): number =>
  Math.max(4, Math.min(STARTUP, 2 * space.parameters.length, Math.floor(budget.trials / 4)));

const model = (
  problem: SeededProblem,
  history: History,
  evidence: Evidence,
  count: number,
  random: Random,
): Draft[] => {
  const { space, firstNumber, isLate } = problem;
  const d = space.parameters.length;
  const fresh = createFresh(space, history);
  const proposals: Draft[] = [];
  const running = runningPoints(history, d);
  const known = knownOf(history, evidence, d, random);
  const belief = believe(space, known, running, random);
  // The local searches end in different places: the next trials of a batch are the next best of them.
  let challengers: readonly Float64Array[] | null = null;
  for (let i = 0; i < count; i++) {
    const isRandom = (firstNumber + i) % RANDOM_EVERY === RANDOM_EVERY - 1;
    if (!isRandom) challengers ??= challenge(space, belief, known.centres, isLate, random);
    const pool = isRandom ? [sampleCube(space, random)] : challengers;
    const x = pool?.find((one) => fresh.accepts(one));
    if (x === undefined) continue;
    fresh.take(x);
    const why = isRandom ? "every fifth at random" : "expected improvement of a forest";
    proposals.push({ x, algorithm: "smac", why });
  }
  return proposals;
};

/** What is known, of at most as many trials as a forest is fitted to. */
interface Known {
  readonly points: readonly Float64Array[];
  readonly targets: Float64Array;
  /** 1 for each trial that is not feasible, else 0; null without constraints. */
  readonly infeasible: Float64Array | null;
  readonly best: number;
  readonly centres: readonly Float64Array[];
}

const knownOf = (history: History, evidence: Evidence, d: number, random: Random): Known => {
  const all = scalarised(evidence.objectives, random);
  const order = evidence.rows.map((_, i) => i);
  order.sort((a, b) => Number(evidence.isFeasible[b]) - Number(evidence.isFeasible[a]) || all[a]! - all[b]!);
  const kept = keepBestByStep(order, MOST);
  const points = kept.map((i) => pointOf(history, evidence.rows[i]!, d));
  const isConstrained = evidence.constraints.length > 0;
  const feasible = kept.filter((i) => evidence.isFeasible[i]);
  return {
    points,
    targets: Float64Array.from(kept, (i) => all[i]!),
    infeasible: isConstrained ? Float64Array.from(kept, (i) => Number(!evidence.isFeasible[i])) : null,
    best: feasible.reduce((least, i) => Math.min(least, all[i]!), Infinity),
    centres: points.slice(0, CENTRES),
  };
};

interface Belief {
  /** What the objective's forest predicts is added to it. */
  readonly trend: Trend;
  readonly objective: Forest;
  readonly feasibility: Forest | null;
  readonly best: number;
}

/** Fits the forests; running trials count with what a first forest predicts for them. */
const believe = (space: Space, known: Known, running: readonly Float64Array[], random: Random): Belief => {
  const { points, targets, infeasible, best } = known;
  const isCategory = Uint8Array.from(space.parameters, ({ kind }) => Number(kind === "categorical"));
  const x = featuresOf(space, points);
  const trend = fitTrend(space, points, targets) ?? (() => 0);
  const rest = targets.map((target, i) => target - trend(points[i]!));
  let objective = growForest(x, rest, isCategory, FOREST, random);
  if (running.length > 0) {
    const more = featuresOf(space, running);
    const expected = predictForest(objective, more, running.length).mean;
    objective = growForest(joined(x, more), joined(rest, expected), isCategory, FOREST, random);
  }
  const feasibility = infeasible === null ? null : growForest(x, infeasible, isCategory, FOREST, random);
  return { trend, objective, feasibility, best };
};

const joined = (a: Float64Array, b: Float64Array): Float64Array => {
  const both = new Float64Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
};

/** Coordinates, -1 where inactive, so that one split separates these; of a categorical parameter its choice, 0 where inactive. */
const featuresOf = (space: Space, points: readonly Float64Array[]): Float64Array => {
  const d = space.parameters.length;
  const x = new Float64Array(points.length * d);
  for (const [i, point] of points.entries()) {
    for (const parameter of space.parameters) {
      const u = point[parameter.index]!;
      const isInactive = Number.isNaN(u);
      x[i * d + parameter.index] =
        parameter.kind === "categorical" ? (isInactive ? 0 : 1 + indexOf(parameter, u)) : isInactive ? -1 : u;
    }
  }
  return x;
};

/** Log-EI of each point, plus the log probability that it is feasible; only the latter while no trial is feasible. */
const worthOf = (
  space: Space,
  { trend, objective, feasibility, best }: Belief,
  points: readonly Float64Array[],
): Float64Array => {
  const x = featuresOf(space, points);
  const { mean, variance } = predictForest(objective, x, points.length);
  const chance = feasibility === null ? null : predictForest(feasibility, x, points.length).mean;
  return mean.map((m, i) => {
    const feasible = chance === null ? 0 : Math.log(Math.max(1e-3, 1 - chance[i]!));
    if (best === Infinity) return feasible;
    const sd = Math.sqrt(Math.max(1e-10, variance[i]!));
    return feasible + Math.log(sd) + logImprovement((best - m - trend(points[i]!)) / sd);
  });
};

/** Many challengers and where local searches from the best of them end, best first. */
const challenge = (
  space: Space,
  belief: Belief,
  centres: readonly Float64Array[],
  isLate: () => boolean,
  random: Random,
): Float64Array[] => {
  const points = [
    ...globalCandidates(space, Math.round((1 - NEAR) * CHALLENGERS), random),
    ...localCandidates(space, centres, Math.round(NEAR * CHALLENGERS), REACH, random),
  ];
  const found = ranked(points, worthOf(space, belief, points));
  const climbed = found.slice(0, CLIMBS).map(({ x, worth }) => {
    let best = { x, worth };
    for (let step = 0; step < STEPS && !isLate(); step++) {
      const around = [
        ...neighbours(space, best.x, random),
        ...localCandidates(space, [best.x], AROUND, REACH, random),
      ];
      const [next] = ranked(around, worthOf(space, belief, around));
      if (next === undefined || !(next.worth > best.worth)) break;
      best = next;
    }
    return best;
  });
  return [...climbed, ...found].sort((a, b) => b.worth - a.worth).map(({ x }) => x);
};

const ranked = (points: readonly Float64Array[], worth: Float64Array) =>
  points.map((x, i) => ({ x, worth: worth[i]! })).sort((a, b) => b.worth - a.worth);
