import * as z from "zod";
import { STUDY_OR_PART } from "../patterns.ts";
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
