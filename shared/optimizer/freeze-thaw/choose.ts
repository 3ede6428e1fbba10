import { createRandom } from "../../numerics/random.ts";
import { type Draft, type History, type Levels, type SeededProblem, TrialKind } from "../algorithm.ts";
import { createFresh } from "../common/fresh.ts";
import { initialDesign } from "../common/initial-design.ts";
import { pointOf, runningPoints } from "../common/rows.ts";
import { createMaximiser } from "../gp/maximise.ts";
import { type CurveModel, fitCurves } from "./curve-model.ts";
import { fullRunsDue, proposeFullRuns } from "./full-runs.ts";
import { lastLevel, type Observations, observe, promise } from "./observations.ts";
import { gainAtEnd, rateOf } from "./rate.ts";

/**
 * Freeze-thaw Bayesian optimisation (Swersky et al. 2014): each ask goes on with a paused trial to its next level, or begins a
 * new one, whichever gains most per unit of resource (`rate.ts`). Where that was first done with a process a curve, here one
 * process over configuration and step models all curves, as in DyHPO (Wistuba et al. 2022).
 */

export interface Choices {
  /** Numbers of the paused trials that go on, the most gainful first. */
  readonly resumed: readonly number[];
  /** New trials to begin, the most gainful first: after those that are wanted now, those for the asks to come. */
  readonly started: readonly Draft[];
  /**
   * Expected improvement for the resource of a full run, as a part of the distance between the best result and the median trial; null before
   * there is a model. Where it is small, the study is not worth much more.
   */
  readonly gain: number | null;
}

export interface ChoiceInput {
  readonly problem: SeededProblem;
  /** All trials that exist, of one objective. */
  readonly history: History;
  /** Numbers of the paused trials of which some may go on. */
  readonly paused: readonly number[];
  /** How many trials are wanted, resumed and new ones together. */
  readonly count: number;
  /** How many more are chosen for the asks to come, as long as new ones gain most. */
  readonly ahead: number;
  /** How many of all may be new. */
  readonly mostStarted: number;
  /** Whether some of the new ones run to the end: not where another algorithm says which configurations are new. */
  readonly runsToTheEnd: boolean;
}

const NAME = "freeze-thaw";
/** Observations that the process is fitted to at most. */
const MOST_OBSERVATIONS = 140;
/** Running trials that the process knows of at most, the latest ones. */
const MOST_RUNNING = 64;
/** From so many observations on, evaluating the process is expensive. */
const LARGE = 100;
/** Good trials around which better ones are searched for. */
const CENTRES = 5;
/**
 * A new trial begins if it gains so many times as much per unit of resource as one that waits. The search for new ones always finds a
 * point that promises a little more than those that were begun for the same promise, and without this none of them would go on.
 */
const AHEAD = 1.1;
/** Trials before the model is used: half as many as there are parameters, within these bounds. */
const FEWEST = 4;
const MOST = 12;

/** Chooses what runs next. Pure: the same arguments give the same answer. */
export const chooseTrials = (input: ChoiceInput): Choices => {
  const { problem, history, count, ahead, mostStarted, runsToTheEnd } = input;
  const { levels } = history;
  const startup = Math.min(MOST, Math.max(FEWEST, Math.ceil((problem.space.parameters.length + 1) / 2)));
  const isEarly = history.n < startup && mostStarted > 0;
  if (levels !== undefined && !isEarly) {
    const due = runsToTheEnd ? fullRunsDue(history, levels, Math.min(count + ahead, mostStarted)) : 0;
    const full = due === 0 ? [] : proposeFullRuns(problem, history, levels, due);
    if (full.length >= count) return { resumed: [], started: full, gain: null };
    const observations = observe(history, levels, MOST_OBSERVATIONS);
    const running = runningRows(history).slice(-MOST_RUNNING);
    const { space, seed, firstNumber, isLate } = problem;
    const model =
      observations === null
        ? null
        : fitCurves({
            ...{ space, history, levels, observations, isLate },
            room: running.length + count + ahead,
            random: createRandom(seed, firstNumber, observations.list.length),
          });
    if (observations !== null && model !== null) {
      for (const { x } of full) model.add(x);
      const left = { count: count - full.length, mostStarted: mostStarted - full.length };
      const chosen = byModel({ ...input, ...left, levels, observations, running, model });
      return { ...chosen, started: [...full, ...chosen.started] };
    }
  }
  const wanted = Math.min(count + ahead, mostStarted);
  const started = initialDesign(problem, history, wanted, { algorithm: NAME, startsInMiddle: true });
  return { resumed: [], started, gain: null };
};

