import type * as z from "zod";
import type { FieldError } from "../errors.ts";
import type { Reason } from "../sentences/reasons.ts";
import type { Brackets } from "./ladder.ts";
import type { Comparison, Rung } from "./rung-table.ts";
import type { Standing } from "./standing.ts";

/**
 * The contract between a scheduler and the service. A scheduler allots resource (epochs, rows, folds) to trials: where a
 * trial begins, what a report is answered, what the end of an attempt makes of the trial. It is a pure function of its
 * options, the trial's place and the rung table; it knows no store and no clock. What it decides is data: the service
 * writes it.
 */
export interface SchedulerKind<Options> {
  readonly name: string;
  /** What it does, in one sentence for the API's documentation. */
  readonly summary: string;
  /** Raised whenever it decides differently on the same input; kept in a study's head. */
  readonly revision: number;
  /** Schemas of its own options, which stand beside `name` in a study's `scheduler`. */
  readonly options: z.ZodRawShape;
  /** What is wrong with the options, by themselves or for such a study. */
  check(options: Options, study: SchedulerSetting): FieldError[];
  create(options: Options, executor: SchedulerSetting["executor"]): Scheduler;
}

/** What of a study may speak against a scheduler. */
export interface SchedulerSetting {
  readonly executor: "client" | "batch";
  readonly objectives: number;
  /** The budget of trials. */
  readonly trials: number;
  /** Whether its algorithm goes on from the checkpoints of other trials; false if left out. */
  readonly continues?: boolean;
}

/**
 * A rung of one of the ladders of a study. Brackets and rungs are numbered from 0 without gaps: a rung gets its first entry
 * after the rung below it, so that those of a study can be found and deleted.
 */
export interface RungPlace {
  readonly bracket: number;
  readonly rung: number;
}

/** Where a trial is: its rung, and how far it runs there, in the study's unit. */
export interface Place extends RungPlace {
  readonly resource: number;
}

/** A report of a running trial, as a scheduler sees it. */
export interface SchedulerReport {
  readonly place: Place | null;
  readonly step: number;
  readonly standing: Standing;
  /** What the trial came to at the rungs that recorded it before, in their order. */
  readonly earlier: readonly Standing[];
}

/** The answer to a report, and the changes that carry it out. */
export interface Verdict {
  /** `stop` prunes the trial with the reported values; `pause` parks it with them, until its rung is decided. */
  readonly decision: "continue" | "stop" | "pause";
  readonly reason: Reason;
  /** How the trial compared with others; absent when it was not compared. */
  readonly comparison?: Comparison;
  /** The rung whose table records this report; null when it records nothing. */
  readonly records: RungPlace | null;
  /** What is recorded there; what the trial reported when left out. */
  readonly entry?: Standing;
  /** Where the trial is from now on; unchanged when left out. */
  readonly place?: Place;
}

/** What an attempt's end makes of the trial. */
export interface TrialEnd {
  /** After values. `paused`: the trial waits at its rung for its promotion or its end. A trial that failed has failed. */
  readonly state: "completed" | "paused";
  /** Why it waits; null when it is done. */
  readonly reason: Reason | null;
  /** The rung whose table records the values, or the failure; null when it records nothing. */
  readonly records: RungPlace | null;
}

/** How far a study is, as far as it matters to who goes on. */
export interface Progress {
  /** Trials created so far, without those that were imported. */
  readonly trials: number;
  /** Whether more may be created. */
  readonly mayStart: boolean;
  /** Trials that run or wait to. */
  readonly busy: number;
}

/** Any rung of the study by its place; an empty one where nothing has come yet. */
export type Rungs = (place: RungPlace) => Rung;

/** A paused trial that goes on. */
export interface Resumption {
  readonly trial: number;
  /** The rung where it waits. */
  readonly from: RungPlace;
  readonly place: Place;
}

export interface Scheduler {
  /** How state machines run the trials in synchronous rounds; null when reports and asks carry the study. */
  readonly rounds: Rounds | null;
  /** The resources at which trials are compared, rising; empty without a resource. */
  readonly levels: readonly number[];
  /** Of the trials of a rung, one in so many goes on; null where no fixed share does. */
  readonly eta: number | null;
  /** Where trials are segments of longer runs: how much further each of them runs, and where a run ends. */
  readonly segments?: { readonly length: number; readonly end: number };
  /** Whether state machines run the segments generation by generation; false if left out. */
  readonly inGenerations?: boolean;
  /**
   * Where a trial begins; null: it runs to its own end, without a resource.
   * @param ordinal as in `Brackets`.
   * @param wanted how far whoever proposed it wants it to run, for schedulers that let a model choose; none by default.
   * @param bracket the bracket that whoever proposed it puts it into, where trials are segments.
   */
  start(ordinal: number, wanted?: number, bracket?: number): Place | null;
  /** The next step that a trial at this place is worth reporting at; null when there is none. */
  nextStep(place: Place | null): number | null;
  /** The rung whose table `report` looks at; null when it needs none. */
  watches(place: Place | null, step: number): RungPlace | null;
  /** How many waiting trials each table of a rung keeps; 0 where none waits. */
  keeps(place: RungPlace): number;
  /** @param rung the watched one so far, without this report; an empty one when none is watched. */
  report(report: SchedulerReport, rung: Rung): Verdict;
  /** @param place the trial's when its attempt ended, with values or as failed. */
  end(place: Place | null): TrialEnd;
  /** The first bracket whose trials may still go on. @param trials how many were created so far. */
  firstBracket(trials: number): number;
  /**
   * The paused trials of which a model of all learning curves chooses who goes on, as long as new ones may begin. Where it is left
   * out, and once none may begin, `resume` decides alone.
   */
  candidates?(rungs: Rungs, progress: Progress): Resumption[];
  /** The study ends where that model expects less gain of a full run than this (`Choices.gain`). */
  readonly leastGain?: number;
  /** The paused trials that go on now, at most `count`, the most promising first. */
  resume(rungs: Rungs, progress: Progress, count: number): Resumption[];
}

/**
 * Synchronous rounds: all trials of a rung end, then the best of them go on to the next. State machines run them
 * (`infra/machines/`), one execution a bracket.
 */
export interface Rounds {
  /** Name of the resource. */
  readonly unit: string;
  /** The ladders, which trials begin in which, and the resource per rung. */
  readonly brackets: Brackets;
  /** Decides a rung whose trials have all ended. */
  close(place: RungPlace, standings: readonly Standing[]): Ranking;
}

export interface Ranking {
  /** Every trial of the rung, best first; those that failed come last. */
  readonly order: readonly number[];
  /** The trials that go on: the first ones of `order`. */
  readonly promoted: readonly number[];
}
