import { hasEnded, OUR_TERMINATION } from "../../executor/batch/ending.ts";
import { jobName } from "../../executor/batch/job-name.ts";
import type { BatchJob } from "../../schemas/batch-event.ts";
import { reasonSentence } from "../../sentences/reasons.ts";
import { type Job, leaseExpired, type TrialItem, type TrialPatch } from "../../store/trial.ts";
import { charge } from "../../study/charge.ts";
import { lossOf, secondsSinceClaim } from "../../study/ends.ts";
import { isAwaited, isToSend, messageOf, queuedJob } from "../../study/job.ts";
import { isExpired, LEASE_EXPIRED } from "../../study/lease.ts";
import { addressOf } from "../../study/nested.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { afterEnd } from "../batch/after-end.ts";
import { closeForgotten, commitEnd, settleTrial } from "../batch/settle.ts";
import type { ServiceDeps } from "../core/deps.ts";

/** A step that takes longer than this was lost. */
export const OVERDUE_MS = 60_000;

/**
 * Repairs what lost messages, replies, events and crashes have left of a started study's trials. Every step is a
 * conditional write or may be repeated, so two reconcilers at once do no harm.
 */
export const repairTrials = async (deps: ServiceDeps, { study, trials }: Snapshot): Promise<void> => {
  const now = deps.clock();
  const isOverdue = (trial: TrialItem) => trial.job !== null && trial.job.since <= now - OVERDUE_MS;
  const running = (...phases: Job["phase"][]) =>
    trials.filter(({ state, job }) => state === "running" && job !== null && phases.includes(job.phase));

  const unsent = trials.filter((trial) => isToSend(study, trial) && isOverdue(trial));
  if (unsent.length > 0) await deps.queue.send(study.team, unsent.map(messageOf));
  for (const trial of running("dispatching").filter(isOverdue)) {
    await findSubmitted(deps, study, trial);
  }
  await checkJobs(deps, study, running("submitted", "claimed"), isOverdue);
  await checkOpenRuns(deps, { study, trials });
  for (const trial of trials) {
    const isOver = trial.state !== "running" && trial.state !== "queued";
    if (isOver && isAwaited(trial)) await afterEnd(deps, study, trial);
  }
};

/**
 * The dispatcher set its fence and nothing followed: the job may exist or not. It is found by its name. Of several the
 * oldest that is still alive is kept, and the others end; when there is none, the trial gets a new attempt, so that the
 * name stays that of one submission, and a job that shows up late is stale.
 */
const findSubmitted = async (deps: ServiceDeps, study: LoadedStudy, trial: TrialItem): Promise<void> => {
  const name = jobName({ ...addressOf(study, trial.number), attempt: trial.attempt });
  const jobs = await deps.batch.listByName(name);
  const [own, ...others] = [...jobs.filter((job) => !hasEnded(job)), ...jobs.filter(hasEnded)];
  if (own === undefined) {
    const patch: TrialPatch & { readonly state: "queued" } = {
      state: "queued",
      attempt: trial.attempt + 1,
      job: queuedJob(deps.clock(), trial.job),
    };
    deps.log("never-submitted", { study: study.id, trial: trial.number, attempt: trial.attempt });
    await commitEnd(deps, study, trial, { patch, changes: charge(study, trial, 0, deps.clock()) });
    return;
  }
  deps.log("job-adopted", {
    study: study.id,
    trial: trial.number,
    attempt: trial.attempt,
    twins: others.length,
  });
  await settleTrial(deps, study, trial, own);
  for (const job of others.filter((other) => !hasEnded(other))) {
    await deps.batch.terminate(job.jobId, `${OUR_TERMINATION} submitted twice`);
  }
};

/** Checks the jobs of running trials: what their events should have told, and leases that expired. */
const checkJobs = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trials: readonly TrialItem[],
  isOverdue: (trial: TrialItem) => boolean,
): Promise<void> => {
  const ids = trials.flatMap((trial) => trial.job?.jobId ?? []);
  const jobs = new Map<string, BatchJob>();
  if (ids.length > 0) for (const job of await deps.batch.describe(ids)) jobs.set(job.jobId, job);
  for (const trial of trials) {
    const job = jobs.get(trial.job?.jobId ?? "");
    if (job !== undefined && hasEnded(job)) await settleTrial(deps, study, trial, job);
    else if (isExpired(trial, deps.clock())) await expire(deps, study, trial, job);
    else if (job === undefined && isOverdue(trial)) await loseForgotten(deps, study, trial);
  }
};

/** Settles jobs that have ended after their attempts, should their events be lost. */
export const checkOpenRuns = async (
  deps: ServiceDeps,
  { study, trials }: Pick<Snapshot, "study" | "trials">,
): Promise<void> => {
  const ids = trials.flatMap(({ open = [] }) => open.map(({ jobId }) => jobId));
  if (ids.length === 0) return;
  const jobs = new Map((await deps.batch.describe(ids)).map((job) => [job.jobId, job]));
  for (const trial of trials) {
    // Each is another write of its trial: of several the others are settled the next time.
    const [run] = (trial.open ?? []).filter(({ jobId }) => {
      const job = jobs.get(jobId);
      return job === undefined || hasEnded(job);
    });
    if (run === undefined) continue;
    const job = jobs.get(run.jobId);
    if (job !== undefined) await settleTrial(deps, study, trial, job);
    else if (run.at <= deps.clock() - OVERDUE_MS) await closeForgotten(deps, study, trial, run);
  }
};

/** Its container gave no sign of life for a whole lease: another attempt takes over, and the job ends if it is alive. */
const expire = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  job: BatchJob | undefined,
): Promise<void> => {
  const now = deps.clock();
  const end = lossOf(study, trial, "expired", LEASE_EXPIRED, now);
  if (!(await commitEnd(deps, study, trial, end, leaseExpired(now)))) return;
  if (job !== undefined) await deps.batch.terminate(job.jobId, `${OUR_TERMINATION} no heartbeat`);
};

const loseForgotten = async (deps: ServiceDeps, study: LoadedStudy, trial: TrialItem): Promise<void> => {
  const now = deps.clock();
  const seconds = secondsSinceClaim(trial, now);
  const end = lossOf(study, trial, "interrupted", reasonSentence({ kind: "job-forgotten" }), now, seconds);
  await commitEnd(deps, study, trial, end);
};
