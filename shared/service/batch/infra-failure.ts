import { headKey } from "../../store/keys.ts";
import { ConditionFailed } from "../../store/store.ts";
import { changeTrial, sameJob, type TrialItem } from "../../store/trial.ts";
import { isAwaited } from "../../study/job.ts";
import type { LoadedStudy } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { afterEnd, endOf } from "./after-end.ts";

/** How the reason of a trial begins that failed before its program was reached; operators alarm on the log line. */
export const INFRA = "infra";

interface Options {
  /** Every other trial would meet the same: nothing more is dispatched until a person has looked. */
  readonly pause: boolean;
  /** How long the job ran nevertheless. */
  readonly seconds?: number;
}

/**
 * Fails a trial whose job could not be run; it is not tried again, for nothing would be different.
 * @returns false when the trial had moved on.
 */
export const failInfra = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  why: string,
  { pause, seconds = 0 }: Options,
): Promise<boolean> => {
  const reason = `${INFRA}: ${why}`;
  const end = endOf(study, trial, { state: "failed", reason }, deps.clock(), seconds);
  try {
    await deps.store.transact([changeTrial(trial, end.patch, sameJob(trial)), ...end.changes]);
  } catch (error) {
    if (error instanceof ConditionFailed) return false;
    throw error;
  }
  deps.log(INFRA, { study: study.id, trial: trial.number, attempt: trial.attempt, reason });
  await tellPerson(deps, study, `Trial ${trial.number}: ${reason}`, pause);
  // A paused study is not topped up, but a machine that waits for this trial is answered.
  if (!pause || isAwaited(trial)) await afterEnd(deps, study, { ...trial, ...end.patch });
  return true;
};

const tellPerson = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  message: string,
  pause: boolean,
): Promise<void> => {
  try {
    await deps.store.update({
      name: "head",
      key: headKey(study.id),
      update: pause
        ? { set: { message: `${message} Mend it and resume the study.`, state: "paused" }, add: { rev: 1 } }
        : { set: { message } },
      when: { expression: "#state = :running", values: { running: "running" } },
    });
  } catch (error) {
    // Paused already, or deleted.
    if (!(error instanceof ConditionFailed)) throw error;
  }
};
