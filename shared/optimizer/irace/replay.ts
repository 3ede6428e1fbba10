import { createRandom, type Random } from "../../numerics/random.ts";
import type { FirstRace, History, Problem, SeededProblem } from "../algorithm.ts";
import { createFresh } from "../common/fresh.ts";
import { selectRows } from "../common/select-rows.ts";
import type { RaceTest } from "./elimination.ts";
import { firstModel, type Model, narrowed } from "./model.ts";
import { type Entrant, type Race, replayRace } from "./race.ts";
import { type Configuration, type Results, resultsOf } from "./results.ts";
import { type Elite, firstSamples, laterSamples, type Sample } from "./sampling.ts";
import { entrantsOf, type Sizes, sizesOf } from "./sizes.ts";

/**
 * All races of a study, replayed from its trials: nothing but the trials is stored, and which race each was run for. Budgets and sizes
 * of races that are past are read off their trials, so a study whose budget is raised goes on where it was.
 */

/** What the client may set. */
export interface Settings {
  readonly firstTest: number;
  /** Whether the order of instances is drawn. */
  readonly shuffle: boolean;
  readonly test: RaceTest;
  readonly level: number;
}

/** A race of the study. */
export interface StudyRace extends Race {
  readonly iteration: number;
  /** The configurations that it began with from earlier races. */
  readonly elites: readonly number[];
  /** The last race: the best of each race once more, on what is left of the budget. */
  readonly isFinal: boolean;
  /** New configurations of which there is no trial yet, by -1 - entrant. */
  readonly samples: readonly Sample[];
}

export interface Replay {
  readonly races: readonly StudyRace[];
  /** Nothing is left to run, now or later. */
  readonly isOver: boolean;
}

/** The number of the first race. */
const FIRST = 1;

/** How many new instances a race takes before those that its elites were run on. */
const NEW_FIRST = 1;

interface Progress {
  readonly problem: SeededProblem;
  readonly history: History;
  readonly results: Results;
  readonly sizes: Sizes;
  readonly settings: Settings;
  /** Instances that earlier races have been on, in their order. */
  seen: readonly number[];
  /** Runs of earlier races. */
  used: number;
  /** Best first. */
  elites: readonly number[];
  /** The best of each race so far. */
  readonly winners: number[];
  readonly models: Map<number, Model>;
}

export const replay = (problem: SeededProblem, history: History, settings: Settings): Replay => {
  const results = resultsOf(history);
  const progress: Progress = {
    problem,
    history,
    results,
    settings,
    sizes: sizesOf(problem.space),
    seen: [],
    used: 0,
    elites: [],
    winners: [],
    models: new Map(),
  };
  const races: StudyRace[] = [];
  for (let iteration = FIRST; ; iteration++) {
    const race = nextRace(progress, iteration);
    if (race.steps.length > 0) races.push(race);
    if (!race.isOver) return { races, isOver: false };
    const isLast = results.used.length - 1 <= iteration;
    // A race that had nothing to run leaves all as it was: so would the next one.
    if (race.isFinal && isLast) return { races, isOver: true };
    conclude(progress, race);
  }
};

const begunIn = ({ results }: Progress, iteration: number): number[] =>
  [...results.configurations].flatMap(([number, one]) => (one.iteration === iteration ? [number] : []));

const nextRace = (progress: Progress, iteration: number): StudyRace => {
  const { problem, results, sizes, settings, elites, seen } = progress;
  const runs = problem.runs ?? 1;
  const begun = begunIn(progress, iteration);
  const isPast = results.used.length - 1 > iteration;
  const left = problem.budget.trials - progress.used;
  const planned = Math.max(sizes.races, iteration);
  const budget = Math.floor(left / (planned - iteration + 1));
  const fresh = iteration === FIRST ? 0 : Math.min(NEW_FIRST, runs - seen.length);
  const size = entrantsOf({
    iteration,
    budget,
    elites: elites.length,
    old: seen.length,
    fresh,
    firstTest: settings.firstTest,
  });
  const hasBegun = (results.used[iteration] ?? 0) > 0;
  const isFinal = hasBegun ? begun.length === 0 : size <= Math.max(sizes.survivors, elites.length);
  if (isFinal) return finalRace(progress, iteration, left, isPast);
  const count = isPast ? begun.length : Math.max(begun.length, size - elites.length);
  const samples = samplesFor(progress, iteration, count, begun);
  const news: Entrant[] = Array.from(
    { length: Math.max(begun.length, Math.min(count, samples.length)) },
    (_, k) => begun[k] ?? -1 - k,
  );
  for (const [k, number] of begun.entries()) {
    progress.models.set(number, samples[k]?.model ?? firstModel(problem.space));
  }
  const others = unseen(progress);
  const order = [
    ...others.slice(0, fresh),
    ...shuffled(seen, createRandom(problem.seed, iteration, seen.length)),
    ...others.slice(fresh),
  ];
  const race = replayRace(
    {
      ...settings,
      iteration,
      isPast,
      entrants: [...elites, ...news],
      elites,
      order,
      budget,
      survivors: sizes.survivors,
      goesOn: false,
    },
    results,
  );
  // Nothing new is left in the space, or the first instance does not fit the budget.
  if (news.length === 0 || race.steps.length === 0) return finalRace(progress, iteration, left, isPast);
  return { ...race, iteration, elites, isFinal: false, samples };
};

