import { type Algorithm, answer } from "../algorithm.ts";
import { evolve, options } from "./population.ts";

/** Trials of which the best becomes a parent. */
const TOURNAMENT = 3;

/**
 * A genetic algorithm in steady state: tournament selection, simulated binary or uniform crossover, polynomial or
 * per-kind mutation, and each child that ends replaces the worst of the population if it is better. No worker waits
 * for a generation. Sources: the article, section "Evolutionary optimization"; Deb and Agrawal 1995.
 */
export const evolution: Algorithm<typeof options> = {
  name: "evolution",
  revision: 2,
  options,
  propose: (problem, history, count, random) =>
    answer(evolve(problem, history, count, random, { algorithm: "evolution", tournament: TOURNAMENT })),
};
