import type { SchedulerChoice } from "../scheduler/registry.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import type { CreateStudyBody, Executor } from "../schemas/study.ts";
import type { SchedulerWhy } from "../sentences/scheduler-choices.ts";
import type { Space } from "../space/space.ts";

/** What the client asked for, with every default filled in. It never changes, so a warm Lambda keeps it. */
export type StudySpec = Omit<
  Required<CreateStudyBody>,
  "lease" | "repeats" | "budget" | "executor" | "scheduler"
> & {
  readonly team: string;
  readonly created: number;
  readonly seed: number;
  readonly lease: { readonly seconds: number; readonly maxAttempts: number };
  readonly repeats: { readonly attempts: number; readonly failed: number; readonly completed: number };
  readonly executor: Executor;
  readonly scheduler: SchedulerChoice;
  /** Why `auto` chose the scheduler; absent where the client did. */
  readonly schedulerWhy?: SchedulerWhy;
  /** Into how many tables each rung is split, so that reports do not compete (`store/rung-table.ts`). */
  readonly tables: number;
};

/** Every trial has one attempt to fail, and every configuration one trial. */
export const NO_REPEATS: StudySpec["repeats"] = { attempts: 1, failed: 0, completed: 0 };

/** A study as the use cases see it: of the caller's team, its space compiled and its scheduler made. */
export interface LoadedStudy {
  readonly team: string;
  readonly id: string;
  readonly spec: StudySpec;
  readonly space: Space;
  readonly scheduler: Scheduler;
}
