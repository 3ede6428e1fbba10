import * as z from "zod";
import { Id } from "../values.ts";
import { Attempt } from "./trial.ts";

/** A message of the dispatch queue: it only names an attempt, the store decides what is to be done with it. */
export const DispatchMessage = z.object({
  version: z.literal(1),
  study: Id,
  trial: z.int().min(0),
  attempt: Attempt,
  /** Present when a state machine waits for the attempt's end. */
  taskToken: z.string().min(1).max(2048).optional(),
});

export type DispatchMessage = z.infer<typeof DispatchMessage>;
