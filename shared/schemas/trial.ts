import * as z from "zod";
import { Cursor, FiniteValues, Limit, MetricValues, Name, Params, SafeInt, Timestamp } from "../values.ts";
import { runFields } from "./evaluation.ts";
import { Split } from "./nested.ts";
import { BestTrial, StudyState } from "./study.ts";

export const TrialState = z.enum(["queued", "running", "paused", "completed", "pruned", "failed"]);

export const AttemptEnd = z.enum(["completed", "failed", "interrupted", "expired"]);

/** Attempts start at 1 and only rise: the number is what fences a lost worker off. */
export const Attempt = z.int().min(1).max(1_000_000);

const MAX_ASK = 100;

export const AskBody = z.strictObject({
  count: z.int().min(1).max(MAX_ASK).optional().meta({
    description:
      "1 by default. One ask hands out at most 90, fewer of configurations that are very large: ask again for more.",
  }),
  worker: Name.optional().meta({
    description: "Names the asker: when it asks again it gets its own running trials back first.",
  }),
});

export const Verdict = z.enum(["continue", "stop", "pause"]);

/** How a scheduler compared a trial with others at a rung, and what came of it. */
export const Decision = z.strictObject({
  decision: Verdict,
  step: z.number().meta({ description: "The step that was reported." }),
  bracket: SafeInt,
  rung: SafeInt,
  rank: SafeInt.meta({ description: "Its place among those compared, from 1." }),
  of: SafeInt.meta({ description: "How many were compared, itself included." }),
  goOn: SafeInt.meta({ description: "How many of them go on." }),
  threshold: z.number().nullable().meta({
    description: "The objective's value of the last one that goes on; null when there is none to tell.",
  }),
});

const reportAt = z.number().nullable().meta({
  description:
    "The next step that is worth a report, because trials are compared there; null when there is none.",
});

const parent = SafeInt.nullable().optional().meta({
  description:
    "Where trials go on from one another, as segments of longer runs or steps along a gradient: the trial that it goes on from; null when it begins anew.",
});
const resumesAt = z.number().optional().meta({
  description:
    "Only where trials are segments of longer runs: how far its parent ran. It runs from there to `resource`.",
});

export const LeasedTrial = z.strictObject({
  number: SafeInt,
  attempt: Attempt,
  params: Params,
  ...runFields,
  resource: z
    .number()
    .nullable()
    .meta({ description: "How far to run it, in the scheduler's unit; null without a scheduler." }),
  reportAt,
  checkpoint: z
    .string()
    .nullable()
    .meta({ description: "Where an earlier attempt, or the trial that it goes on from, left its state." }),
  parent,
  resumesAt,
  leaseExpires: Timestamp,
  split: Split.optional(),
  algorithm: z.string(),
  why: z.string(),
});

export const AskReply = z.strictObject({
  trials: z.array(LeasedTrial),
  state: StudyState,
  retryAfter: z
    .number()
    .nullable()
    .meta({ description: "Seconds to wait when there is nothing to hand out, or null." }),
});

const checkpoint = z.string().min(1).max(1024).optional().meta({
  description:
    "Where the next attempt finds the program's state: the `checkpoint` of an upload that is complete, or a text of the client's own that does not begin with `hone:`, such as an s3:// URL.",
});

/** Where a program's state is put. */
export const Upload = z.strictObject({
  checkpoint: z.string().meta({
    description:
      "Its name: given in a report, a heartbeat or a tell once it is uploaded, it is what the next attempt continues from.",
  }),
  method: z.literal("PUT"),
  url: z.string().meta({ description: "Takes the bytes without any credential. Each upload has its own." }),
  maxBytes: SafeInt,
  expires: Timestamp,
});

/** Where a program's state is got from, without any credential. */
export const Download = z.strictObject({ url: z.string(), expires: Timestamp });

export const CheckpointUrls = z.strictObject({
  upload: Upload,
  download: Download.nullable().meta({
    description:
      "The last committed checkpoint; null when the trial has none, or one that the client keeps itself.",
  }),
});

export const CheckpointBody = z.strictObject({ attempt: Attempt });

const ended = z.strictObject({ reason: z.string().min(1).max(1024) });

/** How often a client may give the same trial back until that counts as lost: one in a crash loop must not do so for ever. */
export const FREE_RELEASES = 10;

/** Derivatives of an objective, as a program computed them. */
export const Gradients = z.strictObject({
  metric: Name.meta({ description: "The objective that was differentiated, as it is told in `values`." }),
  space: z.enum(["raw", "transformed"]).meta({
    description:
      "`raw`: by the parameters as they are in `params`. `transformed`: by their positions on their scales, of a parameter with the scale log by its natural logarithm, with reverse-log by -ln(1 - value); the same as raw on a linear scale.",
  }),
  values: z.record(Name, z.number()).meta({
    description: "One number per numeric parameter; those that are left out are unknown.",
  }),
});

