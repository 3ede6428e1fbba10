import type * as z from "zod";
import type { FieldError } from "../errors.ts";
import type { Random } from "../numerics/random.ts";
import type { Space } from "../space/space.ts";

/**
 * The contract between an algorithm and the service. An algorithm is a pure function of the problem, the history and
 * the random numbers it is given; it knows no store, no clock and no units.
 */

/** What the study wants to know, in the optimizer's terms. */
export interface Problem {
  readonly space: Space;
  /** How many objectives `History.y` has a column for. */
  readonly objectives: number;
  /** How many outcome constraints `History.excess` has a column for; none if left out. */
  readonly outcomes?: number;
  /** Trials the study may run in total, and at once. */
  readonly budget: { readonly trials: number; readonly parallel: number };
  /** How many runs a configuration may get, where a study has several; one if left out. */
  readonly runs?: number;
  /** On how many different instances they are: the first so many, and then again with other seeds. All are different if left out. */
  readonly instances?: number;
  /** Which configurations may be tried once more when nothing new is left; none if left out. */
  readonly repeats?: Repeats;
  /** Of the trials of a level, one in so many goes on; unknown if left out. */
  readonly eta?: number;
  /** At which of `Levels.resources` each proposed trial will be compared first, in their order; the lowest if left out. */
  readonly starts?: readonly number[];
  /** How trials go on from one another, where each of them is a segment of a longer run. */
  readonly segments?: Segments;
  /** What other studies found out about similar problems; they are no trials of this one. None if left out. */
  readonly earlier?: readonly EarlierResults[];
}

/**
 * Results of one earlier study, in this study's space: distinct points, best first. How similar its problem is is unknown, and so
 * are the units of its objectives; only their order within the study can be relied on.
 */
export interface EarlierResults {
  /** How many results, at least 2. */
  readonly n: number;
  /** Coordinates in the unit cube by rows, length n * dimension; NaN where a parameter is inactive or unknown. */
  readonly x: Float64Array;
  /** Objectives by rows, length n * objectives; finite, lower is better. */
  readonly y: Float64Array;
  /** 1 for each parameter that the earlier study did not have; length dimension. */
  readonly unknown: Uint8Array;
}

/** Runs that are cut into segments, in the scheduler's unit. */
export interface Segments {
  /** How much further each trial runs than the one that it goes on from; the last one as far as is left. */
  readonly length: number;
  /** Where a run ends. */
  readonly end: number;
}

/** Further trials that a configuration may get. */
export interface Repeats {
  /** After all its trials failed. */
  readonly failed: number;
  /** After one of them completed. */
  readonly completed: number;
}

/** A problem as an algorithm receives it: with its options, and what it may use in addition to its Random. */
export interface SeededProblem<Options = unknown> extends Problem {
  /** The algorithm's own options as the client gave them; what is left out has the algorithm's default. */
  readonly options: Options;
  /** The study's seed, for what all trials of a study share, as the scrambling of a sequence. */
  readonly seed: number;
  /** The number that the first proposed trial will have; the others follow. */
  readonly firstNumber: number;
  /** What an earlier ask of this study left behind, or null. An answer without it is just as valid, only slower. */
  readonly hint: Hint | null;
  /** Whether the caller's time is up. An algorithm then answers with what it has. */
  readonly isLate: () => boolean;
}

/**
 * What is expensive to recompute, as fitted hyperparameters: a start for the next ask, never a fact about the study.
 * Small enough to be read and written with every ask (a few hundred numbers).
 */
export interface Hint {
  /** The algorithm that made it; others, and other revisions of the same one, ignore it. */
  readonly algorithm: string;
  readonly revision: number;
  /** Trials with a result when it was made. */
  readonly trials: number;
  readonly values: readonly number[];
}

/** What became of a trial, as an algorithm sees it. */
export const TrialKind = { running: 0, completed: 1, pruned: 2, failed: 3 } as const;
export type TrialKind = (typeof TrialKind)[keyof typeof TrialKind];

/**
 * All trials that exist, in order of their number: finished ones, the running and queued ones, which count as
 * running, and the paused ones, which count as pruned. Column arrays, so that 100,000 trials are a few megabytes and cause no garbage collection. Columns
 * marked with `?` are absent when no trial of the study has such a value.
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
  /** One TrialKind per trial. A result far outside the others counts as failed (`common/far-outside.ts`); its `y` is kept. */
  readonly kind: Uint8Array;
  /** The resource at which `y` was measured (the last reported step for pruned trials); NaN without a scheduler. */
  readonly resource: Float64Array;
  /**
   * How many results a row is the mean of, at least 1: an algorithm gets trials of the same point as one row
   * (`common/duplicates.ts`). Absent when there are no duplicates, and in the history that a caller gives; length n.
   */
  readonly results?: Uint32Array;
  /** The number of the trial that a trial was derived from (not its row), -1 when it has none; length n. */
  readonly parent?: Int32Array;
  /** 1 where a trial holds a committed checkpoint, so that others may go on from it; length n. */
  readonly checkpoint?: Uint8Array;
  /**
   * The bracket of the scheduler that a trial runs in, from 0; -1 when it is in none; length n. Where trials are segments, the
   * member of the population that each belongs to, and its generation is the rung.
   */
  readonly bracket?: Int32Array;
  /** The highest rung of its bracket that a trial has reached, from 0; -1 when it has reached none; length n. */
  readonly rung?: Int32Array;
  /** Which of the study's runs (on a data set, a fold, with a seed) a trial is, from 0; -1 when unknown; length n. */
  readonly instance?: Int32Array;
  /** The number of the first trial of a trial's configuration (not its row), -1 when it was imported; length n. */
  readonly configuration?: Int32Array;
  /** The race that a trial was run for, from 1; -1 when for none; length n. */
  readonly iteration?: Int32Array;
  /**
   * Derivatives of the objective (of the first, if there are several) by rows, length n * dimension: per coordinate of the
   * unit cube, in the units of `y`, so that lower is better; NaN when unknown, and where a parameter is inactive.
   */
  readonly gradient?: Float64Array;
  /** What trials came to at the resources at which their scheduler compares them. */
  readonly levels?: Levels;
}

