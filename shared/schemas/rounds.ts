import * as z from "zod";
import { StudyOrPart } from "./message.ts";

/** Brackets and rungs; a ladder has no more rungs than this, because its resource is at least doubled. */
const MOST_RUNGS = 64;
const MOST_BRACKETS = 1_000_000;

/** More than the outer folds of any study. */
const MOST_FOLDS = 1000;

const start = { study: StudyOrPart, generation: z.int().min(1) };
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
  z.object({ action: z.literal("folds"), ...start }),
  z.object({ action: z.literal("fold"), ...start, fold: z.int().min(0).max(MOST_FOLDS) }),
  z.object({ action: z.literal("wave"), ...start, begun: z.int().min(0) }),
  z.object({ action: z.literal("wave-list"), ...start, ...chunk }),
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

/** The outer folds of nested cross-validation that are not over; none when another execution runs the study. */
export interface PlannedFolds {
  readonly folds: readonly { readonly fold: number; readonly timeoutSeconds: number }[];
}

/**
 * What an outer fold needs next: `rounds`, a machine runs the brackets of its search; `wait`, the trials of a part are on their way;
 * `done`, it is over, or another execution runs the study.
 */
export interface OpenedFold {
  readonly next: "rounds" | "wait" | "done";
  /** The part, which of its starts this is, and how long the machine waits for it. */
  readonly part: string;
  readonly generation: number;
  readonly timeoutSeconds: number;
}

/** The segments of a generation that are to run, in parts of which each is an execution of its own. */
export interface OpenedWave {
  readonly chunks: OpenedRung["chunks"];
  /** How many generations this execution has begun. */
  readonly begun: number;
  /** The study has ended, or another execution runs it: the machine ends. */
  readonly done: boolean;
}

/** What the Lambda answers. */
export type RoundsReply =
  | PlannedBrackets
  | OpenedRung
  | ListedTrials
  | ClosedRung
  | PlannedFolds
  | OpenedFold
  | OpenedWave
  | null;