/** The end of an attempt: `values`, `failed`, `pruned` with the values that it has, or `released`. */
export const TellBody = z
  .strictObject({
    attempt: Attempt,
    values: MetricValues.optional(),
    failed: ended.optional().meta({ description: "The program raised an error or gave no result." }),
    pruned: ended.optional().meta({
      description:
        "The program ended the trial early, by a rule of its own, because it was not promising. Its last `values` are optional.",
    }),
    released: ended.optional().meta({
      description: `The client was interrupted and gives the trial back: the same configuration is handed out again at once, with the next attempt and the last checkpoint. The first ${FREE_RELEASES} times of a trial this costs nothing; after that each counts as a lost attempt (\`lease.maxAttempts\`).`,
    }),
    checkpoint,
    gradients: Gradients.optional().meta({
      description:
        'With `values`, where the objective says `"gradients": true`: how it changes with the parameters.',
    }),
  })
  .refine(({ gradients, values, pruned }) => gradients === undefined || (values !== undefined && !pruned), {
    path: ["gradients"],
    message: "Gradients belong to the `values` of a trial that has completed.",
  })
  .refine(
    ({ values, failed, pruned, released }) => {
      const others = [failed, pruned, released].filter((end) => end !== undefined).length;
      return others === 0
        ? values !== undefined
        : others === 1 && (values === undefined || pruned !== undefined);
    },
    {
      path: ["values"],
      message: "Give `values`, or `failed`, or `released`, or `pruned` with or without `values`.",
    },
  );

export const TellReply = z.strictObject({ number: SafeInt, state: TrialState });

export const ReportBody = z.strictObject({
  attempt: Attempt,
  step: z.number().min(0).max(1_000_000_000),
  values: MetricValues,
  checkpoint,
});

export const ReportReply = z.strictObject({
  decision: Verdict,
  reason: z.string(),
  leaseExpires: Timestamp,
  reportAt,
  upload: Upload.optional().meta({
    description:
      "For jobs that Hone runs: where the next checkpoint is uploaded. Absent in a repeated answer.",
  }),
});

export const HeartbeatBody = z.strictObject({ attempt: Attempt, checkpoint });
export const HeartbeatReply = ReportReply;

export const ClaimBody = z.strictObject({
  attempt: Attempt,
  jobId: z.string().min(1).max(256),
  claimant: z.string().min(16).max(128).meta({
    description:
      "A random name the container gives itself, so that it may repeat a claim whose answer was lost.",
  }),
});

export const ClaimReply = z.strictObject({
  token: z.string().meta({ description: "Valid for this attempt only." }),
  number: SafeInt,
  attempt: Attempt,
  params: Params,
  ...runFields,
  resource: z.number().nullable(),
  reportAt,
  checkpoint: z.string().nullable(),
  parent,
  resumesAt,
  leaseExpires: Timestamp,
  heartbeatSeconds: z.number(),
  split: Split.optional(),
  ...CheckpointUrls.shape,
});

/** Without `values` queued for the next asks, with `values` imported as finished. */
export const AddTrialsBody = z.strictObject({
  trials: z
    .array(z.strictObject({ params: Params, values: MetricValues.optional() }))
    .min(1)
    .max(500),
});

export const AddTrialsReply = z.strictObject({
  trials: z.array(z.strictObject({ number: SafeInt, state: TrialState })),
});

export const ReportEntry = z.strictObject({
  attempt: Attempt,
  step: z.number(),
  values: FiniteValues,
  at: Timestamp,
});

export const AttemptRecord = z.strictObject({
  attempt: Attempt,
  end: AttemptEnd,
  reason: z.string().nullable(),
  jobId: z.string().nullable(),
  at: Timestamp,
});

export const Trial = z.strictObject({
  number: SafeInt,
  state: TrialState,
  attempt: SafeInt.meta({ description: "The current or last attempt; 0 while it waits for its first." }),
  params: Params,
  ...runFields,
  iteration: SafeInt.optional().meta({ description: "The race that it was run for, from 1." }),
  values: FiniteValues.nullable(),
  gradients: Gradients.optional().meta({ description: "As they were told with `values`." }),
  feasible: z.boolean().nullable().meta({
    description: "Whether its values keep within every limit of `outcomes`; null while it has none.",
  }),
  resource: z
    .number()
    .nullable()
    .meta({ description: "How far it runs or ran, in the scheduler's unit; null without a scheduler." }),
  measuredAt: z.number().nullable().meta({
    description: "The resource at which `values` were measured; null without values, or without a scheduler.",
  }),
  decision: Decision.nullable().meta({
    description: "How it compared with others at its last rung; null when it was not compared.",
  }),
  worker: z.string().nullable(),
  toldBy: z.string().optional().meta({
    description:
      "Who reported or told a trial that Hone runs as a job, where that was not its own job: an editor's or owner's name, or the id of the token.",
  }),
  algorithm: z.string(),
  why: z.string(),
  reason: z.string().nullable().meta({ description: "Why it failed, was pruned or waits." }),
  created: Timestamp,
  leaseExpires: Timestamp.nullable(),
  finished: Timestamp.nullable(),
  checkpoint: z.string().nullable(),
  parent,
  resumesAt,
  split: Split.optional(),
});

