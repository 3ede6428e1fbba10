import type { Random } from "../../numerics/random.ts";
import type { Draft, History, OptionsOf, Problem, SeededProblem } from "../algorithm.ts";
import { createFresh } from "../common/fresh.ts";
import { sobolPointOf } from "../common/initial-design.ts";
import { Population } from "../common/options.ts";
import { bestOf } from "../common/ranking.ts";
import { endedRows, pointOf } from "../common/rows.ts";
import { childOf } from "./variation.ts";

/** What evolution and NSGA-II have in common: a population that does not wait for a generation to be complete. */

export const options = { population: Population.optional() };

const POPULATION = 100;
/** A population is at most this part of the trial budget, so that it can evolve; with a small budget a larger part. */
const SHARE = 1 / 10;
const SMALLEST = 20;
const LARGEST_SHARE = 1 / 3;
/** Children drawn until one is new. */
const TRIES = 20;

/** The default population. */
const populationOf = ({ budget }: Problem): number =>
  Math.ceil(
    Math.max(Math.min(SMALLEST, LARGEST_SHARE * budget.trials), Math.min(POPULATION, SHARE * budget.trials)),
  );

/** What differs between the algorithms that evolve a population. */
interface Variant {
  readonly algorithm: string;
  /** Trials of which the best becomes a parent. */
  readonly tournament: number;
}

/** Space-filling trials for the first population, then children of parents that won a tournament. */
export const evolve = (
  problem: SeededProblem<OptionsOf<typeof options>>,
  history: History,
  count: number,
  random: Random,
  { algorithm, tournament }: Variant,
): Draft[] => {
  const { space, objectives, firstNumber, isLate } = problem;
  const d = space.parameters.length;
  const { population: size = populationOf(problem) } = problem.options;
  const fresh = createFresh(space, history);
  const proposals: Draft[] = [];
  const survivors = bestOf(history, endedRows(history), { objectives, most: size, isLate });
  const parent = () => {
    let best = survivors.length;
    for (let i = 0; i < tournament; i++) best = Math.min(best, random.integer(survivors.length));
    return pointOf(history, survivors[best]!, d);
  };
  // Duplicates of a configuration, as somebody may import them, are one of a population.
  const merged = history.results?.reduce((sum, results) => sum + results - 1, 0) ?? 0;
  for (let i = 0; i < count; i++) {
    const isFirst = firstNumber - merged + i < size || survivors.length < 2;
    let x = isFirst ? sobolPointOf(problem, firstNumber + i, fresh) : null;
    for (let tries = 0; !isFirst && x === null && tries < TRIES; tries++) {
      const child = childOf(space, parent(), parent(), random);
      if (fresh.accepts(child)) x = child;
    }
    if (x === null) continue;
    fresh.take(x);
    proposals.push({ x, algorithm, why: isFirst ? "first population" : "crossover and mutation" });
  }
  return proposals;
};
