import { normalQuantile } from "../../numerics/normal.ts";
import { createRandom, type Random } from "../../numerics/random.ts";
import { coordinateOf, indexOf } from "../../space/axis.ts";
import { isAllowed } from "../../space/constraints.ts";
import { snap } from "../../space/cube.ts";
import { repair } from "../../space/repair.ts";
import { fromPriorQuantiles } from "../../space/sample.ts";
import type { Parameter, Space } from "../../space/space.ts";
import {
  type Algorithm,
  type Draft,
  type Hint,
  type History,
  type OptionsOf,
  type SeededProblem,
  TrialKind,
} from "../algorithm.ts";
import { createFresh } from "../common/fresh.ts";
import { middleOf } from "../common/initial-design.ts";
import { Population } from "../common/options.ts";
import { bestFirst } from "../common/ranking.ts";
import { endedRows } from "../common/rows.ts";
import { digestOf, packed, symmetricOf, triangleOf, unpacked } from "./checkpoint.ts";
import {
  createStrategy,
  isWhole,
  learn,
  patienceOf,
  place,
  populationOf,
  restore,
  type Strategy,
  spreads,
} from "./strategy.ts";

const REVISION = 2;

const options = { population: Population.optional() };
type Options = OptionsOf<typeof options>;

/** The first step size, as a part of each axis. */
const SIGMA = 0.25;
/** A run ends when all standard deviations are below this, or for one of the reasons in `isStuck`. */
const NARROW = 1e-7;
/** Values that differ by less, as a part of their size, are the same. */
const FLAT = 1e-12;
/** How fast the choices' probabilities follow the better half of a generation. */
const CHOICE_RATE = 0.2;
/** The state is kept as a hint after so many trials, and again whenever their number has grown by this factor. */
const WORTH_KEEPING = 500;
const GROWTH = 1.25;
/** Draws at most until a point lies within the bounds; the last one is moved onto them. */
const DRAWS = 20;

/**
 * CMA-ES with restarts of doubled populations (IPOP; Auger and Hansen 2005). Its state is replayed from the history: the
 * ended trials, in order of their numbers and whoever proposed them, form one generation after the other, so that
 * asks may come at any time and tells in any order. Categorical parameters have their own probabilities, which follow
 * the better half (as in CatCMA, Hamano et al. 2024); a parameter with steps keeps a margin of probability
 * for its neighbouring values (Hamano et al. 2022).
 * Cost of an ask: O(n d^2) for the replay, with an eigendecomposition every few generations; with a hint that
 * has the state after most of the trials, only for the others. A replay whose time is up draws from what it has learned by
 * then, and returns a hint from which the next one continues.
 */
export const cmaEs: Algorithm<typeof options> = {
  name: "cma-es",
  revision: REVISION,
  options,
  propose: (problem, history, count, random) => {
    const { space, isLate } = problem;
    const { state, hint } = replay(problem, history);
    const fresh = createFresh(space, history);
    const proposals: Draft[] = [];
    const why =
      state.run === 0
        ? `generation ${state.generation}`
        : `restart ${state.run}, generation ${state.generation}`;
    for (let tries = 0; proposals.length < count && tries < DRAWS * count; tries++) {
      const isHurried = isLate();
      if (isHurried && tries >= count) break;
      const isFirst = problem.firstNumber === 0 && tries === 0;
      const x = isFirst ? middleOf(space) : draw(space, state, isHurried ? 1 : DRAWS, random);
      if (!fresh.accepts(x)) continue;
      fresh.take(x);
      proposals.push({ x, algorithm: "cma-es", why });
    }
    return { proposals, hint };
  },
};

/** The distribution as learned so far. */
interface State {
  readonly numeric: readonly Parameter[];
  readonly categorical: readonly Parameter[];
  strategy: Strategy;
  /** Probabilities of each categorical parameter's choices. */
  probabilities: Float64Array[];
  /** Restarts so far, and generations of this run. */
  run: number;
  generation: number;
  /** The least and the middle value of each generation of this run. */
  least: number[];
  middle: number[];
}

/** A state at the beginning of a run. */
type Begin = (run: number) => State;

const beginnings = (problem: SeededProblem<Options>): Begin => {
  const { space, seed } = problem;
  const numeric = space.parameters.filter(({ kind, size }) => kind !== "categorical" && size > 1);
  const categorical = space.parameters.filter(({ kind, size }) => kind === "categorical" && size > 1);
  const { population = Math.max(4, populationOf(numeric.length)) } = problem.options;
  return (run) => {
    const start = run === 0 ? null : createRandom(seed, run, 0x636d61);
    const centre = fromPriorQuantiles(
      space,
      space.parameters.map(() => start?.uniform() ?? 0.5),
    );
    const mean = Float64Array.from(numeric, ({ index }) =>
      Number.isNaN(centre[index]!) ? 0.5 : centre[index]!,
    );
    return {
      numeric,
      categorical,
      strategy: createStrategy(mean, SIGMA, population * 2 ** Math.min(run, 9)),
      probabilities: categorical.map((parameter) =>
        parameter.kind === "categorical" ? Float64Array.from(parameter.weights) : new Float64Array(0),
      ),
      run,
      generation: 0,
      least: [],
      middle: [],
    };
  };
};

