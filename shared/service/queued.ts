import type { DispatchMessage } from "../schemas/message.ts";
import type { Job, TrialItem } from "../store/trial.ts";

/** The job of an attempt whose message is on its way. */
export const queuedJob = (now: number, taskToken: string | null = null): Job => ({
  phase: "queued",
  since: now,
  jobId: null,
  bootstrapHash: null,
  tokenHash: null,
  claimant: null,
  taskToken,
});

/** The message that lets the dispatcher submit a queued attempt. */
export const messageOf = (trial: TrialItem): DispatchMessage => ({
  version: 1,
  study: trial.study,
  trial: trial.number,
  attempt: trial.attempt,
  ...(trial.job?.taskToken != null && { taskToken: trial.job.taskToken }),
});

/** Whether the trial has a job, or a message for one is on its way. */
export const isActive = (trial: TrialItem): boolean =>
  trial.state === "running" || (trial.state === "queued" && trial.job !== null);
