import * as z from "zod";
import { Id } from "../values.ts";

/** Brackets and rungs; a ladder has no more rungs than this, because its resource is at least doubled. */
const MOST_RUNGS = 64;
const MOST_BRACKETS = 1_000_000;

const start = { study: Id, generation: z.int().min(1) };
const address = {
  ...start,
  bracket: z.int().min(0).max(MOST_BRACKETS),
  rung: z.int().min(0).max(MOST_RUNGS),
};
const chunk = { chunk: z.int().min(0), of: z.int().min(1) };

/** What a state machine of rounds sends to the `rounds` Lambda. */
export const RoundsRequest = z.discriminatedUnion("action", [
  z.object({ action: z.literal("plan"), ...start, bracket: address.bracket, begun: z.int().min(0) }),
  z.object({ action: z.literal("open"), ...address, parallel: z.int().min(1) }),
  z.object({ action: z.literal("list"), ...address, ...chunk }),
  z.object({ action: z.literal("close"), ...address }),
  z.object({ action: z.literal("fail"), ...start, rung: address.rung.optional(), reason: z.string() }),
]);

export type RoundsRequest = z.infer<typeof RoundsRequest>;

/** A bracket that runs now. */
export interface PlannedBracket {
  readonly bracket: number;
  /** Of its trials so many run at once, at most. */
  readonly parallel: number;
  /** How long the machine waits for it. */
  readonly timeoutSeconds: number;
}

/** The brackets that run next, side by side. */
export interface PlannedBrackets {
  readonly brackets: readonly PlannedBracket[];
  /** The bracket after them. */
  readonly bracket: number;
  /** How many this execution has begun. */
  readonly begun: number;
  /** The study has ended, or another execution runs it: the machine ends. */
  readonly done: boolean;
}

/** The trials of a rung that are to run, in parts of which each is an execution of its own; the machine asks for those of a part. */
export interface OpenedRung {
  readonly rung: number;
  /** The bracket has ended, or another execution runs it: the machine ends. */
  readonly done: boolean;
  readonly chunks: readonly { readonly chunk: number; readonly of: number; readonly parallel: number }[];
}

/** What the machine runs: one message per trial, and how many seconds it waits for each. */
export interface ListedTrials {
  readonly trials: readonly { readonly trial: number; readonly attempt: number }[];
  readonly timeoutSeconds: number;
}

/** The rung to open next: the following one, or the same again while it is not complete. */
export interface ClosedRung {
  readonly rung: number;
  readonly done: boolean;
}

/** What the Lambda answers. */
export type RoundsReply = PlannedBrackets | OpenedRung | ListedTrials | ClosedRung | null;
