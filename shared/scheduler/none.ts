import type { SchedulerKind } from "./scheduler.ts";

/** Every trial runs to its own end. */
export const none = {
  name: "none",
  summary: "Every trial runs to its end.",
  revision: 1,
  options: {},
  check: () => [],
  create: () => ({
    rounds: null,
    start: () => null,
    watches: () => null,
    report: () => ({ decision: "continue", reason: { kind: "no-scheduler" }, records: null }),
    end: () => ({ state: "completed", reason: null, records: null }),
  }),
} as const satisfies SchedulerKind<object>;
