import { InvalidInput } from "../errors.ts";
import type { FiniteValues, MetricValues } from "../schemas/common.ts";
import type { StudySpec } from "./study.ts";

/** What a tell makes of a trial. */
export type Outcome =
  | { readonly state: "completed"; readonly values: FiniteValues }
  | { readonly state: "failed"; readonly reason: string };

/** Metrics repeated to a caller who left one out. */
const MAX_NAMED = 10;

/**
 * Judges told values. A metric told as "nan", "inf" or "-inf" fails the trial, with a reason, and leaves the history clean.
 * @throws InvalidInput naming every objective and outcome that is missing, pointing at `<pointer>/<metric>`.
 */
export const judge = (spec: StudySpec, values: MetricValues, pointer: string): Outcome => {
  const roles = new Map(spec.objectives.map(({ metric }) => [metric, "an objective"]));
  for (const { metric } of spec.outcomes) {
    if (!roles.has(metric)) roles.set(metric, "an outcome with a limit");
  }
  const told = Object.keys(values).slice(0, MAX_NAMED).join(", ") || "nothing";
  const missing = [...roles].filter(([metric]) => values[metric] === undefined);
  if (missing.length > 0) {
    throw new InvalidInput(
      missing.map(([metric, role]) => ({
        pointer: `${pointer}/${metric}`,
        fault: { kind: "text", text: `The study needs a value for ${metric}, ${role}; told: ${told}.` },
      })),
    );
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

/** Whether a trial keeps within every limit; null while it has no values. */
export const isFeasible = (spec: StudySpec, values: FiniteValues | null): boolean | null =>
  values === null ? null : violation(spec, values) === 0;

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
