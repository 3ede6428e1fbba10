import { paretoFront } from "../numerics/pareto.ts";
import type { BestTrial } from "../schemas/study.ts";
import type { Head } from "../store/head.ts";
import { toJson } from "../store/json.ts";
import type { TrialItem } from "../store/trial.ts";
import { cost, violation } from "./objectives.ts";
import { measuredAt } from "./place.ts";
import type { StudySpec } from "./study.ts";

/** A trial that may be among the best. */
export type Candidate = Pick<TrialItem, "number" | "state" | "params" | "values" | "resource" | "curve">;

/**
 * How far a trial has come, where that makes it comparable: to its end, or to the last rung that recorded it; null for one that has
 * failed or was never compared. Values of a higher resource count first, however good those of a lower one are.
 */
const reach = ({ state, curve }: Candidate): number | null => {
  if (state === "completed") return Number.POSITIVE_INFINITY;
  return state === "failed" ? null : (curve.at(-1)?.step ?? null);
};

const isCandidate = (spec: StudySpec, trial: Candidate) =>
  trial.values !== null && reach(trial) !== null && violation(spec, trial.values) === 0;

export const toBest = (trial: Candidate): BestTrial => {
  const at = measuredAt(trial);
  return {
    number: trial.number,
    params: trial.params,
    values: trial.values ?? {},
    ...(at !== null && { measuredAt: at }),
  };
};

/**
 * What a head remembers of the best folded trial of a single objective: where it is, its value, and how far it came if not to its
 * end, so that the head stays small in any space. Heads of earlier versions hold the whole trial.
 */
export type FoldedBest =
  | { readonly number: number; readonly segment: number; readonly value: number; readonly reach?: number }
  | Pick<BestTrial, "number" | "params" | "values">;

/** The best folded trial that a head remembers; null while there is none, for several objectives and several runs. */
export const foldedBest = ({ foldedBest }: Pick<Head, "foldedBest">): FoldedBest | null =>
  foldedBest === "" ? null : (JSON.parse(foldedBest) as FoldedBest);

/** A trial as heads of earlier versions remember it. */
export const rememberedWhole = (trial: Pick<BestTrial, "number" | "params" | "values">): Candidate => ({
  ...trial,
  state: "completed",
  resource: null,
  curve: [],
});

/** What the head remembers once these trials are folded too, into its next segment. */
export const mergeFoldedBest = (spec: StudySpec, head: Head, trials: readonly Candidate[]): string => {
  const [objective, second] = spec.objectives;
  const isSingle = second === undefined && spec.evaluation === undefined;
  const [best] = objective === undefined || !isSingle ? [] : bestOf(spec, trials);
  const value = objective === undefined ? undefined : best?.values?.[objective.metric];
  if (objective === undefined || best === undefined || value === undefined) return head.foldedBest;
  const known = foldedBest(head);
  const found = { number: best.number, reach: reach(best) ?? 0, cost: costOf(objective, value) };
  if (known !== null) {
    const isWhole = !("segment" in known);
    const knownValue = isWhole ? known.values[objective.metric] : known.value;
    const remembered = {
      number: known.number,
      reach: isWhole ? Number.POSITIVE_INFINITY : (known.reach ?? Number.POSITIVE_INFINITY),
      cost: costOf(objective, knownValue ?? Number.NaN),
    };
    if (byReachAndCost(remembered, found) < 0) return head.foldedBest;
  }
  return toJson({
    number: best.number,
    segment: head.segments,
    value,
    ...(Number.isFinite(found.reach) && { reach: found.reach }),
  });
};

interface Ranked {
  readonly number: number;
  readonly reach: number;
  readonly cost: number;
}

/** The furthest first, of them the lowest cost, of equal ones the earliest. */
const byReachAndCost = (a: Ranked, b: Ranked): number => {
  if (a.reach !== b.reach) return a.reach > b.reach ? -1 : 1;
  if (a.cost !== b.cost) return a.cost < b.cost ? -1 : 1;
  return a.number - b.number;
};

const costOf = (objective: StudySpec["objectives"][number], value: number): number =>
  cost(objective, { [objective.metric]: value });

/**
 * The best feasible trial (the earliest of equals), or the Pareto set of several objectives in order of their numbers; empty while
 * there is none. Of those that have come to their end; while there are none, of those that have come furthest.
 */
export const bestOf = <T extends Candidate>(spec: StudySpec, trials: Iterable<T>): T[] => {
  const [first, ...others] = spec.objectives;
  if (first === undefined) return [];
  if (others.length === 0) {
    let best: { readonly trial: T; readonly ranked: Ranked } | null = null;
    for (const trial of trials) {
      if (!isCandidate(spec, trial)) continue;
      const ranked = { number: trial.number, reach: reach(trial) ?? 0, cost: cost(first, trial.values) };
      if (best === null || byReachAndCost(ranked, best.ranked) < 0) best = { trial, ranked };
    }
    return best === null ? [] : [best.trial];
  }
  let candidates: T[] = [];
  let furthest = Number.NEGATIVE_INFINITY;
  for (const trial of trials) {
    if (!isCandidate(spec, trial)) continue;
    const reached = reach(trial) ?? 0;
    if (reached < furthest) continue;
    if (reached > furthest) candidates = [];
    furthest = reached;
    candidates.push(trial);
  }
  const costs = candidates.flatMap((trial) => spec.objectives.map((one) => cost(one, trial.values)));
  return paretoFront(Float64Array.from(costs), spec.objectives.length)
    .map((i) => candidates[i]!)
    .sort((a, b) => a.number - b.number);
};
