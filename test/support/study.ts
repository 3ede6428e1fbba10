import { algorithms } from "../../shared/optimizer/registry.ts";
import { schedulers } from "../../shared/scheduler/registry.ts";
import { studyOf } from "../../shared/service/core/load.ts";
import { firstHead, type Head } from "../../shared/store/head.ts";
import type { Job, TrialItem } from "../../shared/store/trial.ts";
import type { Snapshot } from "../../shared/study/snapshot.ts";
import { type LoadedStudy, NO_REPEATS, type StudySpec } from "../../shared/study/study.ts";

/** A study, its head and its trials as values, for what needs no table. */

export const STUDY = "svm-digits-7k2m";
export const NOON = Date.parse("2026-11-23T12:00:00Z");

export const specOf = (change: Partial<StudySpec> = {}): StudySpec => ({
  name: "svm-digits",
  team: "acme",
  created: NOON,
  space: {
    C: { type: "float", low: 0.01, high: 1000, scale: "log" },
    gamma: { type: "float", low: 1e-5, high: 1, scale: "log" },
  },
  constraints: [],
  forbidden: [],
  objectives: [{ metric: "accuracy", direction: "maximize" }],
  outcomes: [],
  algorithm: { name: "random", seed: 1 },
  seed: 1,
  scheduler: { name: "none" },
  lease: { seconds: 60, maxAttempts: 3 },
  repeats: NO_REPEATS,
  executor: { type: "client" },
  labels: {},
  tables: 1,
  ...change,
});

export const loadedStudy = (change: Partial<StudySpec> = {}, id = STUDY): LoadedStudy =>
  studyOf(id, specOf(change));

export const headOf = (change: Partial<Head> = {}, study = STUDY): Head => ({
  ...firstHead(
    study,
    { trials: 10, parallel: 4, gpuHours: 0, dollars: 0 },
    { algorithmRevision: algorithms.random.revision, schedulerRevision: schedulers.none.revision },
  ),
  ...change,
});

/** A running trial on its first attempt. */
export const trialOf = (change: Partial<TrialItem> = {}): TrialItem => ({
  study: STUDY,
  number: 0,
  state: "running",
  attempt: 1,
  lost: 0,
  seconds: 0,
  params: { C: 1.5, gamma: 0.02 },
  values: null,
  resource: null,
  bracket: null,
  rung: null,
  run: null,
  worker: "w1",
  algorithm: "random",
  why: "uniform",
  reason: null,
  created: NOON,
  leaseExpires: NOON + 60_000,
  finished: null,
  checkpoint: null,
  curve: [],
  decision: null,
  attempts: [],
  job: null,
  ...change,
});

/** A job whose container claimed its attempt at noon. */
export const jobOf = (change: Partial<Job> = {}): Job => ({
  phase: "claimed",
  since: NOON,
  jobId: "job-1",
  bootstrapHash: null,
  tokenHash: null,
  claimant: "claimant-0123456789",
  taskTokens: [],
  ...change,
});

export const snapshotOf = (
  change: Partial<Snapshot> = {},
  study: LoadedStudy = change.study ?? loadedStudy(),
): Snapshot => ({
  study,
  head: headOf({ next: change.trials?.length ?? 0 }),
  hint: null,
  trials: [],
  ...change,
});
