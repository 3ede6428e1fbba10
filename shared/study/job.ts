import type { DispatchMessage } from "../schemas/message.ts";
import type { Job, TrialItem } from "../store/trial.ts";
import type { LoadedStudy } from "./study.ts";

/**
 * The job of an attempt whose message is on its way.
 * @param before the attempt's predecessor, when machines that wait for it wait for this one now.
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

/** Waits kept for one attempt; more only come of redrives and restarts in quick succession. */
const MAX_WAITS = 8;

/**
 * One more machine waits for the attempt. None is forgotten for another: which of them are still alive only Step
 * Functions know, and answering one that is not does no harm.
 */
export const withWait = (job: Job, taskToken: string | undefined): Job =>
  taskToken === undefined || job.taskTokens.includes(taskToken)
    ? job
    : { ...job, taskTokens: [...job.taskTokens, taskToken].slice(-MAX_WAITS) };

/** Whether a state machine waits for the trial's current attempt, or for word that it is over. */
export const isAwaited = (trial: TrialItem): boolean => trial.job !== null && trial.job.taskTokens.length > 0;

/** The message that lets the dispatcher submit a queued attempt; who waits for it is known already. */
export const messageOf = (trial: TrialItem): DispatchMessage => ({
  version: 1,
  study: trial.study,
  trial: trial.number,
  attempt: trial.attempt,
});

/**
 * Whether a queued attempt's message is ours to send. In rounds the machine sends it when its turn comes; only after that,
 * when it waits, is it ours to send again.
 */
export const isToSend = (study: LoadedStudy, trial: TrialItem): boolean =>
  trial.state === "queued" && trial.job !== null && (study.spec.scheduler.name !== "sha" || isAwaited(trial));

/** Whether the trial has a job, or a message for one is on its way. */
export const isActive = (trial: TrialItem): boolean =>
  trial.state === "running" || (trial.state === "queued" && trial.job !== null);
