import { TRIAL_NUMBER } from "../../patterns.ts";
import type { BestReply, Trial, TrialDetail, TrialPage, TrialsQuery } from "../../schemas/trial.ts";
import { readReports } from "../../store/report.ts";
import { isFinished } from "../../store/trial.ts";
import type { LoadedStudy } from "../../study/study.ts";
import { timestamp, toTrial } from "../../study/view.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { bestTrialsOf } from "../core/describe.ts";
import { findTrial, trialFinder } from "../core/find-trial.ts";
import { readFolded } from "../core/segments.ts";
import { readSnapshot } from "../core/snapshot.ts";

const PAGE = 100;

/**
 * Trials in order of their numbers, from the cursor on.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const listTrials = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  query: TrialsQuery,
): Promise<TrialPage> => {
  const cursors = cursorsOf(`trials of ${study.id}`, TRIAL_NUMBER);
  const from = Number(cursors.read(query.cursor) ?? 0);
  const snapshot = await readSnapshot(deps, study);
  const limit = query.limit ?? PAGE;
  const find = await trialFinder(deps, snapshot);
  const page: Trial[] = [];
  let number = from;
  for (; number < snapshot.head.next && page.length < limit; number++) {
    const trial = find(number);
    if (trial !== null && (query.state === undefined || trial.state === query.state))
      page.push(toTrial(study.spec, trial));
  }
  return { trials: page, cursor: number < snapshot.head.next ? cursors.write(String(number)) : null };
};

/**
 * One trial in full.
 * @throws TrialNotFound
 */
export const readTrial = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  number: number,
): Promise<TrialDetail> => {
  const [trial, reports] = await Promise.all([
    findTrial(deps, study, number),
    readReports(deps.store, study.id, number),
  ]);
  return {
    ...toTrial(study.spec, trial),
    attempts: [...trial.attempts],
    reports: reports.map((report) => ({ ...report, at: timestamp(report.at) })),
    jobId: trial.job?.jobId ?? null,
  };
};

/** The best feasible trial or the Pareto set. */
export const bestTrials = async (deps: ServiceDeps, study: LoadedStudy): Promise<BestReply> => ({
  trials: await bestTrialsOf(deps, await readSnapshot(deps, study)),
});

/** All finished trials, in order of their numbers. */
export const exportTrials = async (deps: ServiceDeps, study: LoadedStudy): Promise<Trial[]> => {
  const snapshot = await readSnapshot(deps, study);
  const trials = [
    ...(await readFolded(deps, snapshot)),
    ...snapshot.trials.filter((trial) => isFinished(trial.state)),
  ];
  return trials.sort((a, b) => a.number - b.number).map((trial) => toTrial(study.spec, trial));
};
