import * as z from "zod";
import { SCHEDULED_TIME, STUDY_OR_PART } from "../patterns.ts";
import { Id, SafeInt, Timestamp } from "../values.ts";
import { Attempt } from "./trial.ts";

/** A study, or a part of one, in messages and in the state of machines. */
export const StudyOrPart = z.string().regex(new RegExp(`^${STUDY_OR_PART}$`));

const version = z.literal(1);
/** With it a state machine is told that it need not wait any longer. */
const taskToken = z.string().min(1).max(2048);

/** A message of the dispatch queue: it only names an attempt, the store decides what is to be done with it. */
export const DispatchMessage = z.object({
  version,
  study: StudyOrPart,
  trial: z.int().min(0),
  attempt: Attempt,
  /** Present when a state machine waits for the attempt's end. */
  taskToken: taskToken.optional(),
});

export type DispatchMessage = z.infer<typeof DispatchMessage>;

/** A state machine waits until a part of nested cross-validation is over. */
export const WaitMessage = z.strictObject({ version, study: StudyOrPart, taskToken });

export type WaitMessage = z.infer<typeof WaitMessage>;

export const QueueMessage = z.union([DispatchMessage, WaitMessage]);

export type QueueMessage = z.infer<typeof QueueMessage>;

/** A firing of a sweep, as its schedule sends it. An emulator may leave the time as it is. */
export const FiringMessage = z.strictObject({
  version,
  sweep: Id,
  revision: SafeInt,
  scheduled: z.union([Timestamp, z.literal(SCHEDULED_TIME)]),
});

/** Something may be left to do of sweeps. */
export const AttendMessage = z.strictObject({ version, attend: z.literal("all") });

export const SweepMessage = z.union([FiringMessage, AttendMessage]);

export type FiringMessage = z.infer<typeof FiringMessage>;
export type AttendMessage = z.infer<typeof AttendMessage>;
export type SweepMessage = z.infer<typeof SweepMessage>;
