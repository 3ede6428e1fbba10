import { type FactsOf, wording } from "./table.ts";

interface LadderFacts {
  readonly unit: string;
  readonly min: number;
  readonly max: number;
}

/** Why `auto` chose a scheduler. */
const sentences = {
  "one-level": ({ unit, min, max, eta }: LadderFacts & { eta: number }) =>
    `every trial runs to its end: from ${unit} ${min} to ${max} there is no step by a factor of ${eta} at which to compare trials`,
  "few-trials": ({ trials, needed }: { trials: number; needed: number }) =>
    `every trial runs to its end: with a budget of ${trials} trials, fewer than ${needed}, too few would be left to compare`,
  "several-objectives": ({ objectives }: { objectives: number }) =>
    `trials are stopped where they are not among the best: freeze-thaw models the curve of one objective, and there are ${objectives}`,
  "no-resume": () =>
    "trials are stopped where they are not among the best, and none is paused, since `resumes` is false",
  "learning-curves": () =>
    "a model of the learning curves decides which trial goes on; half of the resource runs trials to the end",
  segments: () => "each trial is a segment of a longer run, because the algorithm copies runs",
};

export type SchedulerWhy = FactsOf<typeof sentences>;

export const schedulerWhySentence = wording(sentences);