/** One trial in full: with its attempts that ended early and its learning curve. */
export const TrialDetail = z.strictObject({
  ...Trial.shape,
  attempts: z.array(AttemptRecord),
  reports: z.array(ReportEntry),
  jobId: z.string().nullable(),
  cursor: z.string().optional().meta({
    description: "Present when the learning curve is too long for one answer: `?cursor=` gives the rest.",
  }),
});

export const TrialPage = z.strictObject({ trials: z.array(Trial), cursor: z.string().nullable() });

export const TrialsQuery = z.strictObject({
  cursor: Cursor.optional(),
  limit: Limit.optional(),
  state: TrialState.optional(),
});

export const BestReply = z.strictObject({
  trials: z.array(BestTrial),
  cursor: z.string().optional().meta({
    description: "Present when the Pareto set is too large for one answer: `?cursor=` gives the rest.",
  }),
});

export const LineageQuery = z.strictObject({
  trial: z
    .string()
    .regex(/^[0-9]{1,9}$/, "Write the number of a trial in digits.")
    .transform(Number)
    .pipe(SafeInt)
    .optional()
    .meta({ description: "Its last trial; the best one by default." }),
  cursor: Cursor.optional(),
});

/** A trial of a lineage: how far it ran, from where on, with which settings. */
export const LineageSegment = z.strictObject({
  number: SafeInt,
  from: z
    .number()
    .nullable()
    .meta({ description: "How far the trial before ran; null without a scheduler." }),
  to: z.number().nullable(),
  params: Params,
  values: FiniteValues.nullable(),
});

export const LineageReply = z.strictObject({
  trials: z.array(LineageSegment).meta({ description: "From the one that began the run to the wanted one." }),
  cursor: z.string().optional().meta({
    description: "Present when the lineage is too large for one answer: `?cursor=` gives the rest.",
  }),
});

export const ExportQuery = z.strictObject({
  format: z.enum(["csv", "json"]).optional().meta({ description: "json by default." }),
  cursor: Cursor.optional(),
  limit: Limit.optional().meta({ description: "As many as fit into an answer by default." }),
});

export type Gradients = z.infer<typeof Gradients>;
export type Decision = z.infer<typeof Decision>;
export type TrialState = z.infer<typeof TrialState>;
export type AttemptEnd = z.infer<typeof AttemptEnd>;
export type AskBody = z.infer<typeof AskBody>;
export type AskReply = z.infer<typeof AskReply>;
export type LeasedTrial = z.infer<typeof LeasedTrial>;
export type TellBody = z.infer<typeof TellBody>;
export type TellReply = z.infer<typeof TellReply>;
export type ReportBody = z.infer<typeof ReportBody>;
export type ReportReply = z.infer<typeof ReportReply>;
export type HeartbeatBody = z.infer<typeof HeartbeatBody>;
export type Upload = z.infer<typeof Upload>;
export type Download = z.infer<typeof Download>;
export type CheckpointUrls = z.infer<typeof CheckpointUrls>;
export type CheckpointBody = z.infer<typeof CheckpointBody>;
export type ClaimBody = z.infer<typeof ClaimBody>;
export type ClaimReply = z.infer<typeof ClaimReply>;
export type AddTrialsBody = z.infer<typeof AddTrialsBody>;
export type AddTrialsReply = z.infer<typeof AddTrialsReply>;
export type AttemptRecord = z.infer<typeof AttemptRecord>;
export type ReportEntry = z.infer<typeof ReportEntry>;
export type Trial = z.infer<typeof Trial>;
export type TrialDetail = z.infer<typeof TrialDetail>;
export type TrialPage = z.infer<typeof TrialPage>;
export type TrialsQuery = z.infer<typeof TrialsQuery>;
export type BestReply = z.infer<typeof BestReply>;
export type LineageQuery = z.infer<typeof LineageQuery>;
export type LineageSegment = z.infer<typeof LineageSegment>;
export type LineageReply = z.infer<typeof LineageReply>;
export type ExportQuery = z.infer<typeof ExportQuery>;
