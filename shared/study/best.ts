import { paretoFront } from "../numerics/pareto.ts";
import type { BestTrial } from "../schemas/study.ts";
import type { Head } from "../store/head.ts";
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

/** The best folded trial that a head remembers; none for several objectives. */
export const foldedBest = (head: Pick<Head, "foldedBest">): Candidate[] =>
  head.foldedBest === "" ? [] : [completed(JSON.parse(head.foldedBest) as BestTrial)];

/** What the head remembers once these trials are folded too: the best one of a single objective. */
export const mergeFoldedBest = (spec: StudySpec, head: Head, trials: readonly Candidate[]): string => {
  if (spec.objectives.length > 1) return "";
  const [best] = bestOf(spec, [...foldedBest(head), ...trials]);
  return best === undefined ? "" : JSON.stringify(best);
};

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
