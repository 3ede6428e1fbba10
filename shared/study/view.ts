import { algorithmOf } from "../optimizer/choice.ts";
import { algorithms } from "../optimizer/registry.ts";
import { schedulers } from "../scheduler/registry.ts";
import type { Race } from "../schemas/race.ts";
import type { BestTrial, Study } from "../schemas/study.ts";
import type { Trial, TrialState } from "../schemas/trial.ts";
import type { TakenWarmStart } from "../schemas/warm-start.ts";
import { leftOutSentence } from "../sentences/left-out.ts";
import { type Notice, noticeSentence } from "../sentences/notices.ts";
import { reasonSentence } from "../sentences/reasons.ts";
import { schedulerWhySentence } from "../sentences/scheduler-choices.ts";
import type { Head } from "../store/head.ts";
import type { TrialItem } from "../store/trial.ts";
import { dollarsSpent } from "./budget.ts";
import { instanceOf, seedOf } from "./evaluation.ts";
import { continuationOf, mayBeContinued } from "./lineage.ts";
import { shownSplit } from "./nested.ts";
import { isFeasible } from "./objectives.ts";
import { firstPage } from "./page.ts";
import { wholeNumber } from "./parts.ts";
import { measuredAt } from "./place.ts";
import { plainCredentials } from "./secrets.ts";
import type { Snapshot } from "./snapshot.ts";
import { countTrials, shownState, stateOf, trialsUsed } from "./state.ts";
import type { LoadedStudy, StudySpec } from "./study.ts";

/** Milliseconds since 1970 as the API writes them. */
export const timestamp = (ms: number) => new Date(ms).toISOString();

const timestampOrNull = (ms: number | null) => (ms === null ? null : timestamp(ms));

/** A trial's state as clients see it: one that is paused and will never go on has been pruned. */
export const shownTrialState = ({ settled }: Pick<Head, "settled">, { state }: TrialItem): TrialState =>
  settled && state === "paused" ? "pruned" : state;

/** Why a trial ended or waits; one that waited to the study's end waits no more. */
const shownReason = (
  { settled }: Pick<Head, "settled">,
  { state, rung, reason }: TrialItem,
): string | null =>
  settled && state === "paused" && rung !== null ? reasonSentence({ kind: "not-promoted", rung }) : reason;

/** Which run of which configuration a trial is, as clients see it; nothing in a study without an evaluation. */
export const shownRun = (
  { spec: { evaluation, seed }, part }: Pick<LoadedStudy, "spec" | "part">,
  { run }: Pick<TrialItem, "run">,
): Pick<Trial, "configuration" | "instance" | "instanceName" | "seed"> =>
  evaluation === undefined || run === null
    ? {}
    : {
        configuration:
          part === undefined ? run.configuration : wholeNumber(part.nested, part.index, run.configuration),
        ...instanceOf(evaluation, run.instance),
        seed: seedOf(seed, run.instance),
      };

/** A trial as clients see it, without tokens, fences and jobs. */
export const toTrial = ({ study, head }: Pick<Snapshot, "study" | "head">, trial: TrialItem): Trial => ({
  number: trial.number,
  state: shownTrialState(head, trial),
  attempt: trial.attempt,
  params: trial.params,
  ...shownRun(study, trial),
  ...(trial.run?.iteration !== undefined && { iteration: trial.run.iteration }),
  values: trial.values,
  ...(trial.gradients !== undefined && {
    gradients: { metric: study.spec.objectives[0]?.metric ?? "", ...trial.gradients },
  }),
  feasible: isFeasible(study.spec, trial.values),
  resource: trial.resource,
  measuredAt: measuredAt(trial),
  decision: trial.decision,
  worker: trial.worker,
  ...(trial.toldBy !== undefined && { toldBy: trial.toldBy }),
  algorithm: trial.algorithm,
  why: trial.why,
  reason: shownReason(head, trial),
  created: timestamp(trial.created),
  leaseExpires: timestampOrNull(trial.leaseExpires),
  // A paused trial has only paused.
  finished: timestampOrNull(shownTrialState(head, trial) === "paused" ? null : trial.finished),
  checkpoint: trial.checkpoint,
  ...continuationOf(study, trial),
  ...shownSplit(study, trial),
});

