import { createRandom } from "../numerics/random.ts";
import { schedulerOf } from "../scheduler/registry.ts";
import type { NestedResult, OuterFold, Split } from "../schemas/nested.ts";
import type { BestTrial, StudyState } from "../schemas/study.ts";
import type { TrialItem } from "../store/trial.ts";
import type { Params } from "../values.ts";
import { instanceOf } from "./evaluation.ts";
import { cost } from "./objectives.ts";
import { foldsOf, partId, partsOf, placeInParts, wholeId, wholeNumber } from "./parts.ts";
import type { LoadedStudy, NestedSpec, StudySpec } from "./study.ts";

/**
 * A study with nested cross-validation consists of parts: for each outer fold of each repeat the search, and then, in the same order,
 * the refit of each winner. A part is an ordinary study that has no address of its own.
 */

/** Whether a part is the search of an outer fold; otherwise it refits a winner. */
export const isSearchPart = (part: LoadedStudy["part"]): boolean =>
  part !== undefined && part.index < foldsOf(part.nested);

/** A trial in the whole study, as callers and jobs know it. */
export const addressOf = (
  { id, part }: Pick<LoadedStudy, "id" | "part">,
  number: number,
): { readonly study: string; readonly trial: number } =>
  part === undefined
    ? { study: id, trial: number }
    : { study: wholeId(id), trial: wholeNumber(part.nested, part.index, number) };

/** The study or the part of it that holds a trial, and the trial's number there. */
export const holderOf = (
  study: LoadedStudy,
  number: number,
): { readonly holder: LoadedStudy; readonly own: number } => {
  const { nested } = study.spec;
  if (nested === undefined) return { holder: study, own: number };
  const { part, own } = placeInParts(nested, number);
  return { holder: partOf(study, nested, part), own };
};

/** The ids of all parts of the study that a part belongs to; none of any other study. */
export const siblingsOf = ({ id, part }: Pick<LoadedStudy, "id" | "part">): string[] =>
  part === undefined
    ? []
    : Array.from({ length: partsOf(part.nested) }, (_, index) => partId(wholeId(id), index));

/** Names the stream of the seeds of searches. */
const SEARCH_SEEDS = 0x6e637673;

/** A part as a study: the search draws by a seed of its own, the refits are what is enqueued. */
export const partOf = (study: LoadedStudy, nested: NestedSpec, index: number): LoadedStudy => {
  const part = { nested, index, resource: refitResource(study.spec) };
  const id = partId(study.id, index);
  if (index < foldsOf(nested)) {
    const seed = createRandom(study.spec.seed, SEARCH_SEEDS, index).integer(2 ** 32);
    return { ...study, id, part, spec: { ...searchSpec(study.spec, nested), seed } };
  }
  const { nested: _, schedulerWhy, ...rest } = study.spec;
  const refits = { ...rest, scheduler: { name: "none" as const }, repeats: refitRepeats(rest) };
  return { ...study, id, part, spec: refits, scheduler: schedulerOf(refits.scheduler, rest.executor.type) };
};

/** What each search is, but for its seed: its inner folds are instances, unless a trial is scored on all of them. */
export const searchSpec = ({ nested: _, ...spec }: StudySpec, nested: NestedSpec): StudySpec =>
  hasInnerRuns(nested) ? { ...spec, evaluation: { type: "instances", count: nested.inner.folds } } : spec;

/** Whether each inner fold of a configuration is a trial of its own. */
export const hasInnerRuns = ({ inner }: NestedSpec): boolean => !inner.together;

/** A fold without its refit has no score, so one that fails is tried as often as one that is lost. */
const refitRepeats = ({ repeats, lease }: StudySpec): StudySpec["repeats"] => ({
  attempts: Math.max(repeats.attempts, lease.maxAttempts),
  failed: 0,
  completed: 0,
});

/** Which samples a trial of a part is about; nothing of a trial in no part. */
export const shownSplit = (
  { spec, part }: Pick<LoadedStudy, "spec" | "part">,
  { run }: Pick<TrialItem, "run">,
): { readonly split?: Split } => {
  if (part === undefined) return {};
  const { evaluation } = spec;
  const inner =
    evaluation === undefined || run === null ? null : instanceOf(evaluation, run.instance).instance;
  return { split: { ...outerFold(part.nested, part.index), inner } };
};

