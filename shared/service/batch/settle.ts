import { type Ending, endingOf, hasEnded, secondsRun } from "../../executor/batch/ending.ts";
import { parseJobName } from "../../executor/batch/job-name.ts";
import type { BatchJob } from "../../schemas/batch-event.ts";
import { trialKey } from "../../store/keys.ts";
import { ConditionFailed } from "../../store/store.ts";
import { changeTrial, readTrialItem, sameJob, type TrialItem } from "../../store/trial.ts";
import { type LoadedStudy, loadStudyById } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { afterEnd, type End, endOf, lossOf, secondsSinceClaim } from "./after-end.ts";
import { failInfra } from "./infra-failure.ts";

const MAX_TRIES = 5;

/**
 * Takes in what became of a job. Events come late, twice, out of order or never, so nothing depends on their order: only
 * the job of a running trial's current attempt counts, and only its end changes anything. A told result stands whatever
 * its job does afterwards.
 */
export const settleJob = async (deps: ServiceDeps, job: BatchJob): Promise<void> => {
  const address = parseJobName(job.jobName);
  if (address === null) return;
  const study = await loadStudyById(deps, address.study);
  if (study === null) return;
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const item = await deps.store.get(trialKey(study.id, address.trial));
    if (item === null) return;
    const trial = readTrialItem(study.id, item);
    if (trial.attempt !== address.attempt) return;
    if (trial.state !== "running") {
      // Its tell may have died before what follows from it.
      if (trial.job !== null && hasEnded(job)) await afterEnd(deps, study, trial);
      return;
    }
    if (await settleTrial(deps, study, trial, job)) return;
    await deps.store.pause(tries);
  }
};

/**
 * Takes in the state of a running trial's job.
 * @returns false when the trial changed meanwhile and must be read again.
 */
export const settleTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  job: BatchJob,
): Promise<boolean> => {
  if (trial.job === null || !isOwn(trial, job)) return true;
  if (!hasEnded(job)) return adopt(deps, trial, job);
  const ending = endingOf(job);
  const seconds = secondsUsed(trial, job, deps.clock());
  const infra = infraReason(trial, ending);
  if (infra !== null) return failInfra(deps, study, trial, infra, { pause: false, seconds });
  return commitEnd(deps, study, trial, endFor(study, trial, ending, deps.clock(), seconds));
};

/** The job that claimed the attempt; before any did, the one that was submitted for it, whose id may not be known yet. */
const isOwn = (trial: TrialItem, job: BatchJob) => trial.job?.jobId == null || trial.job.jobId === job.jobId;

/** A job whose submission was unclear shows itself. */
const adopt = async (deps: ServiceDeps, trial: TrialItem, job: BatchJob): Promise<boolean> => {
  if (trial.job?.phase !== "dispatching") return true;
  const submitted = { ...trial.job, phase: "submitted" as const, jobId: job.jobId, since: deps.clock() };
  try {
    await deps.store.update(changeTrial(trial, { job: submitted }, sameJob(trial)));
    return true;
  } catch (error) {
    if (error instanceof ConditionFailed) return false;
    throw error;
  }
};

/** Writes an end, and does what follows from it. @returns false when the trial had moved on. */
export const commitEnd = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  end: End,
  when = sameJob(trial),
): Promise<boolean> => {
  try {
    await deps.store.transact([changeTrial(trial, end.patch, when), ...end.changes]);
  } catch (error) {
    if (error instanceof ConditionFailed) return false;
    throw error;
  }
  await afterEnd(deps, study, { ...trial, ...end.patch });
  return true;
};

/** From its claim on, as a tell counts it; a job that nobody claimed used its machine all the same. */
const secondsUsed = (trial: TrialItem, job: BatchJob, now: number): number =>
  trial.job?.phase === "claimed" ? secondsSinceClaim(trial, job.stoppedAt ?? now) : secondsRun(job, now);

/** Why the trial's program was never reached, if it was not. */
const infraReason = (trial: TrialItem, ending: Ending): string | null => {
  if (ending.kind === "not-started") return ending.reason;
  if (trial.job?.phase === "claimed") return null;
  if (ending.kind === "succeeded") {
    return "the job ended well but never claimed its attempt. Does the image's command go through `hone exec`?";
  }
  if (ending.kind === "failed") return `the job ended before it claimed its attempt: ${ending.reason}`;
  return null;
};

const endFor = (study: LoadedStudy, trial: TrialItem, ending: Ending, now: number, seconds: number): End => {
  const failed = (reason: string) => endOf(study, trial, { state: "failed", reason }, now, seconds);
  switch (ending.kind) {
    case "interrupted":
      return lossOf(study, trial, "interrupted", ending.reason, now, seconds);
    case "succeeded":
      return failed("no-result: the job ended well without telling a result.");
    case "timeout":
      return failed(`timeout: ${ending.reason}`);
    default:
      return failed(ending.reason);
  }
};