const MAX_SHOWN_BEST = 100;
/** Of them, so that a study with a hundred large ones can still be shown. */
const SHOWN_BYTES = 1_000_000;
const HOUR = 3600;

/**
 * A study as clients see it.
 * @param best its best trials, all of them.
 * @param races of an algorithm that races.
 */
export const toStudy = (
  snapshot: Snapshot,
  best: readonly BestTrial[],
  races: readonly Race[] = [],
): Study => {
  const { study, head } = snapshot;
  const { spec } = study;
  return {
    study: study.id,
    name: spec.name,
    team: study.team,
    state: shownState(snapshot),
    created: timestamp(spec.created),
    space: spec.space,
    constraints: spec.constraints,
    forbidden: spec.forbidden,
    objectives: spec.objectives,
    outcomes: spec.outcomes,
    algorithm: { ...spec.algorithm, seed: spec.seed },
    scheduler: spec.scheduler,
    ...(spec.schedulerWhy !== undefined && { schedulerWhy: schedulerWhySentence(spec.schedulerWhy) }),
    budget: {
      trials: head.trials,
      parallel: head.parallel,
      ...(head.gpuHours > 0 && { gpuHours: head.gpuHours }),
      ...(head.dollars > 0 && { dollars: head.dollars }),
    },
    lease: spec.lease,
    repeats: spec.repeats,
    ...(spec.nested !== undefined && { evaluation: spec.nested }),
    ...(spec.evaluation !== undefined && { evaluation: spec.evaluation }),
    ...(spec.warmStart !== undefined && { warmStart: shownWarmStart(spec.warmStart) }),
    ...spec.sweep,
    executor: spec.executor,
    ...(Object.keys(spec.labels).length > 0 && { labels: spec.labels }),
    trials: countTrials(snapshot),
    best: firstPage(best.slice(0, MAX_SHOWN_BEST), SHOWN_BYTES),
    ...(races.length > 0 && { races: [...races] }),
    started: head.started,
    spent: {
      gpuHours: head.gpuSeconds / HOUR,
      vcpuHours: head.vcpuSeconds / HOUR,
      ...(spec.executor.type === "batch" && { dollars: dollarsSpent(head) }),
    },
    message: noticesOf(snapshot, best).map(noticeSentence).join(" ") || null,
  };
};

/** What was taken of earlier studies, with its reasons in words. */
const shownWarmStart = ({ studies }: NonNullable<StudySpec["warmStart"]>): TakenWarmStart => ({
  studies: studies.map(({ leftOut, unknown, ignored, ...taken }) => ({
    ...taken,
    leftOut: leftOut.map(({ reason, trials, parameters = [] }) => ({
      reason,
      trials,
      ...(parameters.length > 0 && { parameters: [...parameters] }),
      detail: leftOutSentence({ kind: reason, trials, parameters }),
    })),
    unknown: [...unknown],
    ignored: [...ignored],
  })),
});

/** Earlier studies of which nothing could be used. */
const uselessNotice = ({ warmStart }: StudySpec): Notice[] => {
  const studies = (warmStart?.studies ?? []).filter(({ used }) => used === 0).map(({ study }) => study);
  return studies.length === 0 ? [] : [{ kind: "earlier-useless", studies }];
};

/** A study's own words are stored and shown: what is secret does not belong there. */
const credentialsNotice = ({ executor }: StudySpec): Notice[] => {
  const names = executor.type === "batch" ? plainCredentials(executor) : [];
  return names.length === 0 ? [] : [{ kind: "plain-credentials", names }];
};

