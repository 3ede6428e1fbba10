import type { Space } from "../../space/space.ts";

/** How large races are. Source: the irace package 4.4.3, and Lopez-Ibanez et al. 2016, "The irace package", section 2. */

/** Configurations' worth of tests that a race is sized for. */
const MU = 5;
/** A race is sized for one more test an iteration, up to so many. */
const MOST_TESTS = 5;
/** The largest race. */
const MOST = 1024;

/** What the sizes of all races of a study follow from. */
export interface Sizes {
  /** Parameters that have more than one value. */
  readonly parameters: number;
  /** How many races are planned, and at how many survivors one ends. */
  readonly races: number;
  readonly survivors: number;
}

export const sizesOf = ({ parameters }: Pick<Space, "parameters">): Sizes => {
  const free = Math.max(1, parameters.filter(({ size }) => size > 1).length);
  const races = Math.floor(2 + Math.log2(free));
  return { parameters: free, races, survivors: races };
};

/** What is known when a race is planned. */
export interface Situation {
  /** From 1. */
  readonly iteration: number;
  /** Runs that it may take. */
  readonly budget: number;
  readonly elites: number;
  /** Instances that the elites were run on, and how many new ones come before them. */
  readonly old: number;
  readonly fresh: number;
  readonly firstTest: number;
}

/** With how many configurations a race begins, its elites included. */
export const entrantsOf = ({ iteration, budget, elites, old, fresh, firstTest }: Situation): number => {
  const runs = Math.max(Math.max(MU, firstTest) + Math.min(MOST_TESTS, iteration), old + fresh);
  return Math.min(MOST, Math.floor((budget + elites * old) / runs));
};

/** The smallest budget with which the first race has more configurations than may survive it. */
export const leastBudget = ({ races, survivors }: Sizes, firstTest: number): number =>
  races * (Math.max(MU, firstTest) + 1) * (survivors + 1);
