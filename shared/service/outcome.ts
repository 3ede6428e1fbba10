import { invalid } from "../errors.ts";
import type { FiniteValues, MetricValues } from "../schemas/common.ts";
import type { StudySpec } from "./study.ts";

/** What a tell makes of a trial. */
export type Outcome =
  | { readonly state: "completed"; readonly values: FiniteValues }
  | { readonly state: "failed"; readonly reason: string };

/**
 * Judges told values. A metric told as "nan", "inf" or "-inf" fails the trial, with a reason, and leaves the history clean.
 * @throws InvalidInput when an objective or outcome is missing, pointing at `<pointer>/<metric>`.
 */
export const judge = (spec: StudySpec, values: MetricValues, pointer: string): Outcome => {
  for (const { metric } of [...spec.objectives, ...spec.outcomes]) {
    if (values[metric] === undefined) {
      throw invalid(`${pointer}/${metric}`, `The study needs a value for ${metric}.`);
    }
  }
  const finite: FiniteValues = {};
  for (const [metric, value] of Object.entries(values)) {
    if (typeof value === "string")
      return { state: "failed", reason: `The metric ${metric} was told as "${value}".` };
    finite[metric] = value;
  }
  return { state: "completed", values: finite };
};

/** Intermediate values: non-finite ones are left out, for a curve may dip and recover. */
export const finiteOnly = (values: MetricValues): FiniteValues =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );

/** An objective's value with its sign turned so that lower is better; NaN when it was not told. */
export const cost = (objective: StudySpec["objectives"][number], values: FiniteValues | null): number => {
  const value = values?.[objective.metric];
  if (value === undefined) return Number.NaN;
  return objective.direction === "maximize" ? -value : value;
};

/** How far values lie outside the outcome constraints, summed; 0 when feasible, NaN when a metric was not told. */
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

/** By how much an outcome exceeds its bound, negative within it; NaN when its metric was not told. */
export const excess = (
  { metric, max, min }: StudySpec["outcomes"][number],
  values: FiniteValues | null,
): number => {
  const value = values?.[metric];
  if (value === undefined) return Number.NaN;
  return Math.max(
    max === undefined ? Number.NEGATIVE_INFINITY : value - max,
    min === undefined ? Number.NEGATIVE_INFINITY : min - value,
  );
};
