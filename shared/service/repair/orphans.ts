import { OUR_TERMINATION } from "../../executor/batch/ending.ts";
import { type JobAddress, parseJobName } from "../../executor/batch/job-name.ts";
import type { BatchJob } from "../../schemas/batch-event.ts";
import type { TrialItem } from "../../store/trial.ts";
import { isOwnJob } from "../../study/job.ts";
import { addressOf } from "../../study/nested.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { followUp } from "../core/follow-up.ts";
import { loadStudyById } from "../core/load.ts";
import { partsIn } from "../core/parts.ts";
import { findSnapshot } from "../core/snapshot.ts";

/** A container that has told its result gets this long to end by itself. */
const GRACE_MS = 60_000;

/**
 * Ends jobs that nothing waits for: of studies that are gone, of attempts that have ended or were lost to another job. One that cannot be
 * ended, because it only has a name as ours have, does not keep the others.
 */
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
    const trials = study === null ? new Map<number, TrialItem>() : await trialsOf(deps, study);
    for (const { job, address } of jobs) {
      if (isWanted(trials.get(address.trial), job, address, deps.clock())) continue;
      deps.log("orphan-ended", { study: id, trial: address.trial, attempt: address.attempt, job: job.jobId });
      await followUp(deps, id, () =>
        deps.batch.terminate(job.jobId, `${OUR_TERMINATION} nobody waits for this job`),
      );
    }
  }
};

/** The trials of a study and of its parts, by their numbers in the whole study. */
const trialsOf = async (deps: ServiceDeps, study: LoadedStudy): Promise<Map<number, TrialItem>> => {
  const holders = study.spec.nested === undefined ? [study] : partsIn(study);
  const found = await Promise.all(
    holders.map(async (holder) => {
      const snapshot = await findSnapshot(deps, holder);
      return snapshot?.trials.map((trial) => [addressOf(holder, trial.number).trial, trial] as const) ?? [];
    }),
  );
  return new Map(found.flat());
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
