import type { Scheduler, SchedulerKind } from "./scheduler.ts";

/** A scheduler that never pauses a trial, and looks at no rung. */
export const unscheduled: Scheduler = {
  rounds: null,
  levels: [],
  eta: null,
  start: () => null,
  nextStep: () => null,
  watches: () => null,
  keeps: () => 0,
  report: () => ({ decision: "continue", reason: { kind: "no-scheduler" }, records: null }),
  end: () => ({ state: "completed", reason: null, records: null }),
  firstBracket: () => 0,
  resume: () => [],
};

/** Every trial runs to its own end. */
export const none = {
  name: "none",
  summary: "Every trial runs to its end.",
  revision: 1,
  options: {},
  check: () => [],
  create: () => unscheduled,
} as const satisfies SchedulerKind<object>;
