import * as z from "zod";
import type { FieldError } from "../../errors.ts";
import type { OptionsOf, Problem, Segments } from "../algorithm.ts";

export const options = {
  population: z.int().min(2).max(1000).optional().meta({
    description:
      "Runs at a time; by default as many as the budget of trials takes to their end, at most 100. It stays what it was when the study was created.",
  }),
  selection: z.enum(["tournament", "truncation"]).optional().meta({
    description:
      "Who goes on after each segment. `tournament`, the default: a run meets another one of its generation, and copies it if that is better; after a draw it goes on with other settings. `truncation`: one of the worst `quantile` copies one of the best.",
  }),
  quantile: z.number().positive().max(0.5).optional().meta({
    description: "Of truncation; 0.25 by default.",
  }),
  explore: z.enum(["perturb", "bandit"]).optional().meta({
    description:
      "What becomes of copied settings. `perturb`, the default: numbers are multiplied by 0.8 or 1.2, integers and ordinals move at least to a neighbour. `bandit`: a model of what segments gained chooses them (PB2).",
  }),
  resample: z.number().min(0).max(1).optional().meta({
    description: "The chance that a copied setting is drawn anew from its prior; 0.25 by default.",
  }),
  keep: z.array(z.string()).max(1000).optional().meta({
    description:
      "Parameters that a copy takes over unchanged, because they are part of the checkpoint, such as the width of a network.",
  }),
};

export type Options = OptionsOf<typeof options>;

/** Constants of Syne Tune and Katib; Li et al. 2019 give none. */
const DEFAULTS = { selection: "tournament", quantile: 0.25, explore: "perturb", resample: 0.25 } as const;
const SMALLEST = 2;
const LARGEST = 100;

/** A study that has no segments runs each trial to its end. */
const WHOLE: Segments = { length: 1, end: 1 };

export const segmentsOf = ({ segments = WHOLE }: Pick<Problem, "segments">): Segments => segments;

/** How many segments lead to the end of a run. */
const generationsOf = ({ length, end }: Segments): number => Math.ceil(end / length);

const defaultPopulation = (problem: Problem): number =>
  Math.min(
    LARGEST,
    Math.max(SMALLEST, Math.floor(problem.budget.trials / generationsOf(segmentsOf(problem)))),
  );

/** The options with their defaults filled in. */
export const settingsOf = (given: Options, problem: Problem) => ({
  ...DEFAULTS,
  keep: [],
  population: defaultPopulation(problem),
  ...given,
});
export type Settings = ReturnType<typeof settingsOf>;

/** The size of the population must not change with the budget: it says which checkpoints are still needed. */
export const complete = (given: Options, problem: Problem): Options => ({
  ...given,
  population: given.population ?? defaultPopulation(problem),
});

export const check = (
  { keep = [], explore }: Options,
  { space, objectives }: Problem,
): readonly FieldError[] => [
  ...keep.flatMap((name, i): FieldError[] =>
    space.byName.has(name) ? [] : [{ pointer: `/keep/${i}`, fault: { kind: "keep-unknown", name } }],
  ),
  ...(explore === "bandit" && objectives > 1
    ? [{ pointer: "/explore", fault: { kind: "bandit-one-objective", objectives } as const }]
    : []),
];
