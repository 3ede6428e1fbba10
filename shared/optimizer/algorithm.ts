import type { Random } from "../numerics/random.ts";
import type { Space } from "../space/space.ts";

/**
 * The contract between an algorithm and the service. An algorithm is a pure function of the problem, the history and
 * the random numbers it is handed; it knows no store, no clock and no units.
 */

/** Names a study may ask for. The registry has exactly one algorithm a name. */
export type AlgorithmName =
  | "auto"
  | "random"
  | "sobol"
  | "grid"
  | "tpe"
  | "gp"
  | "smac"
  | "rbf"
  | "harmonica"
  | "cma-es"
  | "evolution"
  | "nsga2";

/** What the study wants to know, in the optimizer's terms. */
export interface Problem {
  readonly space: Space;
  /** How many objectives `History.y` has a column for. */
  readonly objectives: number;
  /** How many outcome constraints `History.excess` has a column for; none if left out. */
  readonly outcomes?: number;
  /** Trials the study may run in all, and at once. */
  readonly budget: { readonly trials: number; readonly parallel: number };
  /** The algorithm's own options, validated by its schema. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** A problem as an algorithm receives it, with what it may draw on beside its Random. */
export interface SeededProblem extends Problem {
  /** The study's seed, for what all trials of a study share, as the scrambling of a sequence. */
  readonly seed: number;
  /** The number that the first proposed trial will have; the others follow. */
  readonly firstNumber: number;
  /** What an earlier ask of this study left behind, or null. An answer without it is just as valid, only slower. */
  readonly hint: Hint | null;
  /** Whether the caller's time is up: what is not finished by then falls back, and its `why` says so. */
  readonly isLate: () => boolean;
}

/**
 * What is dear to work out again, as fitted hyperparameters: a start for the next ask, never a fact about the study.
 * Small enough to travel with every ask (a few hundred numbers).
 */
export interface Hint {
  /** Whose it is; an algorithm ignores the hint of another, or of another revision of itself. */
  readonly algorithm: AlgorithmName;
  readonly revision: number;
  /** Trials with a result when it was made. */
  readonly trials: number;
  readonly values: readonly number[];
}

/** What became of a trial, as an algorithm sees it. */
export const TrialKind = { running: 0, completed: 1, pruned: 2, failed: 3 } as const;
export type TrialKind = (typeof TrialKind)[keyof typeof TrialKind];

/**
 * All trials that exist, in order of their number: finished ones, and the running, queued and paused ones, which all
 * count as running. Column arrays, so that 100,000 trials are a few megabytes and cost no garbage.
 */
export interface History {
  /** How many trials. */
  readonly n: number;
  /** Trial numbers, ascending; length n. Imported and enqueued trials have numbers too. */
  readonly number: Uint32Array;
  /** Coordinates in the unit cube by rows, length n * dimension; NaN where a parameter is inactive. */
  readonly x: Float64Array;
  /** Objectives by rows, length n * objectives; lower is better whatever the study's direction; NaN when there is none. */
  readonly y: Float64Array;
  /** How far the trial is outside its outcome constraints (sum of excesses); 0 when feasible, NaN when unknown. */
  readonly violation: Float64Array;
  /**
   * By how much each outcome exceeds its bound, by rows, length n * outcomes: negative within the bound, in the metric's
   * own units; NaN when unknown.
   */
  readonly excess: Float64Array;
  /** A TrialKind a trial. */
  readonly kind: Uint8Array;
  /** The resource at which `y` was measured (the last reported step for pruned trials); NaN without a scheduler. */
  readonly resource: Float64Array;
}

/** One configuration to try. */
export interface Proposal {
  /** Coordinates in the unit cube, one a parameter; NaN where inactive. */
  readonly x: Float64Array;
  /** The algorithm that chose it: what `auto` delegated to, never "auto" itself. */
  readonly algorithm: AlgorithmName;
  /** One clause: "initial design", "expected improvement". */
  readonly why: string;
}

/** What an algorithm answers. */
export interface Answer {
  /** Best first. */
  readonly proposals: Proposal[];
  /** For the next ask; null when there is nothing worth keeping, or nothing new. */
  readonly hint: Hint | null;
}

/** The answer of an algorithm that keeps nothing. */
export const answer = (proposals: Proposal[]): Answer => ({ proposals, hint: null });

export interface Algorithm {
  readonly name: AlgorithmName;
  /** Raised whenever its draws change for the same input; kept in a study's head. */
  readonly revision: number;
  /**
   * Proposes `count` configurations, best first; fewer, or none, only when a finite space holds nothing new.
   * Pure: the same arguments give the same answer. `random` is seeded from the study's seed and the first trial's number.
   * Called by `proposeWith`, which replaces what the space does not allow or what was tried before.
   */
  propose(problem: SeededProblem, history: History, count: number, random: Random): Answer;
}