/** The outer fold of a part. */
const outerFold = (nested: NestedSpec, index: number): Omit<Split, "inner"> => {
  const fold = index % foldsOf(nested);
  const { outer, inner, samples, seed, labels, groups } = nested;
  return {
    phase: index < foldsOf(nested) ? "search" : "refit",
    repeat: Math.floor(fold / outer.folds),
    outer: fold % outer.folds,
    kind: outer.kind,
    samples,
    folds: { outer: outer.folds, inner: inner.folds },
    seed,
    ...(labels !== undefined && { labels }),
    ...(groups !== undefined && { groups }),
  };
};

const refitResource = ({ scheduler }: StudySpec): number | null =>
  "resource" in scheduler ? scheduler.resource.max : null;

/** How far a trial runs: a refit as far as the longest trial. */
export const resourceOf = (
  { part }: Pick<LoadedStudy, "part">,
  { resource }: Pick<TrialItem, "resource">,
): number | null => (part === undefined || isSearchPart(part) ? resource : part.resource);

/** What is known of an outer fold: how its search stands, and its refits, in order of their numbers. */
export interface FoldParts {
  readonly search: StudyState;
  /** Trials of the search that have ended. */
  readonly ended: number;
  readonly winner: BestTrial | null;
  readonly refits: readonly TrialItem[];
}

/** The latest refit of a winner: a search that was extended may have another one since. */
export const refitOf = (winner: BestTrial, refits: readonly TrialItem[]): TrialItem | undefined =>
  refits.findLast(({ params }) => isSameConfiguration(params, winner.params));

const isSameConfiguration = (a: Params, b: Params): boolean => {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
};

/** The number in the whole study of the winner of a search. @param part of its refits. */
export const winnerNumber = ({ part }: Pick<LoadedStudy, "part">, { number }: BestTrial): number =>
  part === undefined ? number : wholeNumber(part.nested, part.index - foldsOf(part.nested), number);

/** How an outer fold stands. */
export const foldState = ({ search, winner, refits }: FoldParts): OuterFold["state"] => {
  if (search !== "finished") return "search";
  if (winner === null) return "failed";
  const refit = refitOf(winner, refits);
  if (refit?.state === "completed") return "completed";
  return refit?.state === "failed" || refit?.state === "pruned" ? "failed" : "refit";
};

/** What the folds come to. */
export const nestedResult = (
  { objectives }: StudySpec,
  nested: NestedSpec,
  folds: readonly FoldParts[],
): NestedResult => {
  const [objective] = objectives;
  const metric = objective?.metric ?? "";
  const rows = folds.map((fold, i): OuterFold => {
    const { repeat, outer } = outerFold(nested, i);
    const { winner } = fold;
    const refit = winner === null ? undefined : refitOf(winner, fold.refits);
    const isScored = foldState(fold) === "completed";
    return {
      repeat,
      outer,
      state: foldState(fold),
      trials: fold.ended,
      winner: winner === null ? null : wholeNumber(nested, i, winner.number),
      refit: refit === undefined ? null : wholeNumber(nested, folds.length + i, refit.number),
      innerScore: winner?.values[metric] ?? null,
      outerScore: isScored ? (refit?.values?.[metric] ?? null) : null,
    };
  });
  const scored = rows.flatMap(({ innerScore, outerScore }) =>
    innerScore === null || outerScore === null ? [] : [{ innerScore, outerScore }],
  );
  const mean = meanOf(scored.map(({ outerScore }) => outerScore));
  const sd =
    mean === null
      ? null
      : sdOf(
          scored.map(({ outerScore }) => outerScore),
          mean,
        );
  const innerMean = meanOf(scored.map(({ innerScore }) => innerScore));
  const gap =
    objective === undefined || mean === null || innerMean === null
      ? null
      : cost(objective, { [metric]: mean }) - cost(objective, { [metric]: innerMean });
  // The correction of Nadeau and Bengio (2003): test samples over training samples of a fold is 1 / (folds - 1).
  const standardError = sd === null ? null : sd * Math.sqrt(1 / scored.length + 1 / (nested.outer.folds - 1));
  return { folds: rows, scored: scored.length, mean, sd, standardError, innerMean, gap };
};

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value / values.length, 0);

const sdOf = (values: readonly number[], mean: number): number | null =>
  values.length < 2
    ? null
    : Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
