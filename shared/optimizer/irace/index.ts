import * as z from "zod";
import type { FieldError } from "../../errors.ts";
import type { Algorithm, Answer, Draft, History, OptionsOf, SeededProblem } from "../algorithm.ts";
import { RACE_TESTS } from "./elimination.ts";
import { firstRaceOf, type Replay, replay, type Settings } from "./replay.ts";
import { leastBudget, sizesOf } from "./sizes.ts";

const options = {
  test: z.enum(RACE_TESTS).optional().meta({
    description:
      "What eliminates configurations: `friedman` (the default) compares ranks, and the last two by Wilcoxon's signed rank test; `t-test` compares means, for instances whose results are of one scale, such as folds; `t-test-holm` and `t-test-bonferroni` correct it for the number of comparisons, so that fewer leave by chance.",
  }),
  firstTest: z.int().min(2).max(100).optional().meta({
    description: "Instances before the first test: 5 by default; 2 for folds.",
  }),
  shuffle: z.boolean().optional().meta({
    description:
      "Whether races take the instances in an order that is drawn by the study's seed, and not as they are numbered: false by default.",
  }),
  confidence: z.number().min(0.5).max(0.9999).optional().meta({
    description: "How certain it must be that a configuration is worse: 0.95 by default.",
  }),
};

const DEFAULTS = { test: "friedman", firstTest: 5, shuffle: false, confidence: 0.95 } as const;

export type IraceOptions = OptionsOf<typeof options>;

/** What a study chose, with the defaults. */
export const settingsOf = ({ test, firstTest, shuffle, confidence }: IraceOptions): Settings => ({
  test: test ?? DEFAULTS.test,
  firstTest: firstTest ?? DEFAULTS.firstTest,
  shuffle: shuffle ?? DEFAULTS.shuffle,
  level: 1 - (confidence ?? DEFAULTS.confidence),
});

/** The races of a study so far. */
export const racesOf = (problem: SeededProblem<IraceOptions>, history: History): Replay =>
  replay(problem, history, settingsOf(problem.options));

/**
 * Iterated racing. Source: the irace package 4.4.3; Lopez-Ibanez, Dubois-Lacoste, Perez Caceres, Birattari and Stutzle 2016, "The irace
 * package: Iterated racing for automatic algorithm configuration". Elitist, with soft restarts and a final race. A new configuration is
 * never one that was raced before; instances are taken in the order given, unless they are to be shuffled.
 */
export const irace: Algorithm<typeof options> = {
  name: "irace",
  revision: 1,
  options,
  races: true,
  firstRace: (options, problem, seed) => firstRaceOf(problem, settingsOf(options), seed),
  check: ({ firstTest = DEFAULTS.firstTest }, { space, objectives, budget, runs = 0 }): FieldError[] => {
    const least = leastBudget(sizesOf(space), firstTest);
    return [
      ...(objectives === 1
        ? []
        : [{ pointer: "", fault: { kind: "race-of-objectives", objectives } as const }]),
      ...(runs === 0 || runs >= firstTest
        ? []
        : [{ pointer: "/firstTest", fault: { kind: "too-few-instances", runs, firstTest } as const }]),
      ...(budget.trials >= least
        ? []
        : [{ pointer: "", fault: { kind: "race-budget", trials: budget.trials, least } as const }]),
    ];
  },
  propose: (problem, history, count): Answer => {
    const { races, isOver } = racesOf(problem, history);
    const race = races.at(-1);
    if (race === undefined || isOver) return { proposals: [], hint: null };
    const numbers = new Map<number, number>();
    const d = problem.space.parameters.length;
    const proposals = race.next.slice(0, count).map(({ entrant, instance }, i): Draft => {
      const configuration = numbers.get(entrant) ?? (entrant >= 0 ? entrant : problem.firstNumber + i);
      numbers.set(entrant, configuration);
      const row = entrant >= 0 ? history.number.indexOf(entrant) : -1;
      const x = row >= 0 ? history.x.slice(row * d, (row + 1) * d) : race.samples[-1 - entrant]!.x;
      const why = race.isFinal ? "final race" : `race ${race.iteration}, ${origin(race.elites, entrant)}`;
      return { x, algorithm: "irace", why, configuration, instance, iteration: race.iteration };
    });
    return { proposals, hint: null, waits: true };
  },
};

const origin = (elites: readonly number[], entrant: number): string =>
  elites.includes(entrant) ? "elite of the last race" : "new configuration";
