import * as z from "zod";
import { SafeInt } from "../values.ts";
import { runFields } from "./evaluation.ts";

const Configurations = z.array(SafeInt);
const { instance, instanceName, seed } = runFields;

/** One step of a race: all configurations that are left, on one instance. */
export const RaceStep = z.strictObject({
  instance,
  instanceName,
  seed,
  alive: SafeInt.meta({ description: "Configurations that are run on it." }),
  best: SafeInt.nullable().meta({
    description: "The best of those left after it, by all results of the race; null until all are in.",
  }),
  p: z.number().nullable().meta({
    description: "How likely the results are if all are equally good; null where no test follows.",
  }),
  eliminated: Configurations.meta({ description: "Those that are significantly worse than the best." }),
});

/** A race of a study whose algorithm is `irace`. A configuration is named by the number of its first trial. */
export const Race = z.strictObject({
  iteration: SafeInt.meta({ description: "From 1." }),
  final: z.boolean().meta({ description: "The best of all races once more, on what is left of the budget." }),
  elites: Configurations.meta({ description: "Configurations that come from earlier races, best first." }),
  steps: z.array(RaceStep),
  survivors: Configurations.meta({ description: "Those left, best first once the race is over." }),
  over: z.boolean(),
});

export type Race = z.infer<typeof Race>;
