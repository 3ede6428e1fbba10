import { spend } from "../../store/head.ts";
import { type Change, ConditionFailed } from "../../store/store.ts";
import { changeTrial, type Job, sameJob, type TrialItem, type TrialPatch } from "../../store/trial.ts";
import { usageOf } from "../../study/budget.ts";
import { isAwaited, isToSend, messageOf, queuedJob } from "../../study/job.ts";
import { ladderOf, nameRung, rungEntry, rungOf } from "../../study/ladder.ts";
import { isLastAttempt, lostAttempt, outOfAttempts } from "../../study/lease.ts";
import type { Outcome } from "../../study/outcome.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { topUp } from "./top-up.ts";

/**
 * How an attempt may end, and what follows from it. Each end is one transaction: the trial, what its job has used, and
 * its place in a rung, so that none of them is counted twice or forgotten.
 */
export interface End {
  readonly patch: TrialPatch & { readonly state: TrialItem["state"] };
  readonly changes: readonly Change[];
}

/** Whole seconds since the container claimed its attempt; 0 when none did. */
export const secondsSinceClaim = (trial: TrialItem, now: number): number =>
  trial.job?.phase === "claimed" ? Math.max(0, Math.ceil((now - trial.job.since) / 1000)) : 0;

/**
 * The end of the current attempt with a result.
 * @param seconds how long its job ran.
 */
export const endOf = (
  study: LoadedStudy,
  trial: TrialItem,
  outcome: Outcome,
  now: number,
  seconds = secondsSinceClaim(trial, now),
): End => ({
  patch: {
    ...(outcome.state === "completed"
      ? completed(study, trial, outcome.values)
      : { state: "failed" as const, reason: outcome.reason }),
    leaseExpires: null,
    finished: now,
    ...(seconds > 0 && { seconds: trial.seconds + seconds }),
  },
  changes: [
    ...spent(study, seconds),
    ...rungEntry(study, trial, outcome.state === "completed" ? outcome.values : null),
  ],
});

/** A trial in a rung below the top waits for the others; otherwise it is done. */
const completed = (study: LoadedStudy, trial: TrialItem, values: NonNullable<TrialItem["values"]>) => {
  const rungs = ladderOf(study);
  const rung = rungOf(rungs, trial);
  if (rungs === null || rung === null || rung === rungs.resources.length - 1) {
    return { state: "completed" as const, values };
  }
  return {
    state: "paused" as const,
    values,
    reason: `${nameRung(rungs, rung)}: waits until the others are there`,
  };
};

/** The end of the current attempt without a result: the trial gets its next attempt, or fails when it had all of them. */
export const lossOf = (
  study: LoadedStudy,
  trial: TrialItem,
  end: "expired" | "interrupted",
  reason: string,
  now: number,
  seconds = secondsSinceClaim(trial, now),
): End => {
  if (isLastAttempt(study, trial)) {
    return {
      patch: { ...outOfAttempts(trial, end, reason, now), seconds: trial.seconds + seconds },
      changes: [...spent(study, seconds), ...rungEntry(study, trial, null)],
    };
  }
  return {
    patch: {
      state: "queued",
      attempt: trial.attempt + 1,
      lost: trial.lost + 1,
      seconds: trial.seconds + seconds,
      attempts: lostAttempt(trial, end, reason, now),
      leaseExpires: null,
      job: queuedJob(now, trial.job),
    },
    changes: spent(study, seconds),
  };
};

/** The end of the current attempt because its study was stopped: it is not counted as lost, and waits for a start. */
export const stopOf = (study: LoadedStudy, trial: TrialItem, reason: string, now: number): End => {
  const seconds = secondsSinceClaim(trial, now);
  return {
    patch: {
      state: "queued",
      seconds: trial.seconds + seconds,
      attempts: lostAttempt(trial, "interrupted", reason, now),
      leaseExpires: null,
      job: null,
    },
    changes: spent(study, seconds),
  };
};

const spent = (study: LoadedStudy, seconds: number): Change[] => {
  const { executor } = study.spec;
  if (executor.type !== "batch" || seconds === 0) return [];
  const { gpuSeconds, vcpuSeconds } = usageOf(executor, seconds);
  return [spend(study.id, gpuSeconds, vcpuSeconds)];
};

/**
 * What follows from an attempt's end once it is committed: its next attempt is sent, the machine that waits for it is
 * answered, or the study is topped up. Repeating it is harmless. It never throws: the end stands, and what could not be
 * done now the reconciler does.
 */
export const afterEnd = async (deps: ServiceDeps, study: LoadedStudy, trial: TrialItem): Promise<void> => {
  if (study.spec.executor.type !== "batch") return;
  await unlessItFails(deps, study, async () => {
    if (trial.state === "queued") {
      if (isToSend(study, trial)) await deps.queue.send(study.team, [messageOf(trial)]);
    } else if (trial.job !== null && isAwaited(trial)) {
      await answerMachines(deps, trial, trial.job);
    } else {
      await topUp(deps, study);
    }
  });
};

/**
 * What follows when there may be room for more trials: some were enqueued, the study was resumed or extended. A started
 * batch study is topped up. It never throws, like `afterEnd`.
 */
export const afterChange = (deps: ServiceDeps, study: LoadedStudy): Promise<void> =>
  unlessItFails(deps, study, () => topUp(deps, study));

const unlessItFails = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  run: () => Promise<void>,
): Promise<void> => {
  try {
    await run();
  } catch (error) {
    const { name, message } = error instanceof Error ? error : { name: "unknown", message: "" };
    deps.log("follow-up-failed", { study: study.id, error: name, message });
  }
};

/** Answers who waits first and forgets them then: answering twice is harmless, never answering is not. */
const answerMachines = async (deps: ServiceDeps, trial: TrialItem, job: Job): Promise<void> => {
  const { number, attempt, state } = trial;
  for (const token of job.taskTokens) await deps.rounds.resume(token, { trial: number, attempt, state });
  try {
    await deps.store.update(changeTrial(trial, { job: { ...job, taskTokens: [] } }, sameJob(trial)));
  } catch (error) {
    // Another did the same, one more machine waits, or the trial went on to the next rung.
    if (!(error instanceof ConditionFailed)) throw error;
  }
};
