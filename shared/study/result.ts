import { InvalidInput } from "../errors.ts";
import { reasonSentence } from "../sentences/reasons.ts";
import type { FiniteValues, MetricValues } from "../values.ts";
import type { StudySpec } from "./study.ts";

/** The result of a trial, as a tell or an import gives it. A client may prune a trial by a rule of its own. */
export type Result =
  | { readonly state: "completed"; readonly values: FiniteValues }
  | { readonly state: "pruned"; readonly reason: string; readonly values: FiniteValues | null }
  | { readonly state: "failed"; readonly reason: string };

/** What told values alone come to. */
type Judged = Exclude<Result, { readonly state: "pruned" }>;

/** Metrics that are repeated to a caller who left one out. */
const MAX_NAMED = 10;

/**
 * Judges told values. A metric told as "nan", "inf" or "-inf" fails the trial, with a reason, so that the history stays
 * finite.
 * @throws InvalidInput naming every objective and outcome that is missing, pointing at `<pointer>/<metric>`.
 */
export const judge = (spec: StudySpec, values: MetricValues, pointer: string): Judged => {
  refuseMissing(spec, values, pointer);
  return finiteOrFailed(values);
};

/**
 * Judges the end of a trial that its client prunes. It may have no values; if it has, they hold every objective, but what
 * it was stopped too early to measure of the outcomes may be missing.
 * @throws InvalidInput naming every objective that is missing.
 */
export const judgePruned = (
  spec: StudySpec,
  reason: string,
  values: MetricValues | undefined,
  pointer: string,
): Result => {
  if (values === undefined) return { state: "pruned", reason, values: null };
  refuseMissing({ ...spec, outcomes: [] }, values, pointer);
  const judged = finiteOrFailed(values);
  return judged.state === "failed" ? judged : { state: "pruned", reason, values: judged.values };
};

const finiteOrFailed = (values: MetricValues): Judged => {
  const finite: FiniteValues = {};
  for (const [metric, value] of Object.entries(values)) {
    if (typeof value === "string") {
      return { state: "failed", reason: reasonSentence({ kind: "metric-not-finite", metric, told: value }) };
    }
    finite[metric] = value;
  }
  return { state: "completed", values: finite };
};

const refuseMissing = (spec: StudySpec, values: MetricValues, pointer: string): void => {
  const roles = new Map<string, "objective" | "outcome">();
  for (const { metric } of spec.outcomes) roles.set(metric, "outcome");
  for (const { metric } of spec.objectives) roles.set(metric, "objective");
  const needed = [...spec.objectives, ...spec.outcomes].map(({ metric }) => metric);
  const missing = [...new Set(needed)].filter((metric) => values[metric] === undefined);
  if (missing.length === 0) return;
  const told = Object.keys(values).slice(0, MAX_NAMED).join(", ") || "nothing";
  throw new InvalidInput(
    missing.map((metric) => ({
      pointer: `${pointer}/${metric}`,
      fault: { kind: "metric-missing", metric, role: roles.get(metric) ?? "objective", told },
    })),
  );
};

/** Intermediate values without those that are not finite, because a curve may recover from them. */
export const finiteOnly = (values: MetricValues): FiniteValues =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
