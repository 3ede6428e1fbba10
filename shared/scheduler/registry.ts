import * as z from "zod";
import type { FieldError } from "../errors.ts";
import { asha } from "./asha.ts";
import { AutoScheduler, chooseScheduler, ResourceAlone, type ScheduledWhy } from "./auto.ts";
import { freezeThaw } from "./freeze-thaw.ts";
import { hyperband } from "./hyperband.ts";
import { median } from "./median.ts";
import { none } from "./none.ts";
import { pasha } from "./pasha.ts";
import type { Scheduler, SchedulerKind, SchedulerSetting } from "./scheduler.ts";
import { segments } from "./segments.ts";
import { sha } from "./sha.ts";

/** Every scheduler by its name. The contract tests walk this table; a study's `scheduler` is one of its entries. */
export const schedulers = {
  none,
  median,
  sha,
  asha,
  pasha,
  hyperband,
  "freeze-thaw": freezeThaw,
  segments,
} as const satisfies Record<string, SchedulerKind<never>>;

type Kinds = typeof schedulers;
export type SchedulerName = keyof Kinds;

type ChoiceSchema<K extends SchedulerName> = K extends SchedulerName
  ? Kinds[K] extends { readonly options: infer Shape extends z.ZodRawShape }
    ? z.ZodObject<{ name: z.ZodLiteral<K> } & Shape, z.core.$strict>
    : never
  : never;

/** A scheduler's own options stand beside its name. */
export const SchedulerChoice = z.discriminatedUnion(
  "name",
  Object.values(schedulers).map(({ name, summary, options }) =>
    z.strictObject({ name: z.literal(name).meta({ description: summary }), ...options }),
  ) as unknown as [ChoiceSchema<SchedulerName>, ...ChoiceSchema<SchedulerName>[]],
);
export type SchedulerChoice = z.infer<typeof SchedulerChoice>;

/** What a client asks for: a scheduler, or a resource alone. */
export const SchedulerRequest = z.union([
  z.discriminatedUnion("name", [AutoScheduler, ...SchedulerChoice.options]),
  ResourceAlone,
]);
export type SchedulerRequest = z.infer<typeof SchedulerRequest>;

/** What a client asked for, as the scheduler that the study has; `why` is null where the client chose it. */
export const resolveScheduler = (
  wanted: SchedulerRequest,
  setting: SchedulerSetting,
): ScheduledWhy | { readonly choice: SchedulerChoice; readonly why: null } => {
  return isAuto(wanted) ? chooseScheduler(wanted, setting) : { choice: wanted, why: null };
};

const isAuto = (wanted: SchedulerRequest): wanted is AutoScheduler =>
  !("name" in wanted) || wanted.name === "auto";

/** What is wrong with a study's choice. */
export const checkScheduler = (choice: SchedulerChoice, setting: SchedulerSetting): FieldError[] =>
  kindOf(choice).check(choice as never, setting);

/** The scheduler that a study chose. */
export const schedulerOf = (choice: SchedulerChoice, executor: SchedulerSetting["executor"]): Scheduler =>
  kindOf(choice).create(choice as never, executor);

/** The kind whose schema has read the choice, so that the choice holds its options. */
const kindOf = (choice: SchedulerChoice): SchedulerKind<never> => schedulers[choice.name];
