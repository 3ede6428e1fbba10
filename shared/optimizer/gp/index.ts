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
import { pointOf, runningPoints } from "../common/rows.ts";
import { featuresOf } from "./features.ts";
import { createMaximiser } from "./maximise.ts";
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
  propose: (problem, history, count) => {
    const evidence = gather(history, problem.objectives, problem.outcomes ?? 0);
    const running = runningPoints(history, problem.space.parameters.length);
    const { startup = startupOf(problem) } = problem.options;
    return evidence === null || evidence.rows.length + running.length < startup
      ? answer(initialDesign(problem, history, count, { algorithm: "gp", startsInMiddle: true }))
      : model(problem, history, evidence, running, count);
  },
};

/** Trials before the model is used: half as many as there are parameters, within these bounds. */
const FEWEST = 4;
const MOST = 12;
const startupOf = ({ space }: Problem): number =>
  Math.min(MOST, Math.max(FEWEST, Math.ceil((space.parameters.length + 1) / 2)));

const model = (
  problem: SeededProblem,
  history: History,
  all: Evidence,
  running: readonly Float64Array[],
  count: number,
): Answer => {
  const { space, seed, firstNumber, isLate } = problem;
  const d = space.parameters.length;
  const random = createRandom(seed, firstNumber, 0x6770);
  const hint = isOurs(problem.hint) ? problem.hint : null;
  const features = featuresOf(space);
  if (features.width === 0) return answer([]);
  const evidence = narrow(all, MOST_POINTS);
  const trials = all.rows.length;
  const { acquisition, aim, modes } = fitSurrogates({
    problem: { ...problem, hint },
    history,
    evidence,
    features,
    trials,
    room: count + running.length,
    random,
  });
  for (const x of running) acquisition.add(x);
  const fresh = createFresh(space, history);
  const centres = bestRows(evidence).map((row) => pointOf(history, row, d));
  const isLocal = count === 1 && firstNumber % globalEvery(d) !== 0;
  const isLarge = evidence.rows.length > LARGE;
  const maximiser = createMaximiser({
    space,
    acquisition,
    centres,
    running,
    isLocal,
    isLarge,
    fresh,
    isLate,
    random,
  });
  const why = isLocal ? `${aim}, near the best` : aim;
  const proposals: Draft[] = [];
  while (proposals.length < count) {
    const x = maximiser.next();
    if (x === null) break;
    fresh.take(x);
    proposals.push({ x, algorithm: "gp", why, cutShort: isLate() });
  }
  const isNew = hint === null || trials >= GROWTH * hint.trials;
  const values = modes.flatMap((mode) => Array.from(mode, Math.fround));
  return { proposals, hint: isNew ? { algorithm: "gp", revision: REVISION, trials, values } : null };
};

/** One of so many trials is searched for everywhere, the others near the best ones only. */
const globalEvery = (d: number): number => (d < WIDE ? 2 : 4);

const isOurs = (hint: Hint | null): boolean => hint?.algorithm === "gp" && hint.revision === REVISION;

/** Rows of the best trials so far: the feasible ones first, by the mean of their targets. */
const bestRows = ({ rows, objectives, isFeasible }: Evidence): number[] => {
  const sum = rows.map((_, i) => objectives.reduce((total, targets) => total + targets[i]!, 0));
  const order = rows.map((_, i) => i);
  order.sort((a, b) => Number(isFeasible[b]) - Number(isFeasible[a]) || sum[a]! - sum[b]!);
  return order.slice(0, CENTRES).map((i) => rows[i]!);
};
