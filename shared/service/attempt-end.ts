import type { Change } from "../store/store.ts";
import type { TrialItem, TrialPatch } from "../store/trial.ts";
import type { ServiceDeps } from "./deps.ts";
import type { Outcome } from "./outcome.ts";
import type { LoadedStudy } from "./study.ts";

/** What an outcome does to the trial, and to the items that go with it. */
export interface End {
  readonly patch: TrialPatch & { readonly state: TrialItem["state"] };
  readonly changes: readonly Change[];
}

/** The end of the current attempt with a result. */
export const endOf = (_study: LoadedStudy, _trial: TrialItem, outcome: Outcome, now: number): End => ({
  patch: {
    ...(outcome.state === "completed"
      ? { state: "completed" as const, values: outcome.values }
      : { state: "failed" as const, reason: outcome.reason }),
    leaseExpires: null,
    finished: now,
  },
  changes: [],
});

/** What follows from an attempt's end once it is committed. Repeating it is harmless. */
export const afterEnd = async (
  _deps: ServiceDeps,
  _study: LoadedStudy,
  _trial: TrialItem,
): Promise<void> => {};

/** What follows from enqueued trials: a started batch study dispatches them. */
export const afterEnqueue = async (_deps: ServiceDeps, _study: LoadedStudy): Promise<void> => {};