/** What trials came to on their way to their end. */
export interface Levels {
  /** The resources, in the scheduler's unit, rising. */
  readonly resources: readonly number[];
  /**
   * Objectives by rows and within a row by levels: `(row * resources.length + level) * objectives + j`; lower is better, NaN where a
   * trial has not come to a level.
   */
  readonly value: Float64Array;
}

/** One configuration to try, as an algorithm proposes it. */
export interface Draft {
  /** Coordinates in the unit cube, one per parameter; NaN where inactive. */
  readonly x: Float64Array;
  /** The algorithm that chose it: what `auto` delegated to, never "auto" itself. */
  readonly algorithm: string;
  /** One clause: "initial design", "expected improvement". */
  readonly why: string;
  /**
   * Whether time ran out before the search for it was finished. An algorithm that knows this of each trial says so; if it
   * is left out, all trials of an ask whose time ran out count as cut short.
   */
  readonly cutShort?: boolean;
  /** The number of the trial that it is derived from, for algorithms that copy or continue trials. */
  readonly parent?: number;
  /** How far to run it, in the scheduler's unit, for algorithms that choose fidelities themselves. */
  readonly resource?: number;
  /** Of a segment: the member of the population that it belongs to; a new one if left out. */
  readonly bracket?: number;
  /** Which of the study's runs it is, from 0, for algorithms that race over instances. */
  readonly instance?: number;
  /** The number of the first trial of the configuration that is run; of the trial itself if left out. */
  readonly configuration?: number;
  /** The race it is run for, from 1. */
  readonly iteration?: number;
}

/** One configuration to try, as a caller of the optimizer receives it: allowed, new and snapped. */
export interface Proposal extends Draft {
  readonly cutShort: boolean;
}

/** What an algorithm answers. */
export interface Answer<P extends Draft = Draft> {
  /** Best first. */
  readonly proposals: P[];
  /** For the next ask; null when there is nothing worth keeping, or nothing new. */
  readonly hint: Hint | null;
  /** Of an algorithm that races: fewer were proposed than wanted because it waits for results. */
  readonly waits?: boolean;
}

/** How a race begins. */
export interface FirstRace {
  /** How many configurations it has. */
  readonly entrants: number;
  /** The instance that it takes first. */
  readonly instance: number;
  readonly iteration: number;
}

/** The answer of an algorithm that keeps nothing. */
export const answer = (proposals: Draft[]): Answer => ({ proposals, hint: null });

/** The schemas of an algorithm's own options, which stand beside `name` and `seed` in a study. */
export type OptionSchemas = z.ZodRawShape;

/** The values of options, of their schemas. */
export type OptionsOf<Schemas extends OptionSchemas> = z.infer<z.ZodObject<Schemas>>;

export interface Algorithm<Schemas extends OptionSchemas = OptionSchemas> {
  readonly name: string;
  /** Raised whenever its draws change for the same input; kept in a study's head. */
  readonly revision: number;
  /** Its own options, all of them optional; each is documented in the API by its schema. */
  readonly options: Schemas;
  /** Whether it looks only at which points were tried: then no time is spent on duplicates and results far outside. */
  readonly ignoresResults?: boolean;
  /**
   * Whether its trials are segments that go on from the checkpoints of others. It then gets every trial as it is, may propose a point
   * once more, and proposes fewer than wanted where nothing can go on yet.
   */
  readonly continues?: boolean;
  /**
   * What it makes of told gradients; nothing if left out. It learns from them as it does from results, or it follows them from trial to
   * trial: then, where they are told, it gets each trial as it is, those of the same point and far outside included.
   */
  readonly gradients?: "learns" | "follows";
  /**
   * Whether it decides which runs a configuration gets, and when there is nothing to run until results are in. It sees every run, and
   * its proposals are taken as they are.
   */
  readonly races?: boolean;
  /** Of an algorithm that races: how configurations of the client enter its first race; they cannot if left out. */
  firstRace?(options: OptionsOf<Schemas>, problem: Problem, seed: number): FirstRace;
  /**
   * What is wrong with options that are each valid, on this problem; nothing if left out.
   * @returns faults whose pointers begin at the options: "/degree".
   */
  check?(options: OptionsOf<Schemas>, problem: Problem): readonly FieldError[];
  /**
   * The options with defaults that depend on the study as it is created, and must not change with its budget later; the options
   * as they are if left out.
   */
  complete?(options: OptionsOf<Schemas>, problem: Problem): OptionsOf<Schemas>;
  /**
   * Proposes `count` configurations, best first; fewer, or none, only when a finite space holds nothing new.
   * Pure: the same arguments give the same answer. `random` is seeded from the study's seed and the first trial's number.
   * Called by `proposeWith`, which replaces what the space does not allow or what was tried before.
   */
  propose(
    problem: SeededProblem<OptionsOf<Schemas>>,
    history: History,
    count: number,
    random: Random,
  ): Answer;
}
