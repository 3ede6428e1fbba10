import { type Algorithm, answer } from "../algorithm.ts";
import { evolve, options } from "../evolution/population.ts";

/** Trials of which the best becomes a parent. */
const TOURNAMENT = 2;

/**
 * NSGA-II for several objectives: survivors by fronts and crowding distance, parents by binary tournament.
 * Source: Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II". Children are proposed as
 * workers ask, not per generation.
 */
export const nsga2: Algorithm<typeof options> = {
  name: "nsga2",
  revision: 2,
  options,
  propose: (problem, history, count, random) =>
    answer(evolve(problem, history, count, random, { algorithm: "nsga2", tournament: TOURNAMENT })),
};
