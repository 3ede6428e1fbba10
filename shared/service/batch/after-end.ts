import type { Job, TrialItem } from "../../store/trial.ts";
import { changeTrial, sameJob } from "../../store/trial.ts";
import { isAwaited, isToSend, messageOf } from "../../study/job.ts";
import { isHeldOpen } from "../../study/open-runs.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { updateOnce } from "../core/commit.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { followUp } from "../core/follow-up.ts";
import { withParts } from "../core/parts.ts";
import { answerIfOver } from "./await-part.ts";
import { topUp } from "./top-up.ts";

/**
 * What follows from an attempt's end once it is committed: its next attempt is sent, the machine that waits for it is
 * answered, or the study is topped up. Repeating it is harmless. It never throws: what could not be done now the
 * reconciler does.
 */
export const afterEnd = async (deps: ServiceDeps, study: LoadedStudy, trial: TrialItem): Promise<void> => {
  if (study.spec.executor.type !== "batch") return;
  await followUp(deps, study.id, async () => {
    if (trial.state === "queued") {
      if (isToSend(study, trial)) await deps.queue.send(study.team, [messageOf(trial)]);
    } else if (trial.job !== null && isAwaited(trial)) {
      // Its slot is free once its job has ended.
      if (!isHeldOpen(trial)) await answerMachines(deps, trial, trial.job);
    } else {
      await topUp(deps, study);
      if (study.part !== undefined) await answerIfOver(deps, study);
    }
  });
};

/** How long a caller waits for trials to be proposed: a part may take seconds, and there may be 80. */
const AT_ONCE_MS = 5000;

/**
 * What follows when there may be room for more trials: some were enqueued, the study was resumed or extended. A started
 * batch study is topped up, as many of its parts as a caller waits for. It never throws, like `afterEnd`.
 */
export const afterChange = (deps: ServiceDeps, study: LoadedStudy): Promise<void> =>
  followUp(deps, study.id, async () => {
    const deadline = deps.clock() + AT_ONCE_MS;
    for (const one of withParts(study)) {
      if (deps.clock() > deadline) return;
      await topUp(deps, one);
    }
  });

/** Answers the machines that wait, then forgets them: answering twice is harmless, never answering is not. */
const answerMachines = async (deps: ServiceDeps, trial: TrialItem, job: Job): Promise<void> => {
  const { number, attempt, state } = trial;
  for (const token of job.taskTokens) await deps.workflow.resume(token, { trial: number, attempt, state });
  // Another process did the same, one more machine waits, or the trial went on to the next rung.
  await updateOnce(deps, changeTrial(trial, { job: { ...job, taskTokens: [] } }, sameJob(trial)));
};
