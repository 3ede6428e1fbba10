import type { AttemptRecord } from "../schemas/trial.ts";
import { reasonSentence } from "../sentences/reasons.ts";
import type { TrialItem, TrialPatch } from "../store/trial.ts";
import type { LoadedStudy } from "./study.ts";
import { timestamp } from "./view.ts";

/** Whether no attempt owns the trial any more: it runs, but its lease has expired. */
export const isExpired = (trial: TrialItem, now: number) =>
  trial.state === "running" && trial.leaseExpires !== null && trial.leaseExpires <= now;

/** When a lease that is given or extended now expires, in milliseconds since 1970. */
export const leaseEnd = ({ spec }: LoadedStudy, now: number): number => now + spec.lease.seconds * 1000;

/** Whether the trial fails when its current attempt is lost too. */
export const isLastAttempt = ({ spec }: LoadedStudy, trial: TrialItem): boolean =>
  trial.lost + 1 >= spec.lease.maxAttempts;

/** The trial's attempts that ended without a result, the current one included. */
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
  values: null,
  reason: reasonSentence({ kind: "attempts-lost", lost: trial.lost + 1, last: reason }),
  attempts: lostAttempt(trial, end, reason, now),
  leaseExpires: null,
  finished: now,
});

/** Why an attempt ended that its worker gave no sign of life for. */
export const LEASE_EXPIRED = reasonSentence({ kind: "lease-expired" });
