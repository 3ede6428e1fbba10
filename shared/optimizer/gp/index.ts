import { createRandom } from "../../numerics/random.ts";
import { fromPriorQuantiles } from "../../space/sample.ts";
import {
  type Algorithm,
  type Answer,
  answer,
  type Hint,
  type History,
  type Proposal,
  type SeededProblem,
  TrialKind,
} from "../algorithm.ts";
import { type Evidence, gather, narrow } from "../common/evidence.ts";
import { createFresh } from "../common/fresh.ts";
import { sobolPointOf } from "../sobol/index.ts";
import { createSearch } from "./choose.ts";
import { featuresOf } from "./features.ts";
import { fitSurrogates, MOST_POINTS, WIDE } from "./surrogates.ts";

const REVISION = 1;
/** Good trials around which the search looks for better ones. */
const CENTRES = 5;
/** From so many results on a model is dear to ask. */
const LARGE = 150;

/** A hint is worth a write when there are so many times more results than when the last one was made. */
const GROWTH = 1.1;

/**
 * Bayesian optimisation with Gaussian processes. Sources: Rasmussen and Williams 2006; the length scales' prior of
 * Hvarfner et al. 2024 ("Vanilla Bayesian optimization performs great in high dimensions"); log-EI of Ament et al. 2023.
 * Every other trial (in wide spaces three of four) is looked for near the best ones only.
 * Cost of an ask: O(min(n, 250)^3), however long the history.
 */
export const gp: Algorithm = {
  name: "gp",
  revision: REVISION,
  propose: (problem, history, count) => {
    const evidence = gather(history, problem.objectives, problem.outcomes ?? 0);
    const running = history.kind.reduce((sum, kind) => sum + Number(kind === TrialKind.running), 0);
    return evidence === null || evidence.rows.length + running < startupOf(problem)
      ? answer(initialDesign(problem, history, count))
      : model(problem, history, evidence, count);
  },
};

/** Few trials are spent before the model has a say: half as many as there are parameters, within these bounds. */
const FEWEST = 4;
const MOST = 12;
const startupOf = ({ space, options }: SeededProblem): number =>
  typeof options.startup === "number"
    ? options.startup
    : Math.min(MOST, Math.max(FEWEST, Math.ceil((space.parameters.length + 1) / 2)));

/** The middle of the priors first, then a space-filling sequence. */
const initialDesign = (problem: SeededProblem, history: History, count: number): Proposal[] => {
  const { space, firstNumber } = problem;
  const fresh = createFresh(space, history);
  const middle = fromPriorQuantiles(
    space,
    space.parameters.map(() => 0.5),
  );
  for (let i = 0; i < count; i++) {
    const number = firstNumber + i;
    const x = number === 0 && fresh.accepts(middle) ? middle : sobolPointOf(problem, number, fresh);
    if (x !== null) fresh.take(x);
  }
  return fresh.taken.map((x) => ({ x, algorithm: "gp", why: "initial design" }));
};

const model = (problem: SeededProblem, history: History, all: Evidence, count: number): Answer => {
  const { space, seed, firstNumber, isLate } = problem;
  const d = space.parameters.length;
  const random = createRandom(seed, firstNumber, 0x6770);
  const hint = isOurs(problem.hint) ? problem.hint : null;
  const features = featuresOf(space);
  if (features.width === 0) return answer([]);
  const evidence = narrow(all, MOST_POINTS);
  const trials = all.rows.length;
  const running: Float64Array[] = [];
  for (let row = 0; row < history.n; row++) {
    if (history.kind[row] === TrialKind.running) running.push(history.x.slice(row * d, (row + 1) * d));
  }
  const room = count + running.length;
  const surrogates = fitSurrogates({ ...problem, hint }, history, evidence, features, trials, room, random);
  const { acquisition, aim, modes } = surrogates;
  for (const x of running) acquisition.add(x);
  const fresh = createFresh(space, history);
  const centres = bestRows(evidence).map((row) => history.x.slice(row * d, (row + 1) * d));
  const isLocal = count === 1 && firstNumber % globalEvery(d) !== 0;
  const isLarge = evidence.rows.length > LARGE;
  const search = createSearch(space, acquisition, centres, running, isLocal, isLarge, fresh, isLate, random);
  const proposals: Proposal[] = [];
  while (proposals.length < count) {
    const x = search.next();
    if (x === null) break;
    fresh.take(x);
    const why = `${aim}${isLocal ? ", near the best" : ""}${isLate() ? ", cut short for time" : ""}`;
    proposals.push({ x, algorithm: "gp", why });
  }
  const isNew = hint === null || trials >= GROWTH * hint.trials;
  const values = modes.flatMap((mode) => Array.from(mode, Math.fround));
  return { proposals, hint: isNew ? { algorithm: "gp", revision: REVISION, trials, values } : null };
};

/** One of so many trials is looked for everywhere, the others near the best ones only: in wide spaces nearly all. */
const globalEvery = (d: number): number => (d < WIDE ? 2 : 4);

const isOurs = (hint: Hint | null): boolean => hint?.algorithm === "gp" && hint.revision === REVISION;

/** Rows of the best trials so far: the feasible ones first, by the mean of their targets. */
const bestRows = ({ rows, objectives, isFeasible }: Evidence): number[] => {
  const sum = rows.map((_, i) => objectives.reduce((total, targets) => total + targets[i]!, 0));
  const order = rows.map((_, i) => i);
  order.sort((a, b) => Number(isFeasible[b]) - Number(isFeasible[a]) || sum[a]! - sum[b]!);
  return order.slice(0, CENTRES).map((i) => rows[i]!);
};
