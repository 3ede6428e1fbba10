import * as z from "zod";
import { Schedule } from "../sweep/definition.ts";
import { OVERLAPS } from "../sweep/overlap.ts";
import { FiniteValues, Id, SafeInt, Timestamp } from "../values.ts";
import { CreateStudyBody, ShownExecutor, StudyState, TrialCounts } from "./study.ts";
import { MOST_EARLIER } from "./warm-start.ts";

export { Schedule };

export const Overlap = z.enum(OVERLAPS).meta({
  description:
    "What a firing does while the study of an earlier one is not finished: `skip` creates none, `queue` creates it when the earlier one is finished (one firing waits, further ones are skipped), `replace` stops the earlier one.",
});

export const SweepWarmStart = z.strictObject({
  last: z.int().min(1).max(MOST_EARLIER).meta({
    description: "Each study begins with those of so many last firings that finished with a result.",
  }),
});

const Keep = z.int().min(1).max(1000).meta({
  description:
    "How many studies are kept; after a firing older ones that are finished, or were replaced, are deleted. Without it all are.",
});

const WantedState = z.enum(["active", "paused"]);

export const CreateSweepBody = z.strictObject({
  name: Id,
  schedule: Schedule,
  overlap: Overlap.optional().meta({ description: "`skip` by default." }),
  /** Each firing creates such a study. */
  template: CreateStudyBody,
  warmStart: SweepWarmStart.optional(),
  keep: Keep.optional(),
  state: WantedState.optional().meta({ description: "`active` by default." }),
});

/** Each field replaces the former one as a whole. */
export const PatchSweepBody = z
  .strictObject({
    name: Id.optional(),
    schedule: Schedule.optional(),
    overlap: Overlap.optional(),
    template: CreateStudyBody.optional(),
    warmStart: SweepWarmStart.nullable().optional().meta({ description: "null: none from now on." }),
    keep: Keep.nullable().optional().meta({ description: "null: all are kept from now on." }),
    state: WantedState.optional().meta({ description: "`paused` fires no more, `active` resumes." }),
  })
  .refine((body) => Object.keys(body).length > 0, "Give what shall change.");

export const FiringId = Timestamp.meta({
  description: "When it was due; names the firing. Of one by hand, when it was asked for.",
});

export const FiringOutcome = z.enum(["created", "skipped", "queued", "replaced", "failed"]).meta({
  description:
    "`created`: its study exists, or existed. `replaced`: the same, and the study of an earlier firing was stopped. `queued`: it waits for an earlier one. `failed`: the study was refused.",
});

/** One run of a sweep, with what its study came to by now. */
export const Firing = z.strictObject({
  firing: FiringId,
  manual: z.boolean().meta({ description: "Whether it was asked for by hand." }),
  outcome: FiringOutcome,
  reason: z.string().nullable().meta({ description: "Why, where it is not plain." }),
  at: Timestamp.meta({ description: "When this outcome came about." }),
  study: Id.nullable(),
  state: z
    .enum([...StudyState.options, "deleted"])
    .nullable()
    .meta({ description: "Of its study." }),
  trials: TrialCounts.nullable().meta({
    description: "Of its study; null without one, and once it is deleted.",
  }),
  best: z.strictObject({ number: SafeInt, values: FiniteValues }).nullable().meta({
    description: "The best trial of a single objective; null while there is none, and for several.",
  }),
});

export const FiringPage = z.strictObject({ firings: z.array(Firing), cursor: z.string().nullable() });

export const SweepState = z.enum(["active", "paused", "ended"]).meta({
  description: "`ended`: its schedule has no more firings.",
});

/** A sweep in a list. */
export const SweepSummary = z.strictObject({
  sweep: Id,
  name: Id,
  state: SweepState,
  created: Timestamp,
  schedule: Schedule,
  overlap: Overlap,
  next: Timestamp.nullable().meta({
    description: "When it fires next; null while it is paused, and once it ended.",
  }),
  firings: z.strictObject({ count: SafeInt, last: Firing.nullable() }),
  message: z.string().nullable().meta({ description: "What a person should know." }),
});

/** A sweep as GET shows it. */
export const Sweep = SweepSummary.extend({
  template: CreateStudyBody.extend({ executor: ShownExecutor.optional() }),
  warmStart: SweepWarmStart.nullable(),
  keep: SafeInt.nullable(),
});

export const SweepPage = z.strictObject({ sweeps: z.array(SweepSummary), cursor: z.string().nullable() });

export type CreateSweepBody = z.infer<typeof CreateSweepBody>;
export type PatchSweepBody = z.infer<typeof PatchSweepBody>;
export type Firing = z.infer<typeof Firing>;
export type FiringOutcome = z.infer<typeof FiringOutcome>;
export type FiringPage = z.infer<typeof FiringPage>;
export type Sweep = z.infer<typeof Sweep>;
export type SweepState = z.infer<typeof SweepState>;
export type SweepSummary = z.infer<typeof SweepSummary>;
export type SweepPage = z.infer<typeof SweepPage>;
