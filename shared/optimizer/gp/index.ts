import * as z from "zod";
import { createRandom } from "../../numerics/random.ts";
import {
  type Algorithm,
  type Answer,
  answer,
  type Draft,
  type Hint,
  type History,
  type Problem,
  type SeededProblem,
} from "../algorithm.ts";
import { type Evidence, gather, narrow } from "../common/evidence.ts";
import { createFresh } from "../common/fresh.ts";
import { initialDesign } from "../common/initial-design.ts";
import { countEnded, pointOf, runningPoints } from "../common/rows.ts";
import { selectRows } from "../common/select-rows.ts";
import { featuresOf } from "./features.ts";
import { createMaximiser } from "./maximise.ts";
import { nearestRows, type Region, regionOf } from "./region.ts";
import { fitSurrogates, MOST_POINTS, WIDE } from "./surrogates.ts";

const REVISION = 2;

const options = {
  startup: z.int().min(2).max(1000).optional().meta({
    description:
      "Trials before the model is used; half as many as there are parameters by default, at least 4.",
  }),
};
/** Good trials around which better ones are searched for. */
const CENTRES = 5;
/** From so many results on, evaluating a model is expensive. */
const LARGE = 150;
/** Trials that the model of a region is fitted to: so many, and more of them with more parameters. */
const FEW_NEARBY = 100;
const PER_PARAMETER = 2;

/** A new hint is returned when there are so many times more results than when the last one was made. */
const GROWTH = 1.1;

/**
 * Bayesian optimisation with Gaussian processes. Sources: Rasmussen and Williams 2006; the length scales' prior of
 * Hvarfner et al. 2024 ("Vanilla Bayesian optimization performs great in high dimensions"); log-EI of Ament et al. 2023.
 * Every other trial (in wide spaces three of four) is searched for near the best ones only.
 * Cost of an ask: O(min(n, 250)^3), however long the history.
 */
export const gp: Algorithm<typeof options> = {
  name: "gp",
  revision: REVISION,
  options,
  gradients: "learns",
  propose: (problem, history, count) => {
    const region = localRegion(problem, history);
    const known =
      region === null
        ? history
        : selectRows(history, nearestRows(problem.space, history, region.centre, nearby(problem)));
    const evidence = gather(known, problem.objectives, problem.outcomes ?? 0);
    const running = runningPoints(history, problem.space.parameters.length);
    const { startup = startupOf(problem) } = problem.options;
    return evidence === null || evidence.rows.length + running.length < startup
      ? answer(initialDesign(problem, history, count, { algorithm: "gp", startsInMiddle: true }))
      : model(problem, { history, known, region, evidence, running }, count);
  },
};

/** Trials before the model is used: half as many as there are parameters, within these bounds. */
const FEWEST = 4;
const MOST = 12;
const startupOf = ({ space }: Problem): number =>
  Math.min(MOST, Math.max(FEWEST, Math.ceil((space.parameters.length + 1) / 2)));

interface ModelInput {
  readonly history: History;
  /** The part of the history that the model is fitted to, or a sample of it: next to the region, if there is one. */
  readonly known: History;
  readonly region: Region | null;
  readonly evidence: Evidence;
  readonly running: readonly Float64Array[];
}

/** The region that an ask of a long history with one objective searches; null for one that searches everywhere. */
const localRegion = (
  { space, objectives, firstNumber }: Problem & { firstNumber: number },
  history: History,
): Region | null => {
  if (objectives > 1 || history.n <= MOST_POINTS) return null;
  return isLocalTurn(space.parameters.length, firstNumber) ? regionOf(space, history) : null;
};

/** Trials next to the region that its model is fitted to. */
const nearby = ({ space }: Problem): number =>
  Math.min(MOST_POINTS, FEW_NEARBY + PER_PARAMETER * space.parameters.length);

const model = (
  problem: SeededProblem,
  { history, known, region, evidence: all, running }: ModelInput,
  count: number,
): Answer => {
  const { space, seed, firstNumber, isLate } = problem;
  const d = space.parameters.length;
  const random = createRandom(seed, firstNumber, 0x6770);
  // A region's model has modes of its own.
  const hint = region === null && isOurs(problem.hint) ? problem.hint : null;
  const features = featuresOf(space);
  if (features.width === 0) return answer([]);
  const evidence = narrow(all, MOST_POINTS);
  const trials = countEnded(history);
  const { acquisition, aim, modes } = fitSurrogates({
    problem: { ...problem, hint },
    history: known,
    evidence,
    features,
    trials,
    room: count + running.length,
    random,
  });
  for (const x of running) acquisition.add(x);
  const fresh = createFresh(space, history);
  const centres = region === null ? bestRows(evidence).map((row) => pointOf(known, row, d)) : [region.centre];
  const isLocal = count === 1 && isLocalTurn(d, firstNumber);
  const isLarge = evidence.rows.length > LARGE;
  const maximiser = createMaximiser({
    space,
    acquisition,
    centres,
    running: [...running],
    isLocal,
    region,
    isLarge,
    fresh,
    isLate,
    random,
  });
  const why = isLocal || region !== null ? `${aim}, near the best` : aim;
  const proposals: Draft[] = [];
  while (proposals.length < count) {
    const x = maximiser.next();
    if (x === null) break;
    fresh.take(x);
    proposals.push({ x, algorithm: "gp", why, cutShort: isLate() });
  }
  const isNew = region === null && (hint === null || trials >= GROWTH * hint.trials);
  const values = modes.flatMap((mode) => Array.from(mode, Math.fround));
  return { proposals, hint: isNew ? { algorithm: "gp", revision: REVISION, trials, values } : null };
};

/** One of so many trials is searched for everywhere, the others near the best ones only. */
const globalEvery = (d: number): number => (d < WIDE ? 2 : 4);
const isLocalTurn = (d: number, firstNumber: number): boolean => firstNumber % globalEvery(d) !== 0;

const isOurs = (hint: Hint | null): boolean => hint?.algorithm === "gp" && hint.revision === REVISION;

/** Rows of the best trials so far: the feasible ones first, by the mean of their targets. */
const bestRows = ({ rows, objectives, isFeasible }: Evidence): number[] => {
  const sum = rows.map((_, i) => objectives.reduce((total, targets) => total + targets[i]!, 0));
  const order = rows.map((_, i) => i);
  order.sort((a, b) => Number(isFeasible[b]) - Number(isFeasible[a]) || sum[a]! - sum[b]!);
  return order.slice(0, CENTRES).map((i) => rows[i]!);
};
