import { alarmedEvents } from "../../deployment.ts";
import { reasonSentence } from "../../sentences/reasons.ts";
import { noteRunning } from "../../store/head.ts";
import { changeTrial, sameJob, type TrialItem } from "../../store/trial.ts";
import { endOf, shortened, stopOf } from "../../study/ends.ts";
import { isAwaited } from "../../study/job.ts";
import { addressOf, isSearchPart, siblingsOf } from "../../study/nested.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { type Plan, updateOnce } from "../core/commit.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { type FollowUp, followUp } from "../core/follow-up.ts";
import { afterEnd } from "./after-end.ts";

interface Options {
  /** Every other trial would fail in the same way: nothing more is dispatched until a person has looked. */
  readonly pause: boolean;
  /** How long the job ran nevertheless. */
  readonly seconds?: number;
}

/**
 * Fails a trial whose job could not be run; it gets no further attempt, because that would fail in the same way. A refit, for which
 * there is no substitute, is tried like one that fails, and waits while its study is paused. The answer is what follows once it is written.
 */
export const planInfraFailure = (
  deps: ServiceDeps,
  study: LoadedStudy,
  trial: TrialItem,
  detail: string,
  { pause, seconds = 0 }: Options,
): Plan<FollowUp> => {
  const reason = reasonSentence({ kind: "infra", detail });
  const now = deps.clock();
  const isRefit = study.part !== undefined && !isSearchPart(study.part);
  const end =
    isRefit && pause
      ? stopOf(study, trial, now, shortened(reason))
      : endOf(study, trial, { state: "failed", reason }, now, { seconds, isFinal: !isRefit });
  return {
    changes: [changeTrial(trial, end.patch, sameJob(trial)), ...end.changes],
    answer: async () => {
      deps.log(alarmedEvents.infraFailure, {
        study: study.id,
        trial: trial.number,
        attempt: trial.attempt,
        reason,
      });
      const { study: whole, trial: number } = addressOf(study, trial.number);
      const notice = { kind: "infra-failure", trial: number, detail, paused: pause } as const;
      await followUp(deps, study.id, async () => {
        // A study that is paused already, or deleted, stays as it is.
        await updateOnce(deps, noteRunning(whole, notice, pause));
        if (pause)
          for (const part of siblingsOf(study)) await updateOnce(deps, noteRunning(part, notice, pause));
      });
      // A paused study is not topped up, but a machine that waits for this trial is answered.
      if (!pause || isAwaited(trial)) await afterEnd(deps, study, { ...trial, ...end.patch });
    },
  };
};
