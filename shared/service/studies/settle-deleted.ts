import { secondsRun } from "../../executor/batch/ending.ts";
import type { BatchJob } from "../../schemas/batch-event.ts";
import type { Deletion } from "../../store/deletion.ts";
import { readRunning } from "../../store/partition.ts";
import { type Reservation, settle, settleRest } from "../../store/spend.ts";
import type { Change } from "../../store/store.ts";
import { changeTrial, type OpenRun, sameJob, sameOpenRuns, type TrialItem } from "../../store/trial.ts";
import { commitOnce } from "../core/commit.ts";
import type { ServiceDeps } from "../core/deps.ts";

/** Of a trial of a study that is being deleted, whose search space need not be known. */
type RunningTrial = Pick<TrialItem, "study" | "number" | "state" | "attempt" | "job" | "open">;

/** How long a job ran; undefined of one that Batch does not know. */
type RunTimes = (jobId: string) => number | undefined;

/**
 * What the jobs of a study that is being deleted have set aside of their team's budget is given back, but for what they have used, which is
 * what Batch says of them until the deletion, which ended them. Whatever else ends one of them meanwhile does the same, and one of the two
 * fails.
 * @returns false when a trial changed meanwhile, or has more to settle, and must be read again.
 */
export const settleDeleted = async (deps: ServiceDeps, { study, team, at }: Deletion): Promise<boolean> => {
  const trials = await readRunning(deps.store, study);
  const times = await runTimesOf(deps, trials, at);
  let isSettled = true;
  for (const trial of trials) {
    const { open: [run, ...others] = [] } = trial;
    const plans = [
      ...(run === undefined ? [] : [closeRun(team, trial, run, times, at)]),
      ...(trial.state === "running" ? endRun(team, trial, times, at) : []),
    ];
    for (const changes of plans) if (!(await commitOnce(deps, changes))) isSettled = false;
    if (others.length > 0) isSettled = false;
  }
  return isSettled;
};

const runTimesOf = async (
  { batch }: ServiceDeps,
  trials: readonly RunningTrial[],
  at: number,
): Promise<RunTimes> => {
  const ids = trials.flatMap(({ job, open = [] }) => [job, ...open].flatMap((one) => one?.jobId ?? []));
  const jobs: BatchJob[] = ids.length === 0 ? [] : await batch.describe(ids);
  const seconds = new Map(jobs.map((job) => [job.jobId, secondsRun(job, at)]));
  return (jobId) => seconds.get(jobId);
};

const secondsSince = (since: number, now: number): number => Math.max(0, Math.ceil((now - since) / 1000));

/** No attempt is charged more than was set aside for it. */
const atMost = (seconds: number, reserved: Reservation): number => Math.min(seconds, reserved.seconds);

/** A running trial ends with its job, whether that ever claimed its attempt or not. */
const endRun = (
  team: string,
  trial: RunningTrial,
  runTime: RunTimes,
  at: number,
): readonly (readonly Change[])[] => {
  const { job } = trial;
  if (job?.reserved === undefined) return [];
  const known = job.jobId === null ? undefined : runTime(job.jobId);
  const seconds = known ?? (job.phase === "claimed" ? secondsSince(job.since, at) : 0);
  const ended = changeTrial(trial, { state: "failed", job: null }, sameJob(trial));
  return [[ended, settle(team, job.reserved, atMost(seconds, job.reserved))]];
};

/** A job that has outlived its attempt. */
const closeRun = (
  team: string,
  trial: RunningTrial,
  run: OpenRun,
  runTime: RunTimes,
  at: number,
): readonly Change[] => {
  const open = (trial.open ?? []).filter((each) => each !== run);
  const closed = changeTrial(trial, { open }, sameOpenRuns(trial));
  const { reserved, seconds } = run;
  if (reserved === undefined) return [closed];
  const ran = Math.max(seconds, runTime(run.jobId) ?? seconds + secondsSince(run.at, at));
  return [closed, settleRest(team, reserved, seconds, atMost(ran, reserved))];
};
