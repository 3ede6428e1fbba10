import type * as z from "zod";
import type { FieldError } from "../errors.ts";
import type { Reason } from "../sentences/reasons.ts";

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
  create(options: Options): Scheduler;
}

/** What of a study may speak against a scheduler. */
export interface SchedulerSetting {
  readonly executor: "client" | "batch";
  readonly objectives: number;
  /** The budget of trials. */
  readonly trials: number;
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

/** What one trial came to at a rung. */
export interface Standing {
  readonly trial: number;
  /** One cost per objective, lower is better; empty for a trial that failed. */
  readonly costs: readonly number[];
  /** How far outside the outcome constraints, 0 when feasible; NaN when unknown. */
  readonly violation: number;
}

/** A report of a running trial, as a scheduler sees it. */
export interface SchedulerReport {
  readonly place: Place | null;
  readonly step: number;
  readonly standing: Standing;
}

/** The answer to a report, and the changes that carry it out. */
export interface Verdict {
  /** `stop` prunes the trial with the reported values; `pause` parks it with them, until its rung is decided. */
  readonly decision: "continue" | "stop" | "pause";
  readonly reason: Reason;
  /** The rung whose table records this report; null when it records nothing. */
  readonly records: RungPlace | null;
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

export interface Scheduler {
  /** How a state machine runs the trials in synchronous rounds; null when reports and asks carry the study. */
  readonly rounds: Rounds | null;
  /** Where the trial of that number begins; null: it runs to its own end, without a resource. */
  start(trial: number): Place | null;
  /** The rung whose table `report` looks at; null when it needs none. */
  watches(place: Place | null, step: number): RungPlace | null;
  /** @param table what the watched rung holds so far, this trial's standing not included; empty when none is watched. */
  report(report: SchedulerReport, table: readonly Standing[]): Verdict;
  /** @param place the trial's when its attempt ended, with values or as failed. */
  end(place: Place | null): TrialEnd;
}

/** The state machines of `infra/machines/` that run trials. */
export type Machine = "halving";

/** Synchronous rounds: all trials of a rung end, then the best of them go on to the next. */
export interface Rounds {
  readonly machine: Machine;
  /** Name of the resource. */
  readonly unit: string;
  /** Resource per rung, rising. */
  readonly resources: readonly number[];
  /** Decides a rung whose trials have all ended. */
  close(rung: number, standings: readonly Standing[]): Ranking;
}

export interface Ranking {
  /** Every trial of the rung, best first; those that failed come last. */
  readonly order: readonly number[];
  /** The trials that go on: the first ones of `order`. */
  readonly promoted: readonly number[];
}