/** The state after all trials that have ended, or as many as there is time for, and a hint if it is worth keeping. */
const replay = (problem: SeededProblem<Options>, history: History): { state: State; hint: Hint | null } => {
  const { space, objectives, isLate } = problem;
  const d = space.parameters.length;
  const begin = beginnings(problem);
  const rows = endedRows(history);
  const known = resume(problem, history, rows, begin);
  let { state, from } = known ?? { state: begin(0), from: 0 };
  // A trial that still runs will come between those that have ended: the order of those before it is final.
  const open = history.kind.indexOf(TrialKind.running);
  const settled = open < 0 ? rows.length : open;
  const begun = from;
  const worthKeeping = Math.max(WORTH_KEEPING, GROWTH * begun);
  let hint: Hint | null = null;
  while (from + state.strategy.constants.lambda <= rows.length) {
    // A hint needs axes that are up to date with the covariance, which they are every few generations.
    if (isWhole(state.strategy) && isLate()) {
      if (from > begun && from <= settled) hint = hintOf(state, history, rows, from);
      break;
    }
    const { lambda } = state.strategy.constants;
    const generation = bestFirst(history, rows.slice(from, from + lambda), objectives);
    from += lambda;
    const { numeric, strategy } = state;
    const points = generation.map((row) =>
      Float64Array.from(numeric, ({ index }, i) => {
        const u = history.x[row * d + index]!;
        return Number.isNaN(u) ? strategy.mean[i]! : u;
      }),
    );
    learn(strategy, points);
    follow(state, history, generation, d);
    state.generation++;
    note(state, history, generation, objectives);
    const isNarrow = numeric.length > 0 && spreads(strategy).every((s) => s < NARROW);
    if (isNarrow || isStuck(state, d) || !Number.isFinite(strategy.sigma)) state = begin(state.run + 1);
    const { constants } = state.strategy;
    const isLast = from + (Math.floor(patienceOf(constants)) + 1) * constants.lambda > settled;
    if (isLast && isWhole(state.strategy) && from >= worthKeeping && from <= settled) {
      hint = hintOf(state, history, rows, from);
    }
  }
  return { state, hint };
};

/** Records the best and the median value of a generation. */
const note = (state: State, history: History, generation: readonly number[], objectives: number): void => {
  const value = (rank: number) => {
    const row = generation[rank]!;
    const y = history.kind[row] === TrialKind.failed ? Number.NaN : history.y[row * objectives]!;
    return Number.isNaN(y) ? Infinity : y;
  };
  state.least.push(value(0));
  state.middle.push(value(generation.length >> 1));
};

/**
 * Whether a run makes no progress: the best values of some generations are all equal, or over a long window neither the best
 * nor the median values decreased, compared by medians because of noise. Source: tutorial, section B.3.
 */
const isStuck = ({ least, middle, generation, strategy }: State, d: number): boolean => {
  const some = Math.ceil((30 * d) / strategy.constants.lambda);
  const recent = least.slice(-(10 + some));
  const low = Math.min(...recent);
  const high = Math.max(...recent);
  if (generation >= 10 + some && (high === low || high - low <= FLAT * Math.abs(low))) return true;
  if (generation % 10 !== 0) return false; // sorting takes longer than learning
  const window = Math.max(120 + some, Math.floor(generation / 5));
  return generation >= window && [least, middle].every((values) => isNoBetter(values.slice(-window)));
};

/** Whether the median of the last three tenths is no lower than that of the first. */
const isNoBetter = (values: readonly number[]): boolean => {
  const part = Math.floor(0.3 * values.length);
  return medianOf(values.slice(-part)) >= medianOf(values.slice(0, part));
};

const medianOf = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1]!;

const hintOf = (state: State, history: History, rows: readonly number[], from: number): Hint => {
  const { strategy, probabilities, run, generation } = state;
  const { mean, sigma, covariance, pathSigma, pathC, constants } = strategy;
  return {
    algorithm: "cma-es",
    revision: REVISION,
    trials: from,
    values: [
      digestOf(numbersOf(history, rows, from)),
      ...packed([run, generation, sigma]),
      ...packed([...mean, ...pathSigma, ...pathC, ...triangleOf(covariance, constants.d)]),
      ...packed(probabilities.flatMap((choices) => [...choices])),
    ],
  };
};

const numbersOf = (history: History, rows: readonly number[], count: number): number[] =>
  rows.slice(0, count).map((row) => history.number[row]!);

