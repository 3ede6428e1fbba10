import { normalQuantile } from "../../numerics/normal.ts";
import { createRandom, type Random } from "../../numerics/random.ts";
import { coordinateOf, indexOf } from "../../space/axis.ts";
import { isAllowed } from "../../space/constraints.ts";
import { snap } from "../../space/cube.ts";
import { repair } from "../../space/repair.ts";
import { fromPriorQuantiles } from "../../space/sample.ts";
import type { Parameter, Space } from "../../space/space.ts";
import { type Algorithm, answer, type History, type Proposal, type SeededProblem } from "../algorithm.ts";
import { createFresh } from "../fresh.ts";
import { bestFirst, endedRows } from "../ranking.ts";
import { createStrategy, learn, place, populationOf, type Strategy, spreads } from "./strategy.ts";

/** The first step size, as a part of each axis. */
const SIGMA = 0.25;
/** A run ends when all spreads are below this, or its best has not improved for so long (in generations). */
const NARROW = 1e-7;
const stagnation = (d: number, lambda: number) => 20 + Math.ceil((30 * d) / lambda);
/** How fast the choices' probabilities follow the better half of a generation. */
const CHOICE_RATE = 0.2;
/** Draws until a point lies within the bounds; then it is moved onto them. */
const DRAWS = 20;

/**
 * CMA-ES with restarts of doubled populations (IPOP; Auger and Hansen 2005). Its state is replayed from the history: the
 * ended trials, in order of their numbers and whoever proposed them, make up one generation after the other, so that
 * asks at any time and tells in any order are fine. Categorical parameters have probabilities of their own that follow
 * the better half (as in CatCMA, Hamano et al. 2024); a parameter with steps keeps a margin of probability
 * for its neighbouring values (Hamano et al. 2022).
 * Cost of an ask: O(n d^2) for the replay, with an eigendecomposition every few generations.
 */
export const cmaEs: Algorithm = {
  name: "cma-es",
  revision: 1,
  propose: (problem, history, count, random) => {
    const { space } = problem;
    const state = replay(problem, history);
    const fresh = createFresh(space, history);
    const proposals: Proposal[] = [];
    const why =
      state.run === 0
        ? `generation ${state.generation}`
        : `restart ${state.run}, generation ${state.generation}`;
    for (let tries = 0; proposals.length < count && tries < DRAWS * count; tries++) {
      const isFirst = problem.firstNumber === 0 && tries === 0;
      const x = isFirst ? middle(space) : draw(space, state, random);
      if (!fresh.accepts(x)) continue;
      fresh.take(x);
      proposals.push({ x, algorithm: "cma-es", why });
    }
    return answer(proposals);
  },
};

/** The distribution as far as it has been learned. */
interface State {
  readonly numeric: readonly Parameter[];
  readonly categorical: readonly Parameter[];
  strategy: Strategy;
  /** Probabilities of each categorical parameter's choices. */
  probabilities: Float64Array[];
  /** Restarts so far, and generations of this run. */
  run: number;
  generation: number;
}

const middle = (space: Space): Float64Array =>
  fromPriorQuantiles(
    space,
    space.parameters.map(() => 0.5),
  );

const replay = (problem: SeededProblem, history: History): State => {
  const { space, seed, objectives } = problem;
  const d = space.parameters.length;
  const numeric = space.parameters.filter(({ kind, size }) => kind !== "categorical" && size > 1);
  const categorical = space.parameters.filter(({ kind, size }) => kind === "categorical" && size > 1);
  const population = optionOr(problem, "population", Math.max(4, populationOf(numeric.length)));
  const begin = (run: number): State => {
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
    };
  };
  let state = begin(0);
  let best = Infinity;
  let idle = 0;
  const rows = endedRows(history);
  for (let from = 0; from + state.strategy.constants.lambda <= rows.length; ) {
    const { lambda } = state.strategy.constants;
    const generation = bestFirst(history, rows.slice(from, from + lambda), objectives);
    from += lambda;
    const points = generation.map((row) =>
      Float64Array.from(numeric, ({ index }, i) => {
        const u = history.x[row * d + index]!;
        return Number.isNaN(u) ? state.strategy.mean[i]! : u;
      }),
    );
    learn(state.strategy, points);
    follow(state, history, generation, d);
    state.generation++;
    const value = history.y[generation[0]! * objectives]!;
    idle = value < best ? 0 : idle + 1;
    best = Math.min(best, value);
    const isNarrow = numeric.length > 0 && spreads(state.strategy).every((s) => s < NARROW);
    if (isNarrow || idle > stagnation(d, lambda) || !Number.isFinite(state.strategy.sigma)) {
      state = begin(state.run + 1);
      best = Infinity;
      idle = 0;
    }
  }
  return state;
};

const optionOr = ({ options }: SeededProblem, name: string, fallback: number): number =>
  typeof options[name] === "number" ? options[name] : fallback;

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

const draw = (space: Space, state: State, random: Random): Float64Array => {
  const { strategy, numeric, categorical } = state;
  const { d, lambda } = strategy.constants;
  const spread = spreads(strategy);
  let point = new Float64Array(d);
  for (let tries = 0; tries < DRAWS; tries++) {
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
