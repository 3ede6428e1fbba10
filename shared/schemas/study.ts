import * as z from "zod";
import { AlgorithmChoice, Seed } from "../optimizer/choice.ts";
import { Market } from "../prices.ts";
import { SchedulerChoice, SchedulerRequest } from "../scheduler/registry.ts";
import { ForbiddenCombination, LinearConstraint, SpaceDefinition } from "../space/definition.ts";
import { Cursor, FiniteValues, Id, Limit, Name, Params, SafeInt, Timestamp } from "../values.ts";
import { Evaluation } from "./evaluation.ts";
import { NestedResult } from "./nested.ts";
import { Race } from "./race.ts";
import { Secrets, VariableName } from "./secret.ts";
import { TakenWarmStart, WarmStart } from "./warm-start.ts";

export { AlgorithmChoice, SchedulerChoice, Seed };

export const Objective = z.strictObject({
  metric: Name,
  direction: z.enum(["minimize", "maximize"]),
  gradients: z.boolean().optional().meta({
    description:
      "Whether its derivatives are told with its values, which the algorithms `gradient`, `gp` and `auto` use; false by default.",
  }),
});

/** A metric that must stay within bounds for a trial to count as feasible. */
export const Outcome = z
  .strictObject({ metric: Name, max: z.number().optional(), min: z.number().optional() })
  .refine((outcome) => outcome.max !== undefined || outcome.min !== undefined, "Give `max`, `min` or both.");

export const Budget = z.strictObject({
  trials: z.int().min(1).max(1_000_000).meta({
    description:
      "Of nested cross-validation this and `parallel` are for each outer fold, refits not counted.",
  }),
  parallel: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .meta({ description: "Trials at once; 1,000 by default for client studies, 4 for batch." }),
  gpuHours: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .meta({ description: "Only if Hone runs the trials, with GPUs." }),
  dollars: z
    .number()
    .positive()
    .max(10_000_000)
    .optional()
    .meta({ description: "An estimate at the deployment's prices; only if Hone runs the trials." }),
});

/** What may be tried more than once. */
export const Repeats = z.strictObject({
  attempts: z.int().min(1).max(10).optional().meta({
    description: "Attempts of a trial that is told as failed; 1 by default: it fails at once.",
  }),
  failed: z.int().min(0).max(100).optional().meta({
    description:
      "Further trials of a configuration that failed, once nothing new is left to try; 0 by default.",
  }),
  completed: z.int().min(0).max(100).optional().meta({
    description:
      "Further trials of a configuration that completed, once nothing new is left to try, for noisy objectives; 0 by default.",
  }),
});

export const LeaseSettings = z.strictObject({
  seconds: z.int().min(10).max(86_400).optional(),
  maxAttempts: z.int().min(1).max(10).optional(),
});

const ClientExecutor = z.strictObject({ type: z.literal("client") });

const BatchExecutor = z.strictObject({
  type: z.literal("batch"),
  image: z.string().min(1).max(512),
  command: z.array(z.string().max(4096)).min(1).max(64),
  vcpus: z.number().positive().max(192).optional(),
  memoryMiB: z.int().min(64).max(1_500_000).optional(),
  gpus: z.int().min(0).max(16).optional(),
  timeoutSeconds: z.int().min(60).max(1_209_600).optional(),
  market: Market.optional().meta({
    description: "`spot` by default; `on-demand` only where the deployment has such machines.",
  }),
  environment: z.record(VariableName, z.string().max(4096)).optional(),
  secrets: Secrets.optional(),
});

export const Executor = z.discriminatedUnion("type", [ClientExecutor, BatchExecutor]);

/** What of an executor is not shown to those who may not change its study. */
export const HIDDEN = ["command", "environment", "secrets"] as const;

/** An executor as GET shows it. */
export const ShownExecutor = z.discriminatedUnion("type", [
  ClientExecutor,
  z.strictObject({
    ...BatchExecutor.shape,
    command: z.array(z.string()),
    hidden: z.array(z.enum(HIDDEN)).optional().meta({
      description:
        "What is not shown to a caller that may not change the study: `command` is then empty, `environment` and `secrets` are left out.",
    }),
  }),
]);

/** How AWS writes the key and the value of a tag: letters, digits, spaces and a few signs. */
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;
/** Prefixes of keys that AWS and Hone give themselves. */
const RESERVED = /^(aws|hone):/i;
/** AWS allows 50 tags, of which Hone and Batch use some. */
const MOST_LABELS = 30;

export const Labels = z
  .record(z.string().regex(TAG_KEY), z.string().regex(TAG_VALUE))
  .refine(
    (labels) => !Object.keys(labels).some((key) => RESERVED.test(key)),
    "Keys that begin with aws: or hone: are reserved.",
  )
  .refine((labels) => Object.keys(labels).length <= MOST_LABELS, `At most ${MOST_LABELS} labels.`)
  .meta({
    description:
      "Become tags of the study's jobs and job definitions on AWS, beside hone:team, hone:study and hone:trial.",
  });

/** What the client says of a study. Everything but `name`, `space`, `objectives` and `budget.trials` has a default. */
export const CreateStudyBody = z.strictObject({
  name: Id,
  space: SpaceDefinition,
  constraints: z.array(LinearConstraint).max(100).optional(),
  forbidden: z.array(ForbiddenCombination).max(1000).optional(),
  objectives: z.array(Objective).min(1).max(8),
  outcomes: z.array(Outcome).max(16).optional(),
  algorithm: AlgorithmChoice.optional(),
  scheduler: SchedulerRequest.optional(),
  budget: Budget,
  lease: LeaseSettings.optional(),
  repeats: Repeats.optional(),
  evaluation: Evaluation.optional(),
  warmStart: WarmStart.optional(),
  executor: Executor.optional(),
  labels: Labels.optional(),
});

