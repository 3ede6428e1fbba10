import { StudyNotFound } from "../../errors.ts";
import type { BestTrial, Study, StudyState, TrialCounts } from "../../schemas/study.ts";
import { noticeSentence } from "../../sentences/notices.ts";
import { findHead, firstHead, type Head } from "../../store/head.ts";
import type { TrialItem } from "../../store/trial.ts";
import { toBest } from "../../study/best.ts";
import { dollarsSpent, limitsOfPart } from "../../study/budget.ts";
import type { Headed } from "../../study/execution.ts";
import { type FoldParts, foldState, isSearchPart, nestedResult, partOf } from "../../study/nested.ts";
import { foldsOf, partsOf, placeInParts, wholeNumber } from "../../study/parts.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import { countTrials, shownState, stateOf } from "../../study/state.ts";
import type { LoadedStudy, NestedSpec } from "../../study/study.ts";
import { toStudy } from "../../study/view.ts";
import type { ServiceDeps } from "./deps.ts";
import { bestTrialsOf, describe, type RememberedStudy, recallStudy } from "./describe.ts";
import { trialFinder } from "./find-trial.ts";
import { findSnapshot } from "./snapshot.ts";

/** The parts of a study with nested cross-validation; none of any other. */
export const partsIn = (study: LoadedStudy): LoadedStudy[] => {
  const { nested } = study.spec;
  return nested === undefined
    ? []
    : Array.from({ length: partsOf(nested) }, (_, index) => partOf(study, nested, index));
};

/** The study itself, and then its parts. */
export const withParts = (study: LoadedStudy): LoadedStudy[] => [study, ...partsIn(study)];

/** The heads of a new study's parts: refits have no budget until there is a winner. */
export const firstPartHeads = (
  study: LoadedStudy,
  budget: Pick<Head, "trials" | "parallel" | "gpuHours" | "dollars">,
  revisions: Pick<Head, "algorithmRevision" | "schedulerRevision">,
): Head[] =>
  partsIn(study).map((one) => {
    const { id, part } = one;
    const isSearch = isSearchPart(part);
    const limits = part === undefined ? {} : limitsOfPart(one, foldsOf(part.nested), isSearch, budget);
    return firstHead(id, { ...budget, ...limits, ...(!isSearch && { trials: 0 }) }, revisions);
  });

/** The parts that there still are, with their heads. */
export const headedParts = async (
  { store }: Pick<ServiceDeps, "store">,
  study: LoadedStudy,
): Promise<Headed[]> => {
  const found = partsIn(study).map(async (part) => ({ study: part, head: await findHead(store, part.id) }));
  return (await Promise.all(found)).flatMap(({ study: part, head }) =>
    head === null ? [] : [{ study: part, head }],
  );
};

/** The parts that there still are. */
export const readParts = async (deps: ServiceDeps, study: LoadedStudy): Promise<Snapshot[]> => {
  const found = await Promise.all(partsIn(study).map((part) => findSnapshot(deps, part)));
  return found.filter((part) => part !== null);
};

/** A study with nested cross-validation at about one moment. */
export interface Whole {
  readonly snapshot: Snapshot;
  readonly nested: NestedSpec;
  readonly parts: readonly Snapshot[];
  /** Of each outer fold. */
  readonly folds: readonly FoldParts[];
}

/**
 * Reads all parts.
 * @param snapshot of the study itself.
 * @param prepare what becomes of a part that was read.
 * @throws StudyNotFound when the study is gone or being deleted.
 */
export const readWhole = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  nested: NestedSpec,
  prepare: (part: Snapshot) => Promise<Snapshot> = async (part) => part,
): Promise<Whole> => {
  const { study } = snapshot;
  const read = async (part: LoadedStudy): Promise<Snapshot> => {
    const found = await findSnapshot(deps, part);
    if (found === null) throw new StudyNotFound(study.id);
    return prepare(found);
  };
  return wholeOf(deps, snapshot, nested, await Promise.all(partsIn(study).map(read)));
};

/** The whole of parts that are at hand. */
export const wholeOf = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  nested: NestedSpec,
  parts: readonly Snapshot[],
): Promise<Whole> => {
  const count = foldsOf(nested);
  const folds = parts
    .slice(0, count)
    .map((search, i) => foldFrom(deps, search, parts[count + i]?.trials ?? []));
  return { snapshot, nested, parts, folds: await Promise.all(folds) };
};

/** An outer fold, made of its search and the trials that refit its winner. */
export const foldFrom = async (
  deps: ServiceDeps,
  search: Snapshot,
  refits: readonly TrialItem[],
): Promise<FoldParts> => {
  const { completed, pruned, failed } = countTrials(search);
  const [winner = null] = await bestTrialsOf(deps, search);
  return { search: stateOf(search), ended: completed + pruned + failed, winner, refits };
};

