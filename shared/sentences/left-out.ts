import { type FactsOf, wording } from "./table.ts";

type Of = { readonly trials: number; readonly parameters: readonly string[] };
const trialsOf = (trials: number) => (trials === 1 ? "1 trial" : `${trials} trials`);

/** Why results of an earlier study were left out of a warm start. */
const sentences = {
  unfinished: ({ trials }: Of) => `${trialsOf(trials)} without an end.`,
  failed: ({ trials }: Of) => `${trialsOf(trials)} failed.`,
  stopped: ({ trials }: Of) => `${trialsOf(trials)} not run to the full resource.`,
  unmeasured: ({ trials }: Of) => `${trialsOf(trials)} without a value of some objective.`,
  infeasible: ({ trials }: Of) => `${trialsOf(trials)} outside the limits of this study's outcomes.`,
  "out-of-range": ({ trials, parameters }: Of) =>
    `${trialsOf(trials)} beyond the bounds of ${parameters.join(", ")}.`,
  "other-choice": ({ trials, parameters }: Of) =>
    `${trialsOf(trials)} with a value of ${parameters.join(", ")} that this study does not have.`,
  repeated: ({ trials }: Of) =>
    `${trialsOf(trials)} of a configuration that others have too: their mean is used.`,
  sampled: ({ trials }: Of) => `${trialsOf(trials)} neither among the best nor in the sample of the others.`,
  unread: ({ trials }: Of) => `${trialsOf(trials)} not looked at, because there are so many.`,
};

export type LeftOutFacts = FactsOf<typeof sentences>;

export const leftOutSentence = wording(sentences);
