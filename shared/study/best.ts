import { paretoFront } from "../numerics/pareto.ts";
import type { BestTrial } from "../schemas/study.ts";
import type { Head } from "../store/head.ts";
import { toJson } from "../store/json.ts";
import type { TrialItem } from "../store/trial.ts";
import { cost, violation } from "./objectives.ts";
import type { StudySpec } from "./study.ts";

/** A trial that may be among the best. */
export type Candidate = Pick<TrialItem, "number" | "state" | "params" | "values">;

const isCandidate = (spec: StudySpec, trial: Candidate) =>
  trial.state === "completed" && trial.values !== null && violation(spec, trial.values) === 0;

const toBest = (trial: Candidate): BestTrial => ({
  number: trial.number,
  params: trial.params,
  values: trial.values ?? {},
});

const completed = (trial: BestTrial): Candidate => ({ ...trial, state: "completed" });

/** Best trials as candidates, to be compared with others. */
export const asCandidates = (trials: readonly BestTrial[]): Candidate[] => trials.map(completed);

/**
 * What a head remembers of the best folded trial of a single objective: where it is and its value, so that the head stays
 * small in any space. Heads of earlier versions hold the whole trial.
 */
export type FoldedBest =
  | { readonly number: number; readonly segment: number; readonly value: number }
  | BestTrial;

/** The best folded trial that a head remembers; null while there is none, and for several objectives. */
export const foldedBest = ({ foldedBest }: Pick<Head, "foldedBest">): FoldedBest | null =>
  foldedBest === "" ? null : (JSON.parse(foldedBest) as FoldedBest);

/** What the head remembers once these trials are folded too, into its next segment. */
export const mergeFoldedBest = (spec: StudySpec, head: Head, trials: readonly Candidate[]): string => {
  const [objective, second] = spec.objectives;
  const [best] = objective === undefined || second !== undefined ? [] : bestOf(spec, trials);
  const value = objective === undefined ? undefined : best?.values[objective.metric];
  if (objective === undefined || best === undefined || value === undefined) return head.foldedBest;
  const known = foldedBest(head);
  if (known !== null) {
    const knownValue = "segment" in known ? known.value : known.values[objective.metric];
    const difference = costOf(objective, value) - costOf(objective, knownValue ?? Number.NaN);
    if (difference > 0 || (difference === 0 && known.number < best.number)) return head.foldedBest;
  }
  return toJson({ number: best.number, segment: head.segments, value });
};

const costOf = (objective: StudySpec["objectives"][number], value: number): number =>
  cost(objective, { [objective.metric]: value });

/**
 * The best feasible completed trial (the earliest of equals), or the Pareto set of several objectives in order of
 * their numbers; empty while there is none.
 */
export const bestOf = (spec: StudySpec, trials: Iterable<Candidate>): BestTrial[] => {
  const [first, ...others] = spec.objectives;
  if (first === undefined) return [];
  if (others.length === 0) {
    let best: Candidate | null = null;
    let lowest = Number.POSITIVE_INFINITY;
    for (const trial of trials) {
      if (!isCandidate(spec, trial)) continue;
      const value = cost(first, trial.values);
      if (best === null || value < lowest || (value === lowest && trial.number < best.number)) {
        best = trial;
        lowest = value;
      }
    }
    return best === null ? [] : [toBest(best)];
  }
  const candidates: Candidate[] = [];
  for (const trial of trials) if (isCandidate(spec, trial)) candidates.push(trial);
  const costs = candidates.flatMap((trial) => spec.objectives.map((one) => cost(one, trial.values)));
  return paretoFront(Float64Array.from(costs), spec.objectives.length)
    .map((i) => toBest(candidates[i]!))
    .sort((a, b) => a.number - b.number);
};