/** A study is over when every outer fold is. */
export const stateOfWhole = ({ snapshot, folds, parts }: Whole): Study["state"] => {
  const current = folds.flatMap((fold, i): (Snapshot | undefined)[] => {
    const state = foldState(fold);
    if (state === "search") return [parts[i]];
    return state === "refit" ? [parts[folds.length + i]] : [];
  });
  if (current.length === 0) return "finished";
  const isPaused = current.every((part) => part?.head.state === "paused");
  return isPaused ? "paused" : shownState(snapshot);
};

/** The state of any study, of nested cross-validation as a whole. */
export const wholeState = async (deps: ServiceDeps, snapshot: Snapshot): Promise<StudyState> => {
  const { nested } = snapshot.study.spec;
  if (nested === undefined) return stateOf(snapshot);
  return stateOfWhole(await readWhole(deps, snapshot, nested));
};

/** Trials of all parts by their state. */
export const countWhole = ({ parts }: Whole): TrialCounts => {
  const total = { queued: 0, running: 0, paused: 0, completed: 0, pruned: 0, failed: 0 };
  for (const part of parts) {
    const counts = countTrials(part);
    for (const state of Object.keys(total) as (keyof TrialCounts)[]) total[state] += counts[state];
  }
  return total;
};

/** The winner of each outer fold that has one, under its number in the whole study. */
export const winnersOf = ({ nested, folds }: Whole): BestTrial[] =>
  folds.flatMap(({ winner }, i) =>
    winner === null ? [] : [{ ...winner, number: wholeNumber(nested, i, winner.number) }],
  );

const toWholeStudy = (whole: Whole): Study => {
  const { snapshot, nested, folds } = whole;
  const shown = toStudy(snapshot, winnersOf(whole));
  const failed = folds.filter((fold) => foldState(fold) === "failed").length;
  const notice = failed === 0 ? [] : [noticeSentence({ kind: "folds-failed", failed, folds: folds.length })];
  const ended = whole.parts.filter(({ head }) => head.ended !== null).length;
  const messages = new Set([
    ...notice,
    ...(ended === 0 ? [] : [noticeSentence({ kind: "searches-ended", ended, folds: folds.length })]),
    ...(shown.message === null ? [] : [shown.message]),
    ...whole.parts.flatMap(({ head }) => (head.notice === null ? [] : [noticeSentence(head.notice)])),
  ]);
  return {
    ...shown,
    state: stateOfWhole(whole),
    trials: countWhole(whole),
    nested: nestedResult(snapshot.study.spec, nested, folds),
    spent: spentByWhole(whole),
    message: [...messages].join(" ") || null,
  };
};

const HOUR = 3600;

const spentByWhole = ({ parts }: Whole): Study["spent"] => ({
  gpuHours: parts.reduce((sum, { head }) => sum + head.gpuSeconds, 0) / HOUR,
  vcpuHours: parts.reduce((sum, { head }) => sum + head.vcpuSeconds, 0) / HOUR,
  dollars: parts.reduce((sum, { head }) => sum + dollarsSpent(head), 0),
});

/**
 * Any study as GET shows it: one with nested cross-validation as a whole, made of its parts.
 * @param prepare what becomes of a part that was read.
 */
export const describeWhole = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  prepare?: (part: Snapshot) => Promise<Snapshot>,
): Promise<Study> => {
  const { nested } = snapshot.study.spec;
  return nested === undefined
    ? describe(deps, snapshot)
    : toWholeStudy(await readWhole(deps, snapshot, nested, prepare));
};

/** A study as it is when these are its parts: what a plan answers. */
export const describeParts = async (
  deps: ServiceDeps,
  snapshot: Snapshot,
  parts: readonly Snapshot[],
): Promise<Study> => {
  const { nested } = snapshot.study.spec;
  return nested === undefined
    ? describe(deps, snapshot)
    : toWholeStudy(await wholeOf(deps, snapshot, nested, parts));
};

/** The study as it was answered then. */
export const recallWhole = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  remembered: RememberedStudy,
): Promise<Study> => {
  const recalled = await recallStudy(deps, study, {
    ...remembered,
    best: study.spec.nested === undefined ? remembered.best : [],
  });
  if (study.spec.nested === undefined) return recalled;
  return { ...recalled, best: await bestAt(deps, study, study.spec.nested, remembered.best) };
};

/** Some trials of searches as `best` shows them. */
const bestAt = async (
  deps: ServiceDeps,
  study: LoadedStudy,
  nested: NestedSpec,
  numbers: readonly number[],
): Promise<BestTrial[]> => {
  const found = numbers.map(async (number): Promise<BestTrial[]> => {
    const { part, own } = placeInParts(nested, number);
    const snapshot = await findSnapshot(deps, partOf(study, nested, part));
    if (snapshot === null) return [];
    const trial = (await trialFinder(deps, snapshot))(own);
    return trial === null ? [] : [{ ...toBest(trial), number }];
  });
  return (await Promise.all(found)).flat();
};
