import { createRandom } from "../../numerics/random.ts";
import {
  type Draft,
  type Hint,
  type History,
  type Levels,
  type SeededProblem,
  TrialKind,
} from "../algorithm.ts";
import { createFresh, type Fresh } from "../common/fresh.ts";
import { initialDesign } from "../common/initial-design.ts";
import { pointOf, runningPoints } from "../common/rows.ts";
import { createMaximiser, type Maximiser } from "../gp/maximise.ts";
import { type CurveModel, costOf, fitCurves } from "./curve-model.ts";
import { FULL_BRACKET, fullRunsDue, proposeFullRuns } from "./full-runs.ts";
import { lastLevel, type Observations, observe, promise } from "./observations.ts";
import { improvement, rateOf } from "./rate.ts";

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
   * Expected improvement for the resource of a full run, as a part of the distance between the best result and the median trial. Where it
   * is small, the study is not worth much more. Null before there is a model; before the best
   * trial has come to its end, and a few have; and where the best result is no better than the median trial.
   */
  readonly gain: number | null;
  /** For the next ask; null when there is nothing new. */
  readonly hint: Hint | null;
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
/** Of what a hint holds: the mode of the process's hyperparameters. */
const HINT_REVISION = 1;
/** The process is fitted anew when there are so many times as many results as when it last was. */
const GROWTH = 1.05;
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
/** Trials that must have come to their ends before a gain is known, where some run there at once, however little they promise. */
const ENDS = 4;
/** Trials before the model is used: half as many as there are parameters, within these bounds. */
const FEWEST = 4;
const MOST = 12;

/** Chooses what runs next. Pure: the same arguments give the same answer. */
export const chooseTrials = (input: ChoiceInput): Choices => {
  const chosen = byCurves(input);
  if (chosen !== null) return chosen;
  const { problem, history, count, ahead, mostStarted } = input;
  const wanted = Math.min(count + ahead, mostStarted);
  const started = initialDesign(problem, history, wanted, { algorithm: NAME, startsInMiddle: true });
  return { resumed: [], started, gain: null, hint: null };
};

/** @returns null before there is anything to model. */
const byCurves = (input: ChoiceInput): Choices | null => {
  const { problem, history, count, ahead, mostStarted, runsToTheEnd } = input;
  const { space, seed, firstNumber, isLate } = problem;
  const { levels } = history;
  const startup = Math.min(MOST, Math.max(FEWEST, Math.ceil((space.parameters.length + 1) / 2)));
  if (levels === undefined || (history.n < startup && mostStarted > 0)) return null;
  const due = runsToTheEnd ? fullRunsDue(history, levels, Math.min(count + ahead, mostStarted)) : 0;
  const full = due === 0 ? [] : proposeFullRuns(problem, history, levels, due);
  if (full.length >= count) return { resumed: [], started: full, gain: null, hint: null };
  const observations = observe(history, levels, MOST_OBSERVATIONS);
  if (observations === null) return null;
  const running = runningRows(history).slice(-MOST_RUNNING);
  const { results } = observations;
  const hint = isOurs(problem.hint) ? problem.hint : null;
  const isRecent = hint !== null && results < GROWTH * hint.trials;
  const model = fitCurves({
    ...{ space, history, levels, observations, isLate },
    known: isRecent ? hint.values : null,
    room: running.length + count + ahead,
    random: createRandom(seed, firstNumber, results),
  });
  if (model === null) return null;
  // A fit that ended early is no good start for the next asks.
  const isFitted = !isRecent && !isLate();
  for (const { x } of full) model.add(x);
  const left = { count: count - full.length, mostStarted: mostStarted - full.length };
  const chosen = byModel({ ...input, ...left, levels, observations, running, model });
  return {
    ...chosen,
    started: [...full, ...chosen.started],
    hint: isFitted ? hintOf(results, model) : null,
  };
};

const isOurs = (hint: Hint | null): hint is Hint =>
  hint?.algorithm === NAME && hint.revision === HINT_REVISION;

const hintOf = (results: number, { mode }: CurveModel): Hint => ({
  ...{ algorithm: NAME, revision: HINT_REVISION, trials: results },
  values: Array.from(mode, Math.fround),
});

interface ModelInput extends ChoiceInput {
  readonly levels: Levels;
  readonly observations: Observations;
  /** Rows of the running trials. */
  readonly running: readonly number[];
  readonly model: CurveModel;
}

