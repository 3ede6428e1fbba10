import type { BestTrial } from "../schemas/study.ts";
import type { TrialItem } from "../store/trial.ts";
import { cost, violation } from "./outcome.ts";
import type { StudySpec } from "./study.ts";

type Candidate = Pick<TrialItem, "number" | "state" | "params" | "values">;

const isCandidate = (spec: StudySpec, trial: Candidate) =>
  trial.state === "completed" && trial.values !== null && violation(spec, trial.values) === 0;

const toBest = (trial: Candidate): BestTrial => ({
  number: trial.number,
  params: trial.params,
  values: trial.values ?? {},
});

const dominates = (a: readonly number[], b: readonly number[]) =>
  a.every((value, i) => value <= (b[i] ?? value)) && a.some((value, i) => value < (b[i] ?? value));

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
  let front: { trial: Candidate; costs: number[] }[] = [];
  for (const trial of trials) {
    if (!isCandidate(spec, trial)) continue;
    const costs = spec.objectives.map((objective) => cost(objective, trial.values));
    if (front.some((member) => dominates(member.costs, costs))) continue;
    front = front.filter((member) => !dominates(costs, member.costs));
    front.push({ trial, costs });
  }
  return front.map(({ trial }) => toBest(trial)).sort((a, b) => a.number - b.number);
};
