import * as z from "zod";
import { Id } from "./common.ts";

const address = { study: Id, generation: z.int().min(1), rung: z.int().min(0).max(64) };

/** What the halving machine asks the `rounds` Lambda. */
export const RoundsRequest = z.discriminatedUnion("action", [
  z.object({ action: z.literal("open"), ...address }),
  z.object({ action: z.literal("close"), ...address }),
  z.object({ action: z.literal("fail"), ...address, reason: z.string() }),
]);

export type RoundsRequest = z.infer<typeof RoundsRequest>;

/** What the machine runs next: one message a trial, `parallel` at once, each waited for so many seconds. */
export interface OpenedRung {
  readonly rung: number;
  /** The study is over, or another execution runs it: the machine ends. */
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