export const StudyState = z.enum(["ready", "running", "paused", "finished", "deleting"]).meta({
  description:
    "`ready`: a batch study that is not started, or was stopped. A client study that is neither paused nor finished is `running`.",
});

export const TrialCounts = z.strictObject({
  queued: SafeInt,
  running: SafeInt,
  paused: SafeInt,
  completed: SafeInt,
  pruned: SafeInt,
  failed: SafeInt,
});

export const BestTrial = z.strictObject({
  number: SafeInt,
  params: Params,
  values: FiniteValues,
  standardErrors: FiniteValues.optional().meta({
    description: "Where a configuration has several runs: the standard errors of `values`, which are means.",
  }),
  results: SafeInt.optional().meta({ description: "Of how many results `values` are the means." }),
  measuredAt: z.number().optional().meta({
    description:
      "Where a scheduler compares trials: the resource at which `values` were measured, less than the most while no trial has come to its end.",
  }),
});

/** A study as GET shows it: what was asked for, with the defaults filled in, and how far it is. */
export const Study = z.strictObject({
  study: Id,
  name: Id,
  team: Id,
  state: StudyState,
  created: Timestamp,
  space: SpaceDefinition,
  constraints: z.array(LinearConstraint),
  forbidden: z.array(ForbiddenCombination),
  objectives: z.array(Objective),
  outcomes: z.array(Outcome),
  algorithm: AlgorithmChoice,
  scheduler: SchedulerChoice,
  schedulerWhy: z.string().optional().meta({ description: "Why `auto` chose this scheduler." }),
  budget: Budget,
  lease: z.strictObject({ seconds: SafeInt, maxAttempts: SafeInt }),
  repeats: Repeats.required(),
  evaluation: Evaluation.optional(),
  nested: NestedResult.optional().meta({ description: "Only of nested cross-validation." }),
  warmStart: TakenWarmStart.optional().meta({ description: "What the study began with of earlier ones." }),
  sweep: Id.optional().meta({ description: "The sweep whose firing created the study." }),
  firing: Timestamp.optional().meta({ description: "That firing." }),
  executor: ShownExecutor,
  labels: Labels.optional(),
  trials: TrialCounts,
  best: z.array(BestTrial).meta({
    description:
      "None yet, one, or the first of the Pareto set: 100, or fewer when they are large. Of nested cross-validation the winner of each outer fold.",
  }),
  races: z.array(Race).optional().meta({ description: "Where the algorithm is `irace`: its races so far." }),
  started: z.boolean().meta({ description: "Whether the batch executor is dispatching." }),
  spent: z.strictObject({
    gpuHours: z.number(),
    vcpuHours: z.number(),
    dollars: z.number().optional().meta({
      description: "An estimate by the deployment's prices, of the attempts that have ended.",
    }),
  }),
  message: z.string().nullable().meta({ description: "What a person should know: why it waits or ended." }),
});

export const StudySummary = z.strictObject({
  study: Id,
  name: Id,
  state: StudyState,
  created: Timestamp,
  trials: TrialCounts,
  budget: z.strictObject({ trials: SafeInt }),
  best: z.strictObject({ number: SafeInt, values: FiniteValues }).nullable().meta({
    description: "The best trial of a single objective; null while there is none, and for several.",
  }),
  asOf: Timestamp.meta({
    description:
      "When the study was read for this list: seconds ago while it is asked, and otherwise at most some ten minutes after its last change.",
  }),
});
export const StudyPage = z.strictObject({ studies: z.array(StudySummary), cursor: z.string().nullable() });
export const PageQuery = z.strictObject({ cursor: Cursor.optional(), limit: Limit.optional() });

/** Where a list that ends its pages by bytes alone goes on. */
export const PageOf = z.strictObject({ cursor: Cursor.optional() });

/** Pause, resume, extend. */
export const PatchStudyBody = z
  .strictObject({
    state: z.enum(["running", "paused"]).optional().meta({
      description: "`running` resumes a paused study; a batch study that is not started is then `ready`.",
    }),
    budget: Budget.partial()
      .refine((budget) => Object.keys(budget).length > 0, "Give what shall change.")
      .optional(),
  })
  .refine((body) => body.state !== undefined || body.budget !== undefined, "Give `state`, `budget` or both.");

export const StopBody = z.strictObject({
  drain: z.boolean().optional().meta({
    description: "Let running trials end by themselves; otherwise they are terminated and put back.",
  }),
});

export type CreateStudyBody = z.infer<typeof CreateStudyBody>;
export type Study = z.infer<typeof Study>;
export type StudyState = z.infer<typeof StudyState>;
export type TrialCounts = z.infer<typeof TrialCounts>;
export type BestTrial = z.infer<typeof BestTrial>;
export type StudySummary = z.infer<typeof StudySummary>;
export type StudyPage = z.infer<typeof StudyPage>;
export type PatchStudyBody = z.infer<typeof PatchStudyBody>;
export type StopBody = z.infer<typeof StopBody>;
export type Labels = z.infer<typeof Labels>;
export type Executor = z.infer<typeof Executor>;
export type PageOf = z.infer<typeof PageOf>;
export type PageQuery = z.infer<typeof PageQuery>;
