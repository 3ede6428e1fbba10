import * as z from "zod";
import { Id, Name, ParameterValue, SafeInt } from "../values.ts";

/** More studies than this add little, and each costs a fit. */
export const MOST_EARLIER = 10;

/** An earlier study, and how its parameters and metrics are called here. */
export const EarlierStudy = z.strictObject({
  study: Id,
  rename: z.record(Name, Name).optional().meta({
    description:
      "Parameters that have another name in the earlier study: the name there and the name here. Those of equal names need no entry.",
  }),
  metrics: z.record(Name, Name).optional().meta({
    description:
      "The same for metrics. Each objective must be one of the earlier study, of the same direction.",
  }),
  assume: z.record(Name, ParameterValue).optional().meta({
    description:
      "Values that the earlier study's trials had for parameters that it does not name. Otherwise nothing is known of them there.",
  }),
});

/** Earlier studies of the same team, whose results a study begins with. */
export const WarmStart = z.strictObject({ studies: z.array(EarlierStudy).min(1).max(MOST_EARLIER) });

/** Why results of an earlier study were left out. */
export const LeftOutReason = z.enum([
  "unfinished",
  "failed",
  "stopped",
  "unmeasured",
  "infeasible",
  "out-of-range",
  "other-choice",
  "repeated",
  "sampled",
  "unread",
]);

const names = z.array(Name);

/** What was taken of an earlier study when this one was created. It does not change when the earlier study does. */
export const TakenStudy = EarlierStudy.extend({
  trials: SafeInt.meta({ description: "How many trials the earlier study had." }),
  used: SafeInt.meta({ description: "How many of its results are used." }),
  leftOut: z.array(
    z.strictObject({
      reason: LeftOutReason,
      trials: SafeInt,
      parameters: names.optional().meta({ description: "The parameters that are the reason." }),
      detail: z.string().meta({ description: "The same in words." }),
    }),
  ),
  unknown: names.meta({
    description: "Parameters that the earlier study did not have: its results say nothing of them.",
  }),
  ignored: names.meta({
    description:
      "Parameters of the earlier study that this one does not have; trials that differ in them alone are averaged.",
  }),
});

export const TakenWarmStart = z.strictObject({ studies: z.array(TakenStudy) });

export type EarlierStudy = z.infer<typeof EarlierStudy>;
export type LeftOutReason = z.infer<typeof LeftOutReason>;
export type TakenWarmStart = z.infer<typeof TakenWarmStart>;
