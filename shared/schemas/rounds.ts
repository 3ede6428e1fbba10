import * as z from "zod";
import { Id } from "../values.ts";

const address = {
  study: Id,
  generation: z.int().min(1),
  /** Which ladder; machines that run one leave it out. */
  bracket: z.int().min(0).max(64).default(0),
  rung: z.int().min(0).max(64),
};

/** What a state machine of rounds sends to the `rounds` Lambda. */
export const RoundsRequest = z.discriminatedUnion("action", [
  z.object({ action: z.literal("open"), ...address }),
  z.object({ action: z.literal("close"), ...address }),
  z.object({ action: z.literal("fail"), ...address, reason: z.string() }),
]);

export type RoundsRequest = z.infer<typeof RoundsRequest>;

/** What the machine runs next: one message per trial, `parallel` at once, and how many seconds it waits for each. */
export interface OpenedRung {
  readonly rung: number;
  /** The study has ended, or another execution runs it: the machine ends. */
  readonly done: boolean;
  readonly trials: readonly { readonly trial: number; readonly attempt: number }[];
  readonly parallel: number;
  readonly timeoutSeconds: number;
}

/** The rung to open next: the following one, or the same again while it is not complete. */
export interface ClosedRung {
  readonly rung: number;
  readonly done: boolean;
}
