import type { FiniteValues } from "../values.ts";
import type { StudySpec } from "./study.ts";

/** Metrics as the study judges them: costs of its objectives, and how its outcome constraints are kept. */

type Objective = StudySpec["objectives"][number];
type OutcomeConstraint = StudySpec["outcomes"][number];

/** An objective's value with its sign turned so that lower is better; NaN when it was not told. */
export const cost = (objective: Objective, values: FiniteValues | null): number => {
  const value = values?.[objective.metric];
  if (value === undefined) return Number.NaN;
  return objective.direction === "maximize" ? -value : value;
};

/** By how much an outcome exceeds its limits, negative within them; NaN when its metric was not told. */
export const excess = ({ metric, max, min }: OutcomeConstraint, values: FiniteValues | null): number => {
  const value = values?.[metric];
  if (value === undefined) return Number.NaN;
  return Math.max(
    max === undefined ? Number.NEGATIVE_INFINITY : value - max,
    min === undefined ? Number.NEGATIVE_INFINITY : min - value,
  );
};

/** The sum of what exceeds the outcome constraints; 0 when feasible, NaN when a metric was not told. */
export const violation = (spec: StudySpec, values: FiniteValues | null): number => {
  let sum = 0;
  for (const { metric, max, min } of spec.outcomes) {
    const value = values?.[metric];
    if (value === undefined) return Number.NaN;
    if (max !== undefined) sum += Math.max(0, value - max);
    if (min !== undefined) sum += Math.max(0, min - value);
  }
  return sum;
};

/** Whether a trial is within all limits of `outcomes`; null while it has no values. */
export const isFeasible = (spec: StudySpec, values: FiniteValues | null): boolean | null =>
  values === null ? null : violation(spec, values) === 0;