/** The state that a hint holds, if it was made of the same trials; null otherwise. */
const resume = (
  { hint, objectives }: SeededProblem,
  history: History,
  rows: readonly number[],
  begin: Begin,
): { state: State; from: number } | null => {
  if (hint?.algorithm !== "cma-es" || hint.revision !== REVISION || hint.trials > rows.length) return null;
  const [digest, ...pairs] = hint.values;
  if (digest !== digestOf(numbersOf(history, rows, hint.trials))) return null;
  const values = unpacked(pairs);
  const take = (count: number): number[] => values.splice(0, count);
  const [run = 0, generation = 0, sigma = 0] = take(3);
  const fresh = begin(run);
  const { d, lambda } = fresh.strategy.constants;
  const choices = fresh.probabilities.reduce((sum, { length }) => sum + length, 0);
  if (values.length !== 3 * d + (d * (d + 1)) / 2 + choices) return null;
  const [mean, pathSigma, pathC] = [take(d), take(d), take(d)];
  const covariance = symmetricOf(take((d * (d + 1)) / 2), d);
  const strategy = restore(fresh.strategy, { mean, sigma, covariance, pathSigma, pathC, generation });
  const probabilities = fresh.probabilities.map(({ length }) => Float64Array.from(take(length)));
  const state: State = { ...fresh, strategy, probabilities, generation };
  for (let from = hint.trials - generation * lambda; from < hint.trials; from += lambda) {
    note(state, history, bestFirst(history, rows.slice(from, from + lambda), objectives), objectives);
  }
  return { state, from: hint.trials };
};

/** Moves the choices' probabilities towards those of the better half, weighted like the mean. */
const follow = (state: State, history: History, generation: readonly number[], d: number): void => {
  const { mu, weights } = state.strategy.constants;
  state.probabilities = state.categorical.map((parameter, c) => {
    const old = state.probabilities[c]!;
    const share = new Float64Array(old.length);
    let total = 0;
    for (const [i, row] of generation.slice(0, mu).entries()) {
      const u = history.x[row * d + parameter.index]!;
      if (Number.isNaN(u)) continue;
      share[indexOf(parameter, u)]! += weights[i]!;
      total += weights[i]!;
    }
    if (total === 0) return old;
    const floor = 1 / (2 * old.length * (state.categorical.length + 1));
    const next = old.map((p, k) =>
      Math.max(floor, (1 - CHOICE_RATE) * p + (CHOICE_RATE * share[k]!) / total),
    );
    const sum = next.reduce((a, b) => a + b, 0);
    return next.map((p) => p / sum);
  });
};

/** @param most draws until a point lies within the bounds. */
const draw = (space: Space, state: State, most: number, random: Random): Float64Array => {
  const { strategy, numeric, categorical } = state;
  const { d, lambda } = strategy.constants;
  const spread = spreads(strategy);
  let point = new Float64Array(d);
  for (let tries = 0; tries < most; tries++) {
    const z = Float64Array.from({ length: d }, () => random.normal());
    point = Float64Array.from(place(strategy, z));
    if (point.every((u) => u >= 0 && u <= 1)) break;
  }
  const x = new Float64Array(space.parameters.length).fill(0.5);
  for (const [i, parameter] of numeric.entries()) {
    const margin = marginOf(parameter, strategy.mean[i]!, spread[i]!, d * lambda);
    x[parameter.index] = Math.min(1, Math.max(0, point[i]! + margin * random.normal()));
  }
  for (const [c, parameter] of categorical.entries()) {
    x[parameter.index] = coordinateOf(parameter, pickBy(state.probabilities[c]!, random));
  }
  const snapped = snap(space, x);
  return isAllowed(space, snapped) ? snapped : (repair(space, snapped, random) ?? snapped);
};

/** What must be added to a spread so that a parameter with steps leaves its mean's cell once in `rarely` draws. */
const marginOf = (parameter: Parameter, mean: number, spread: number, rarely: number): number => {
  if (parameter.size === Infinity) return 0;
  const k = indexOf(parameter, mean);
  const neighbour = coordinateOf(
    parameter,
    k > 0 && (mean < coordinateOf(parameter, k) || k === parameter.size - 1) ? k - 1 : k + 1,
  );
  const edge = (coordinateOf(parameter, k) + neighbour) / 2;
  const needed = Math.abs(edge - mean) / normalQuantile(1 - 1 / Math.max(4, rarely));
  return Math.sqrt(Math.max(0, needed * needed - spread * spread));
};

const pickBy = (probabilities: Float64Array, random: Random): number => {
  let u = random.uniform();
  for (let k = 0; k + 1 < probabilities.length; k++) {
    u -= probabilities[k]!;
    if (u < 0) return k;
  }
  return probabilities.length - 1;
};
