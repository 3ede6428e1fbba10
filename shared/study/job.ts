import type { DispatchMessage } from "../schemas/message.ts";
import type { Job, TrialItem } from "../store/trial.ts";
import { machineOf } from "./execution.ts";
import type { LoadedStudy } from "./study.ts";

/**
 * The job of an attempt whose message is sent next.
 * @param before the previous attempt's job: the machines that wait for it wait for this attempt now.
 */
export const queuedJob = (now: number, before: Job | null = null): Job => ({
  phase: "queued",
  since: now,
  jobId: null,
  bootstrapHash: null,
  tokenHash: null,
  claimant: null,
  taskTokens: before?.taskTokens ?? [],
});

/** Task tokens kept; more than a few only come from redrives and restarts in quick succession. */
const MAX_WAITS = 8;

/** One more task token; no token replaces another: only Step Functions knows which of them are still alive. */
export const withToken = (taskTokens: readonly string[], taskToken: string): readonly string[] =>
  taskTokens.includes(taskToken) ? taskTokens : [...taskTokens, taskToken].slice(-MAX_WAITS);

/** One more state machine waits for the attempt; answering one that waits no longer does no harm. */
export const withWait = (job: Job, taskToken: string | undefined): Job =>
  taskToken === undefined || job.taskTokens.includes(taskToken)
    ? job
    : { ...job, taskTokens: withToken(job.taskTokens, taskToken) };

/** Whether a state machine waits for the end of the trial's current attempt. */
export const isAwaited = (trial: TrialItem): boolean => trial.job !== null && trial.job.taskTokens.length > 0;

/** Whether the job is the one that claimed the attempt, or before any did, the one submitted for it, whose id may be unknown. */
export const isOwnJob = ({ job }: TrialItem, jobId: string): boolean =>
  job?.jobId == null || job.jobId === jobId;

/** The message that lets the dispatcher submit a queued attempt. */
export const messageOf = (trial: TrialItem): DispatchMessage => ({
  version: 1,
  study: trial.study,
  trial: trial.number,
  attempt: trial.attempt,
});

/**
 * Whether the service sends a queued attempt's message. In rounds the state machine sends it first; the service only
 * repeats it once the machine waits for the attempt.
 */
export const isToSend = (study: LoadedStudy, trial: TrialItem): boolean =>
  trial.state === "queued" && trial.job !== null && (machineOf(study) === null || isAwaited(trial));

/** Whether the trial has a job, or is about to get one. */
export const isActive = (trial: TrialItem): boolean =>
  trial.state === "running" || (trial.state === "queued" && trial.job !== null);
