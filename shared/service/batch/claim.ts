import { issueJobToken } from "../../auth/token.ts";
import { ClaimLost, StaleAttempt } from "../../errors.ts";
import type { ClaimBody, ClaimReply } from "../../schemas/trial.ts";
import { changeTrial, type Job, sameJob, type TrialItem } from "../../store/trial.ts";
import { leaseEnd } from "../../study/lease.ts";
import { checkpointFor, continuationOf } from "../../study/lineage.ts";
import { addressOf, resourceOf, shownSplit } from "../../study/nested.ts";
import { placeOf } from "../../study/place.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { shownRun, timestamp } from "../../study/view.ts";
import { checkpointUrls } from "../core/checkpoints.ts";
import { commit, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import { findTrial } from "../core/find-trial.ts";
import { wrongExecutor } from "../core/snapshot.ts";

const TRIES = { tries: 5 };
/** A container sends this many heartbeats in the time of a lease, so that it may lose two. */
const BEATS_PER_LEASE = 3;

/**
 * A container takes its attempt and swaps the bootstrap token, which anyone can read who can describe the job, for one
 * that only it knows. Of several jobs for one attempt the first claims it, and the others end. The winner may claim
 * again, under the name it gave itself, when the answer was lost; it then gets a new token and the old one is void.
 * The token is stored nowhere, so there is no receipt of a claim.
 * @throws ClaimLost when another container has the attempt, or the job was not submitted for it; StaleAttempt when it has ended; WrongExecutor.
 */
export const claimTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
  body: ClaimBody,
): Promise<ClaimReply> => {
  if (study.spec.executor.type !== "batch")
    throw await wrongExecutor(deps, study, { kind: "claim-of-client" });
  const plan = async (): Promise<Plan<ClaimReply>> => {
    const trial = await findTrial(deps, study, number);
    const job = claimable(trial, body);
    await refuseStranger(deps, study, trial, body.jobId);
    const now = deps.clock();
    const token = issueJobToken("trial", trial.attempt, deps.randomBytes);
    const leaseExpires = leaseEnd(study, now);
    const claimed: Job = {
      ...job,
      phase: "claimed",
      since: job.phase === "claimed" ? job.since : now,
      jobId: body.jobId,
      claimant: body.claimant,
      tokenHash: token.hash,
    };
    return {
      changes: [changeTrial(trial, { job: claimed, leaseExpires }, sameJob(trial))],
      answer: {
        token: token.token,
        number,
        attempt: trial.attempt,
        params: trial.params,
        ...shownRun(study, trial),
        ...shownSplit(study, trial),
        resource: resourceOf(study, trial),
        reportAt: study.scheduler.nextStep(placeOf(study, trial)),
        checkpoint: checkpointFor(trial),
        ...continuationOf(study, trial),
        leaseExpires: timestamp(leaseExpires),
        heartbeatSeconds: study.spec.lease.seconds / BEATS_PER_LEASE,
        ...(await checkpointUrls(deps, study, trial)),
      },
      lone: true,
    };
  };
  return commit(deps, noRequest, plan, TRIES);
};

/**
 * What a container says of itself is not believed: Hone ends the job that has an attempt, and reads its end. Another id than that of
 * the job that was submitted, or one that comes before that is known, is looked up.
 * @throws ClaimLost when Batch knows no job of that id that was submitted for this attempt.
 */
const refuseStranger = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  jobId: string,
): Promise<void> => {
  const { number, attempt } = trial;
  if (trial.job?.jobId === jobId) return;
  const isOwn = await deps.batch.isJobOf(jobId, { team: study.team, ...addressOf(study, number), attempt });
  if (isOwn) return;
  deps.log("claim-of-stranger", { study: study.id, trial: number, attempt, job: jobId });
  throw new ClaimLost({ kind: "claim-of-stranger", trial: number, attempt });
};

/** The job as it may be claimed by this caller. */
const claimable = (trial: TrialItem, { attempt, jobId, claimant }: ClaimBody): Job => {
  if (trial.attempt !== attempt) throw new StaleAttempt(trial.number, attempt, trial.attempt);
  const { job } = trial;
  if (trial.state !== "running" || job === null) {
    throw new StaleAttempt(trial.number, attempt, trial.attempt + 1);
  }
  if (job.phase === "claimed" && (job.jobId !== jobId || job.claimant !== claimant)) {
    throw new ClaimLost({ kind: "claim-lost", trial: trial.number, attempt });
  }
  return job;
};
