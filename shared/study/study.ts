import type { EarlierResults } from "../optimizer/algorithm.ts";
import type { Rates } from "../prices.ts";
import type { SchedulerChoice } from "../scheduler/registry.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { Runs } from "../schemas/evaluation.ts";
import type { NestedCv } from "../schemas/nested.ts";
import type { CreateStudyBody, Executor } from "../schemas/study.ts";
import type { EarlierStudy, LeftOutReason } from "../schemas/warm-start.ts";
import type { SchedulerWhy } from "../sentences/scheduler-choices.ts";
import type { Space } from "../space/space.ts";

/** What the client asked for, with every default filled in. It never changes, so a warm Lambda keeps it. */
export type StudySpec = Omit<
  Required<CreateStudyBody>,
  "lease" | "repeats" | "budget" | "executor" | "scheduler" | "evaluation" | "warmStart"
> & {
  readonly team: string;
  readonly created: number;
  readonly seed: number;
  readonly lease: { readonly seconds: number; readonly maxAttempts: number };
  readonly repeats: { readonly attempts: number; readonly failed: number; readonly completed: number };
  readonly executor: Executor;
  /** Absent where a configuration is one trial. */
  readonly evaluation?: Runs;
  readonly scheduler: SchedulerChoice;
  /** Why `auto` chose the scheduler; absent where the client did. */
  readonly schedulerWhy?: SchedulerWhy;
  /** Absent where the study is no nested cross-validation. */
  readonly nested?: NestedSpec;
  /** What was taken of earlier studies; absent where none was named. The results are in an item of their own (`store/earlier.ts`). */
  readonly warmStart?: { readonly studies: readonly TakenStudy[] };
  /** Which firing of which sweep created it; absent where a client did. */
  readonly sweep?: { readonly sweep: string; readonly firing: string };
  /** Into how many tables each rung is split, so that reports do not compete (`store/rung-table.ts`). */
  readonly tables: number;
};

/** Nested cross-validation, with every default filled in. */
export interface NestedSpec extends Omit<NestedCv, "outer" | "inner" | "seed"> {
  readonly outer: Required<NestedCv["outer"]>;
  readonly inner: Required<NestedCv["inner"]>;
  readonly seed: number;
}

/** What was taken of an earlier study: see the schema of the same name. */
export interface TakenStudy extends EarlierStudy {
  readonly trials: number;
  readonly used: number;
  readonly leftOut: readonly LeftOut[];
  readonly unknown: readonly string[];
  readonly ignored: readonly string[];
}

/** Trials of an earlier study that are not used, and the parameters that are the reason, if some are. */
export interface LeftOut {
  readonly reason: LeftOutReason;
  readonly trials: number;
  readonly parameters?: readonly string[];
}

/** Every trial has one attempt to fail, and every configuration one trial. */
export const NO_REPEATS: StudySpec["repeats"] = { attempts: 1, failed: 0, completed: 0 };

/** Which part of which nested cross-validation a study is. */
export interface StudyPart {
  readonly nested: NestedSpec;
  readonly index: number;
  /** How far a refit runs: as far as the scheduler lets any trial run; null without a resource. */
  readonly resource: number | null;
}

/** A study as the use cases see it: of the caller's team, its space compiled and its scheduler made. */
export interface LoadedStudy {
  readonly team: string;
  readonly id: string;
  readonly spec: StudySpec;
  readonly space: Space;
  readonly scheduler: Scheduler;
  /** What its machines cost in this deployment; the market's of a batch study. */
  readonly rates: Rates;
  /** The results of earlier studies that it began with; absent where it named none. */
  readonly earlier?: readonly EarlierResults[];
  /** Which part of which nested cross-validation it is; absent of a study that clients name. */
  readonly part?: StudyPart;
}