/** The best of each race and the last elites, on all instances and as long as the budget lasts. */
const finalRace = (progress: Progress, iteration: number, budget: number, isPast: boolean): StudyRace => {
  const { results, settings, elites, winners, seen } = progress;
  const entrants = [...new Set([...elites, ...winners])];
  const order = [...seen, ...unseen(progress)];
  const plan = {
    ...settings,
    iteration,
    isPast,
    entrants,
    elites: [],
    order,
    budget,
    survivors: 1,
    goesOn: true,
  };
  return { ...replayRace(plan, results), iteration, elites: entrants, isFinal: true, samples: [] };
};

/** Instances that no race has been on, in the order in which races take them. */
const unseen = ({ problem, settings, seen }: Progress): number[] => {
  const known = new Set(seen);
  return orderOf(problem, settings, problem.seed).filter((k) => !known.has(k));
};

/** All instances in the order in which races take them: each once, then each with another seed. */
const orderOf = ({ runs = 1, instances = runs }: Problem, { shuffle }: Settings, seed: number): number[] => {
  const passes = Array.from({ length: Math.ceil(runs / instances) }, (_, pass) => {
    const all = Array.from({ length: instances }, (_, i) => pass * instances + i);
    return shuffle ? shuffled(all, createRandom(seed, BEFORE_RACES, pass)) : all;
  });
  return passes.flat();
};

/** How the first race begins. */
export const firstRaceOf = (problem: Problem, settings: Settings, seed: number): FirstRace => {
  const budget = Math.floor(problem.budget.trials / sizesOf(problem.space).races);
  const { firstTest } = settings;
  return {
    entrants: entrantsOf({ iteration: FIRST, budget, elites: 0, old: 0, fresh: 0, firstTest }),
    instance: orderOf(problem, settings, seed)[0] ?? 0,
    iteration: FIRST,
  };
};

/** In place of a race, whose numbers begin at 1: names the streams that order all instances. */
const BEFORE_RACES = 0;

const shuffled = (numbers: readonly number[], random: Random): number[] => {
  const order = [...numbers];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
};

/** The new configurations of a race, those that have begun included; and the elites' models are updated for it. */
const samplesFor = (
  progress: Progress,
  iteration: number,
  count: number,
  begun: readonly number[],
): Sample[] => {
  const { problem, history, results, sizes, models } = progress;
  const { space } = problem;
  const earlier = [...results.configurations.values()].filter((one) => one.iteration < iteration);
  const fresh = createFresh(
    space,
    selectRows(
      history,
      earlier.map(({ row }) => row),
    ),
  );
  if (progress.elites.length === 0) {
    const points = begun.map((number) => pointOf(progress, results.configurations.get(number)));
    return firstSamples(problem, points, count, firstModel(space), fresh);
  }
  const stage = {
    iteration,
    races: Math.max(sizes.races, iteration),
    count,
    parameters: sizes.parameters,
  };
  const elites = progress.elites.map((number): Elite => {
    const x = pointOf(progress, results.configurations.get(number));
    const model = narrowed(space, models.get(number) ?? firstModel(space), x, stage);
    models.set(number, model);
    return { number, x, model };
  });
  return laterSamples(problem, elites, stage, fresh);
};

const pointOf = ({ problem, history }: Progress, configuration: Configuration | undefined): Float64Array => {
  const d = problem.space.parameters.length;
  const row = configuration?.row ?? 0;
  return history.x.slice(row * d, (row + 1) * d);
};

/** What a race that is over leaves to the next one. */
const conclude = (progress: Progress, race: StudyRace): void => {
  progress.used += progress.results.used[race.iteration] ?? 0;
  if (race.steps.length === 0) return;
  progress.elites = race.ranking.slice(0, progress.sizes.survivors);
  const [winner] = progress.elites;
  if (winner !== undefined) progress.winners.push(winner);
  const known = new Set(progress.seen);
  progress.seen = [
    ...progress.seen,
    ...race.steps.map(({ instance }) => instance).filter((one) => !known.has(one)),
  ];
};