const byModel = (input: ModelInput): Omit<Choices, "hint"> => {
  const { problem, history, paused, count, ahead, mostStarted, runsToTheEnd } = input;
  const { levels, observations, running, model } = input;
  const d = problem.space.parameters.length;
  const top = levels.resources.length - 1;
  const optionOf = (row: number): Option => ({ x: pointOf(history, row, d), number: row });
  // Where those that run would go on after their next result is left to gain, although the model then takes their ends as known.
  const mayGoOn = (row: number) =>
    lastLevel(levels, row) + 1 < top && history.bracket?.[row] !== FULL_BRACKET;
  const goingOn = mostGainful(model, levels, running.filter(mayGoOn).map(optionOf));
  for (const row of running) model.add(pointOf(history, row, d));
  const fresh = createFresh(problem.space, history);
  const taken = runningPoints(history, d);
  const findNew = searchOf(input, fresh, taken);
  const open = new Map(paused.map((number) => [number, optionOf(number)]));
  const resumed: number[] = [];
  const started: Draft[] = [];
  const isKnown = observations.ends >= (runsToTheEnd ? ENDS : 1) && Number.isFinite(model.share);
  let rate: number | null = null;
  while (resumed.length + started.length < count + ahead) {
    const x = started.length < mostStarted ? findNew() : null;
    const options = [...open.values(), ...(x === null ? [] : [{ x, number: null }])];
    const best = mostGainful(model, levels, options);
    if (best === null) break;
    rate ??= best.rate;
    const { x: chosen, number } = best.option;
    if (number !== null && resumed.length + started.length >= count) break;
    model.add(chosen);
    taken.push(chosen);
    if (number !== null) {
      open.delete(number);
      resumed.push(number);
    } else {
      fresh.take(chosen);
      started.push({ x: chosen, algorithm: NAME, why: "expected improvement per unit of resource" });
    }
  }
  const gain = rate === null || !isKnown ? null : Math.max(rate, goingOn?.rate ?? 0) * model.share;
  return { resumed, started, gain };
};

/** What may run next: a paused trial by its number, or a new one. */
interface Option {
  readonly x: Float64Array;
  readonly number: number | null;
}

const mostGainful = (model: CurveModel, levels: Levels, options: readonly Option[]) => {
  const { best } = model;
  const ends = model.ends(options.map(({ x }) => x));
  const bounded = options.map((option, i) => {
    const level = option.number === null ? -1 : lastLevel(levels, option.number);
    const handicap = option.number === null ? AHEAD : 1;
    // At most all of the gain for the cost of the next segment.
    const most = improvement(best, ends.mean[i]!, ends.sd[i]!) / costOf(levels, level + 1) / handicap;
    return { option, level, handicap, most };
  });
  bounded.sort((a, b) => b.most - a.most);
  let found: { option: Option; rate: number; compared: number } | null = null;
  for (const { option, level, handicap, most } of bounded) {
    if (found !== null && most <= found.compared) break;
    const rate = rateOf(best, model.curve(option.x, level));
    const compared = rate / handicap;
    if (found === null || compared > found.compared) found = { option, rate, compared };
  }
  return found;
};

/**
 * Finds one new configuration after the other, where the end promises most: in turn by chance everywhere, and near the best so far.
 * @param taken points that run or were chosen, from which the next ones keep a small distance.
 */
const searchOf = (
  { problem, history, observations, model }: ModelInput,
  fresh: Fresh,
  taken: Float64Array[],
): (() => Float64Array | null) => {
  const { space, seed, firstNumber, isLate } = problem;
  const random = createRandom(seed, firstNumber, observations.results, 1);
  const centres = bestRows(observations).map((row) => pointOf(history, row, space.parameters.length));
  const isLarge = observations.list.length > LARGE;
  const common = { space, acquisition: model.acquisition, region: null, fresh, isLate, random };
  const made = new Map<boolean, Maximiser>();
  return () => {
    const isLocal = random.integer(2) === 0;
    const maximiser =
      made.get(isLocal) ?? createMaximiser({ ...common, centres, running: taken, isLocal, isLarge });
    made.set(isLocal, maximiser);
    return maximiser.find();
  };
};

const runningRows = ({ n, kind }: History): number[] =>
  Array.from({ length: n }, (_, row) => row).filter((row) => kind[row] === TrialKind.running);

/** Rows of the trials that look best. */
const bestRows = ({ list, excess }: Observations): number[] => {
  const ordered = [...list].sort((a, b) => promise(a, excess) - promise(b, excess));
  return [...new Set(ordered.map(({ row }) => row))].slice(0, CENTRES);
};
