import { OUR_TERMINATION } from "../../executor/batch/ending.ts";
import { type JobAddress, parseJobName } from "../../executor/batch/job-name.ts";
import type { BatchJob } from "../../schemas/batch-event.ts";
import type { TrialItem } from "../../store/trial.ts";
import { isOwnJob } from "../../study/job.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { loadStudyById } from "../core/load.ts";
import { findSnapshot } from "../core/snapshot.ts";

/** A container that has told its result gets this long to end by itself. */
const GRACE_MS = 120_000;

/** Ends jobs that nothing waits for: of studies that are gone, of attempts that have ended or were lost to another job. */
export const endOrphans = async (deps: ServiceDeps): Promise<void> => {
  const byStudy = new Map<string, { job: BatchJob; address: JobAddress }[]>();
  for (const job of await deps.batch.listAlive()) {
    const address = parseJobName(job.jobName);
    if (address === null) continue;
    const jobs = byStudy.get(address.study) ?? [];
    jobs.push({ job, address });
    byStudy.set(address.study, jobs);
  }
  for (const [id, jobs] of byStudy) {
    const study = await loadStudyById(deps, id);
    const snapshot = study === null ? null : await findSnapshot(deps, study);
    const trials = new Map(snapshot?.trials.map((trial) => [trial.number, trial]));
    for (const { job, address } of jobs) {
      if (isWanted(trials.get(address.trial), job, address, deps.clock())) continue;
      deps.log("orphan-ended", { study: id, trial: address.trial, attempt: address.attempt, job: job.jobId });
      await deps.batch.terminate(job.jobId, `${OUR_TERMINATION} nobody waits for this job`);
    }
  }
};

const isWanted = (
  trial: TrialItem | undefined,
  job: BatchJob,
  { attempt }: JobAddress,
  now: number,
): boolean => {
  if (trial?.attempt !== attempt) return false;
  if (trial.state === "running") return isOwnJob(trial, job.jobId);
  return trial.finished !== null && now - trial.finished < GRACE_MS;
};