interface ModelInput extends ChoiceInput {
  readonly levels: Levels;
  readonly observations: Observations;
  /** Rows of the running trials. */
  readonly running: readonly number[];
  readonly model: CurveModel;
}

const byModel = (input: ModelInput): Choices => {
  const { problem, history, paused, count, ahead, mostStarted, levels, running, model } = input;
  const d = problem.space.parameters.length;
  for (const row of running) model.add(pointOf(history, row, d));
  const findNew = searcherOf(input);
  const open = new Map(paused.map((number) => [number, { x: pointOf(history, number, d), number }]));
  const resumed: number[] = [];
  const started: Draft[] = [];
  let gain: number | null = null;
  while (resumed.length + started.length < count + ahead) {
    const x = started.length < mostStarted ? findNew() : null;
    const options = [...open.values(), ...(x === null ? [] : [{ x, number: null }])];
    const best = mostGainful(model, levels, options);
    if (best === null) break;
    gain ??= best.rate * model.share;
    const { x: chosen, number } = best.option;
    if (number !== null && resumed.length + started.length >= count) break;
    model.add(chosen);
    if (number !== null) {
      open.delete(number);
      resumed.push(number);
    } else {
      started.push({ x: chosen, algorithm: NAME, why: "expected improvement per unit of resource" });
    }
  }
  return { resumed, started, gain };
};

/** What may run next: a paused trial by its number, or a new one. */
interface Option {
  readonly x: Float64Array;
  readonly number: number | null;
}

const mostGainful = (model: CurveModel, levels: Levels, options: readonly Option[]) => {
  const { best } = model;
  const bounded = options.map((option) => {
    const curve = model.curve(option.x, option.number === null ? -1 : lastLevel(levels, option.number));
    const handicap = option.number === null ? AHEAD : 1;
    // At most all of the gain for the cost of the next segment.
    return { option, curve, handicap, most: gainAtEnd(best, curve) / curve.costs[0]! / handicap };
  });
  bounded.sort((a, b) => b.most - a.most);
  let found: { option: Option; rate: number; compared: number } | null = null;
  for (const { option, curve, handicap, most } of bounded) {
    if (found !== null && most <= found.compared) break;
    const rate = rateOf(best, curve);
    const compared = rate / handicap;
    if (found === null || compared > found.compared) found = { option, rate, compared };
  }
  return found;
};

/** Finds one new configuration after the other, where the end promises most; every other one near the best so far. */
const searcherOf = ({ problem, history, observations, model }: ModelInput): (() => Float64Array | null) => {
  const { space, seed, firstNumber, isLate } = problem;
  const d = space.parameters.length;
  const random = createRandom(seed, firstNumber, observations.list.length, 1);
  const fresh = createFresh(space, history);
  const running = runningPoints(history, d);
  const centres = bestRows(observations).map((row) => pointOf(history, row, d));
  const isLarge = observations.list.length > LARGE;
  const common = { space, acquisition: model.acquisition, centres, region: null, isLarge, fresh, isLate };
  return () => {
    const isLocal = random.integer(2) === 0;
    const x = createMaximiser({ ...common, running, isLocal, random }).find();
    if (x !== null) fresh.take(x);
    return x;
  };
};

const runningRows = ({ n, kind }: History): number[] =>
  Array.from({ length: n }, (_, row) => row).filter((row) => kind[row] === TrialKind.running);

/** Rows of the trials that look best. */
const bestRows = ({ list, excess }: Observations): number[] => {
  const ordered = [...list].sort((a, b) => promise(a, excess) - promise(b, excess));
  return [...new Set(ordered.map(({ row }) => row))].slice(0, CENTRES);
};
