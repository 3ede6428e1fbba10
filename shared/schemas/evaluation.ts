import * as z from "zod";
import { SafeInt } from "../values.ts";
import { NestedCv } from "./nested.ts";

const seeds = z.int().min(1).max(1000).optional().meta({
  description:
    "Seeds an instance: 1 by default, for an evaluation that is deterministic given its instance. Each seed is a run of its own.",
});

const Replicates = z.strictObject({
  type: z.literal("replicates"),
  count: z.int().min(2).max(10_000).meta({ description: "Runs of a configuration, each with another seed." }),
});

const Instances = z
  .strictObject({
    type: z.literal("instances"),
    names: z
      .array(z.string().min(1).max(128))
      .min(1)
      .max(1000)
      .refine((names) => new Set(names).size === names.length, "Name each instance once.")
      .optional()
      .meta({ description: "What a configuration is run on: data sets, problems, folds." }),
    count: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "How many instances, if they have no names." }),
    seeds,
  })
  .refine(
    ({ names, count }) => (names === undefined) !== (count === undefined),
    "Give `names` or `count` of the instances.",
  );

/** By several runs of a configuration, each a trial of its own. Every configuration meets the same instances with the same seeds. */
const Runs = z.discriminatedUnion("type", [Replicates, Instances]);

/** How a configuration is evaluated, where one result is not enough. */
export const Evaluation = z.discriminatedUnion("type", [Replicates, Instances, NestedCv]);

/** Which run of which configuration a trial is; only in a study with an `evaluation`. */
export const runFields = {
  configuration: SafeInt.optional().meta({
    description: "The number of the first trial of the configuration, the same for all of its runs.",
  }),
  instance: SafeInt.optional().meta({ description: "The replicate, or the instance, from 0." }),
  instanceName: z.string().optional().meta({ description: "The instance's name, where it has one." }),
  seed: SafeInt.optional().meta({
    description:
      "Seeds the run: from 0 to 2^31 - 1, the same for all configurations on this instance, derived from the study's seed.",
  }),
};

export type Runs = z.infer<typeof Runs>;
export type Evaluation = z.infer<typeof Evaluation>;
