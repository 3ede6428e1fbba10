import type { Trial } from "../schemas/trial.ts";
import type { TrialItem } from "../store/trial.ts";
import { isFeasible } from "./outcome.ts";
import type { StudySpec } from "./study.ts";

export const timestamp = (ms: number) => new Date(ms).toISOString();

const timestampOrNull = (ms: number | null) => (ms === null ? null : timestamp(ms));

/** A trial as clients see it: nothing of tokens, fences and jobs. */
export const toTrial = (spec: StudySpec, trial: TrialItem): Trial => ({
  number: trial.number,
  state: trial.state,
  attempt: trial.attempt,
  params: trial.params,
  values: trial.values,
  feasible: isFeasible(spec, trial.values),
  resource: trial.resource,
  worker: trial.worker,
  algorithm: trial.algorithm,
  why: trial.why,
  reason: trial.reason,
  created: timestamp(trial.created),
  leaseExpires: timestampOrNull(trial.leaseExpires),
  finished: timestampOrNull(trial.finished),
  checkpoint: trial.checkpoint,
});