/** What a person should know about the study now. */
const noticesOf = (snapshot: Snapshot, best: readonly BestTrial[]): Notice[] => {
  const { study, head } = snapshot;
  const { algorithm, scheduler, outcomes } = study.spec;
  const isNoneFeasible = best.length === 0 && outcomes.length > 0 && countTrials(snapshot).completed > 0;
  return [
    ...(head.notice === null ? [] : [head.notice]),
    ...(head.ended === null ? [] : [head.ended]),
    ...revisionNotice(algorithm.name, head.algorithmRevision, algorithms[algorithm.name].revision),
    ...revisionNotice(scheduler.name, head.schedulerRevision, schedulers[scheduler.name].revision),
    ...exhaustedNotice(snapshot),
    ...checkpointNotice(snapshot),
    ...unsavedNotice(snapshot),
    ...topNotice(snapshot, best),
    ...uselessNotice(study.spec),
    ...credentialsNotice(study.spec),
    ...(isNoneFeasible ? [{ kind: "none-feasible" } as const] : []),
  ];
};

/** Why the best trial of a finished study on a ladder is not one of its top. */
const topNotice = (snapshot: Snapshot, best: readonly BestTrial[]): Notice[] => {
  const { spec, scheduler } = snapshot.study;
  const top = scheduler.levels.at(-1);
  if (top === undefined || !("resource" in spec.scheduler) || stateOf(snapshot) !== "finished") return [];
  if (countTrials(snapshot).completed > 0) return [];
  return [
    { kind: "none-at-top", unit: spec.scheduler.resource.name, top, reached: best[0]?.measuredAt ?? null },
  ];
};

/** What a Spot interruption costs without checkpoints is half an attempt on average: worth a word from half an hour on. */
const LONG_SECONDS = HOUR;

/** Whether trials that Hone runs take long and save nothing; where a study says itself where its checkpoints go, it knows. */
const checkpointNotice = (snapshot: Snapshot): Notice[] => {
  const { executor } = snapshot.study.spec;
  if (executor.type !== "batch" || executor.environment?.HONE_CHECKPOINT_OUT !== undefined) return [];
  if (stateOf(snapshot) === "finished" || snapshot.trials.some(({ checkpoint }) => checkpoint !== null))
    return [];
  const long = snapshot.trials.find((trial) => secondsAnAttempt(trial) > LONG_SECONDS);
  if (long === undefined) return [];
  return [{ kind: "no-checkpoint", trial: long.number, hours: secondsAnAttempt(long) / HOUR }];
};

/** Segments without a checkpoint from which it is a pattern. */
const MANY_UNSAVED = 3;

/** Whether segments complete that nothing can go on from. */
const unsavedNotice = ({ study, trials }: Snapshot): Notice[] => {
  const ended = trials.filter((trial) => mayBeContinued(study, trial));
  const isUnsaved = ended.length >= MANY_UNSAVED && ended.every(({ checkpoint }) => checkpoint === null);
  return isUnsaved ? [{ kind: "segments-unsaved", segments: ended.length }] : [];
};

/** How long the attempts of a trial ran on average, as far as they have ended. */
const secondsAnAttempt = ({ seconds, attempts, state }: TrialItem): number =>
  seconds / Math.max(1, attempts.length + (state === "queued" || state === "running" ? 0 : 1));

/** Why a study has ended although its budget has not. */
const exhaustedNotice = (snapshot: Snapshot): Notice[] => {
  const { study, head } = snapshot;
  const left = head.trials - trialsUsed(head);
  if (!head.exhausted || head.ended !== null || left <= 0 || stateOf(snapshot) !== "finished") return [];
  if (algorithmOf(study.spec.algorithm).races) return [{ kind: "race-over", left }];
  return [{ kind: "space-exhausted", left, failed: countTrials(snapshot).failed }];
};

/** A deploy that changes what an algorithm or a scheduler does says so on the studies that began before it. */
const revisionNotice = (name: string, began: number, now: number): Notice[] =>
  began === now ? [] : [{ kind: "revision-changed", name, began, now }];
