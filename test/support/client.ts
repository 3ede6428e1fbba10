import type { Scheduler } from "../../shared/scheduler/scheduler.ts";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { ReportBody } from "../../shared/schemas/trial.ts";
import type { ApiDeps } from "../../shared/service/core/deps.ts";
import { findTrial } from "../../shared/service/core/find-trial.ts";
import { FOLD_AT } from "../../shared/service/core/fold.ts";
import { readSnapshot } from "../../shared/service/core/snapshot.ts";
import { readStudy } from "../../shared/service/studies/read.ts";
import { addTrials } from "../../shared/service/trials/add.ts";
import { askTrials } from "../../shared/service/trials/ask.ts";
import { readTrial } from "../../shared/service/trials/read.ts";
import { heartbeatTrial, reportTrial } from "../../shared/service/trials/report.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import { makeStudy, noReceipt, type TestClock, testDeps } from "./service.ts";
import type { TestTable } from "./table.ts";

interface Options extends Partial<CreateStudyBody> {
  /** Takes the place of the study's own, for schedulers that no study can choose. */
  readonly instead?: Scheduler;
}

/** A client study on a table that the tests of a file share, and a clock that they turn. */
export const clientWorld = async ({ client, tableName }: TestTable, { instead, ...change }: Options = {}) => {
  const clock: TestClock = { now: Date.parse("2026-11-23T12:00:00Z") };
  /** A fresh process: no caches. */
  const process = (overrides: Partial<ApiDeps> = {}): ApiDeps =>
    testDeps(client, tableName, clock, overrides);
  const deps = process();
  const made = await makeStudy(deps, { lease: { seconds: 60, maxAttempts: 2 }, ...change });
  const study: LoadedStudy = instead === undefined ? made : { ...made, scheduler: instead };
  return { client, tableName, clock, deps, process, study, ...actions(deps, study) };
};

export type ClientWorld = Awaited<ReturnType<typeof clientWorld>>;

const actions = (deps: ApiDeps, study: LoadedStudy) => ({
  ask: (worker?: string, count = 1) => askTrials(deps, study, { count, worker }, noReceipt),
  tell: (number: number, accuracy: number, attempt = 1) =>
    tellTrial(deps, study, number, { attempt, values: { accuracy } }, noReceipt),
  report: (number: number, step: number, accuracy: number, change: Partial<ReportBody> = {}) =>
    reportTrial(deps, study, number, { attempt: 1, step, values: { accuracy }, ...change }, noReceipt),
  heartbeat: (number: number, attempt = 1) => heartbeatTrial(deps, study, number, { attempt }, noReceipt),
  trial: (number: number) => findTrial(deps, study, number),
  detail: (number: number) => readTrial(deps, study, number),
  read: () => readStudy(deps, study),
  snapshot: () => readSnapshot(deps, study),
  /** Imports finished trials as a tail that is long enough to be folded: trial i has the accuracy i. */
  fillTail: async (count = FOLD_AT): Promise<void> => {
    // Below the size from which imports go to a segment at once.
    for (let i = 0; i < count; i += 32) {
      const trials = Array.from({ length: Math.min(32, count - i) }, (_, j) => ({
        params: { C: 1, gamma: 0.1 },
        values: { accuracy: i + j },
      }));
      await addTrials(deps, study, { trials }, noReceipt);
    }
  },
  /** Imports finished trials into a segment of their own: from the first on with the accuracies 0, 1, 2. */
  importSegment: async (count = 60): Promise<void> => {
    const trials = Array.from({ length: count }, (_, i) => ({
      params: { C: 1, gamma: 0.1 },
      values: { accuracy: i },
    }));
    await addTrials(deps, study, { trials }, noReceipt);
  },
});
