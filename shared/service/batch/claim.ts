import { issueJobToken } from "../../auth/token.ts";
import { ClaimLost, StaleAttempt, Unavailable, WrongExecutor } from "../../errors.ts";
import type { ClaimBody, ClaimReply } from "../../schemas/trial.ts";
import { ConditionFailed } from "../../store/store.ts";
import { changeTrial, type Job, sameJob, type TrialItem } from "../../store/trial.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { timestamp } from "../../study/view.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { findTrial } from "../trials/tell.ts";

const MAX_TRIES = 5;
/** A container beats this often in the time of a lease, so that two lost beats do no harm. */
const BEATS_A_LEASE = 3;

/**
 * A container takes its attempt and swaps the bootstrap token, which anyone may read who can describe the job, for one
 * that only it knows. Of several jobs for one attempt the first claims it, and the others end. The winner may claim
 * again, under the name it gave itself, when the answer was lost; it then gets a new token and the old one is void.
 * The token is stored nowhere, so there is no receipt of a claim.
 * @throws ClaimLost when another container has the attempt; StaleAttempt when it is over; WrongExecutor.
 */
export const claimTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: ClaimBody,
): Promise<ClaimReply> => {
  if (study.spec.executor.type !== "batch") {
    throw new WrongExecutor("The trials of this study are asked for; only jobs that Hone runs claim theirs.");
  }
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const trial = await findTrial(deps, study, number);
    const job = claimable(trial, body);
    const now = deps.clock();
    const token = issueJobToken("trial", trial.attempt, deps.randomBytes);
    const leaseExpires = now + study.spec.lease.seconds * 1000;
    const claimed: Job = {
      ...job,
      phase: "claimed",
      since: job.phase === "claimed" ? job.since : now,
      jobId: body.jobId,
      claimant: body.claimant,
      tokenHash: token.hash,
    };
    try {
      await deps.store.update(changeTrial(trial, { job: claimed, leaseExpires }, sameJob(trial)));
    } catch (error) {
      if (!(error instanceof ConditionFailed)) throw error;
      await deps.store.pause(tries);
      continue;
    }
    return {
      token: token.token,
      number,
      attempt: trial.attempt,
      params: trial.params,
      resource: trial.resource,
      checkpoint: trial.checkpoint,
      leaseExpires: timestamp(leaseExpires),
      heartbeatSeconds: study.spec.lease.seconds / BEATS_A_LEASE,
    };
  }
  throw new Unavailable();
};

/** The job as it may be claimed by this caller. */
const claimable = (trial: TrialItem, { attempt, jobId, claimant }: ClaimBody): Job => {
  if (trial.attempt !== attempt) throw new StaleAttempt(trial.number, attempt, trial.attempt);
  const { job } = trial;
  if (trial.state !== "running" || job === null) {
    throw new StaleAttempt(trial.number, attempt, trial.attempt + 1);
  }
  if (job.phase === "claimed" && (job.jobId !== jobId || job.claimant !== claimant)) {
    throw new ClaimLost(
      `Another job claimed attempt ${attempt} of trial ${trial.number} first. Do nothing and exit 0.`,
    );
  }
  return job;
};
