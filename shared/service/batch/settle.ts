import { Contended } from "../../errors.ts";
import { type Ending, endingOf, hasEnded, secondsRun, textsOf } from "../../executor/batch/ending.ts";
import { parseJobName } from "../../executor/batch/job-name.ts";
import type { BatchJob } from "../../schemas/batch-event.ts";
import { reasonSentence } from "../../sentences/reasons.ts";
import type { Condition } from "../../store/store.ts";
import {
  changeTrial,
  findTrialItem,
  type Job,
  type OpenRun,
  sameJob,
  sameOpenRuns,
  type TrialItem,
} from "../../store/trial.ts";
import { closingOf, type End, endOf, lossOf, secondsSinceClaim } from "../../study/ends.ts";
import { isOwnJob } from "../../study/job.ts";
import { holderOf } from "../../study/nested.ts";
import { openRunOf } from "../../study/open-runs.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { commit, commitOnce, type Plan } from "../core/commit.ts";
import { noRequest, type ServiceDeps } from "../core/deps.ts";
import type { FollowUp } from "../core/follow-up.ts";
import { loadStudyById } from "../core/load.ts";
import { afterEnd } from "./after-end.ts";
import { planInfraFailure } from "./infra-failure.ts";
import { topUp } from "./top-up.ts";

const TRIES = { tries: 5 };

/**
 * Takes in what became of a job. Events come late, twice, out of order or never, so nothing depends on their order: only
 * the job of a running trial's current attempt counts, and only its end changes anything. A told result stands whatever
 * its job does afterwards. The end of a trial that keeps changing is left to the reconciler.
 */
export const settleJob = async (deps: ServiceDeps, job: BatchJob): Promise<void> => {
  const address = parseJobName(job.jobName);
  const whole = address === null ? null : await loadStudyById(deps, address.study);
  if (address === null || whole === null) return;
  const { holder: study, own } = holderOf(whole, address.trial);
  const plan = async () => {
    const trial = await findTrialItem(deps.store, study, own);
    if (trial === null) return NOTHING;
    const isCurrent = trial.attempt === address.attempt;
    return isCurrent || openRunOf(trial, job.jobId) !== undefined
      ? planSettle(deps, study, trial, job)
      : NOTHING;
  };
  try {
    const then = await commit(deps, noRequest, plan, TRIES);
    await then();
  } catch (error) {
    if (!(error instanceof Contended)) throw error;
  }
};

const NOTHING: Plan<FollowUp> = { changes: [], answer: async () => {} };

/**
 * Takes in the state of a job of the trial's current attempt, or of one that ended before its job, once.
 * @returns false when the trial changed meanwhile.
 */
export const settleTrial = (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  job: BatchJob,
): Promise<boolean> => carryOut(deps, planSettle(deps, study, trial, job));

/** Writes an end, and does what follows from it. @returns false when the trial had moved on. */
export const commitEnd = (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  end: End,
  when = sameJob(trial),
): Promise<boolean> => carryOut(deps, planEnd(deps, study, trial, end, when));

/** Writes a plan once, and does what follows from it. @returns false when what it was made from has changed. */
export const carryOut = async (deps: ServiceDeps, { changes, answer }: Plan<FollowUp>): Promise<boolean> => {
  if (!(await commitOnce(deps, changes))) return false;
  await answer();
  return true;
};

const planSettle = (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  job: BatchJob,
): Plan<FollowUp> => {
  const run = openRunOf(trial, job.jobId);
  if (run !== undefined) return hasEnded(job) ? planClosing(deps, study, trial, run, job) : NOTHING;
  if (trial.state !== "running") {
    // Its tell may have died before what follows from it.
    return trial.job === null || !hasEnded(job)
      ? NOTHING
      : { changes: [], answer: () => afterEnd(deps, study, trial) };
  }
  if (trial.job === null || !isOwnJob(trial, job.jobId)) return NOTHING;
  if (!hasEnded(job)) return planAdoption(deps, trial, trial.job, job);
  const ending = endingOf(job);
  const texts = textsOf(job);
  if (job.status === "FAILED" && (texts.status !== "" || texts.detail !== ""))
    deps.log("batch-text", { study: study.id, trial: trial.number, attempt: trial.attempt, ...texts });
  const seconds = secondsUsed(trial, job, deps.clock());
  const detail = infraDetail(trial, ending);
  const pause = ending.kind === "not-started" && ending.forAll;
  if (detail !== null) return planInfraFailure(deps, study, trial, detail, { pause, seconds });
  return planEnd(deps, study, trial, endFor(study, trial, ending, deps.clock(), seconds), sameJob(trial));
};

/**
 * The job of an attempt that has ended before has ended, too.
 * @param job null when Batch knows it no more.
 */
const planClosing = (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  run: OpenRun,
  job: BatchJob | null,
): Plan<FollowUp> => {
  const end = closingOf(study, trial, run, job, deps.clock());
  return {
    changes: [changeTrial(trial, end.patch, sameOpenRuns(trial)), ...end.changes],
    // While a later attempt runs, its end is what machines wait for.
    answer: () =>
      trial.state === "running" ? topUp(deps, study) : afterEnd(deps, study, { ...trial, ...end.patch }),
  };
};

/** The job of an attempt that has ended is one that Batch knows no more. @returns false when the trial changed meanwhile. */
export const closeForgotten = (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  run: OpenRun,
): Promise<boolean> => carryOut(deps, planClosing(deps, study, trial, run, null));

/** A job whose submission was unclear turns out to exist. */
const planAdoption = (deps: ServiceDeps, trial: TrialItem, known: Job, job: BatchJob): Plan<FollowUp> => {
  if (known.phase !== "dispatching") return NOTHING;
  const submitted: Job = { ...known, phase: "submitted", jobId: job.jobId, since: deps.clock() };
  return { ...NOTHING, changes: [changeTrial(trial, { job: submitted }, sameJob(trial))] };
};

const planEnd = (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  end: End,
  when: Condition,
): Plan<FollowUp> => ({
  changes: [changeTrial(trial, end.patch, when), ...end.changes],
  answer: () => afterEnd(deps, study, { ...trial, ...end.patch }),
});

/** As Batch has it, from the start of its container to its end, whatever that told and when. */
const secondsUsed = (trial: TrialItem, job: BatchJob, now: number): number =>
  job.startedAt === undefined ? secondsSinceClaim(trial, job.stoppedAt ?? now) : secondsRun(job, now);

/** Why the trial's program was never reached, or null when it was. */
const infraDetail = (trial: TrialItem, ending: Ending): string | null => {
  if (ending.kind === "not-started") return ending.reason;
  if (trial.job?.phase === "claimed") return null;
  if (ending.kind === "succeeded") return reasonSentence({ kind: "never-claimed" });
  if (ending.kind === "failed") return reasonSentence({ kind: "ended-before-claim", detail: ending.reason });
  return null;
};

const endFor = (study: LoadedStudy, trial: TrialItem, ending: Ending, now: number, seconds: number): End => {
  if (ending.kind === "interrupted") return lossOf(study, trial, "interrupted", ending.reason, now, seconds);
  const reason = ending.kind === "succeeded" ? reasonSentence({ kind: "no-result" }) : ending.reason;
  return endOf(study, trial, { state: "failed", reason }, now, { seconds });
};
