import type { AttemptRecord } from "../schemas/trial.ts";
import type { ServiceDeps } from "../service/core/deps.ts";
import { readOpen, type Snapshot } from "../service/core/snapshot.ts";
import { ConditionFailed } from "../store/store.ts";
import { changeTrial, type TrialItem, type TrialPatch } from "../store/trial.ts";
import type { LoadedStudy } from "./study.ts";
import { timestamp } from "./view.ts";

/** Whether nobody owns the trial any more: it runs, but its lease is over. */
export const isExpired = (trial: TrialItem, now: number) =>
  trial.state === "running" && trial.leaseExpires !== null && trial.leaseExpires <= now;

/** Whether losing the current attempt too would be one attempt too many. */
export const isLastAttempt = (study: LoadedStudy, trial: TrialItem) =>
  trial.lost + 1 >= study.spec.lease.maxAttempts;

/** The record of the current attempt, lost. */
export const lostAttempt = (
  trial: TrialItem,
  end: AttemptRecord["end"],
  reason: string,
  now: number,
): readonly AttemptRecord[] => [
  ...trial.attempts,
  { attempt: trial.attempt, end, reason, jobId: trial.job?.jobId ?? null, at: timestamp(now) },
];

/** The end of a trial whose last attempt was lost. */
export const outOfAttempts = (
  trial: TrialItem,
  end: "expired" | "interrupted",
  reason: string,
  now: number,
): TrialPatch & { readonly state: "failed" } => ({
  state: "failed",
  reason: `All ${trial.lost + 1} attempts were lost; the last one: ${reason}`,
  attempts: lostAttempt(trial, end, reason, now),
  leaseExpires: null,
  finished: now,
});

export const LEASE_RAN_OUT = "The lease ran out without a report, heartbeat or tell.";

/**
 * Ends the trials of a client study whose last attempt has expired, so that a study whose workers all died finishes.
 * Trials with attempts left stay as they are: the next ask takes them.
 */
export const settleExpired = async (deps: ServiceDeps, snapshot: Snapshot): Promise<Snapshot> => {
  const { study } = snapshot;
  if (study.spec.executor.type !== "client") return snapshot;
  const now = deps.clock();
  const dead = snapshot.trials.filter((trial) => isExpired(trial, now) && isLastAttempt(study, trial));
  if (dead.length === 0) return snapshot;
  for (const trial of dead) {
    try {
      const patch = outOfAttempts(trial, "expired", LEASE_RAN_OUT, now);
      await deps.store.transact([changeTrial(trial, patch, stillExpired(now))]);
    } catch (error) {
      // Told or taken meanwhile: what happened stands.
      if (!(error instanceof ConditionFailed)) throw error;
    }
  }
  return readOpen(deps, study);
};

/** Guards against a heartbeat that came between the read and the write. */
export const stillExpired = (now: number) => ({ expression: "#leaseExpires <= :now", values: { now } });
