import type { BestTrial, Study } from "../shared/schemas/study.ts";
import { aligned } from "./table.ts";

/** Significant digits in a table; `--json` has all of them. */
const DIGITS = 6;

type Problem = Pick<Study, "objectives" | "outcomes" | "message">;

/**
 * The best trials for a person: one line for a single objective, a table for a Pareto set, sorted by the first
 * objective, best first.
 * @param most rows shown; the number of rows left out is printed below.
 */
export const bestTable = (
  study: Problem,
  trials: readonly BestTrial[],
  most = Number.POSITIVE_INFINITY,
): string => {
  const [first, ...others] = study.objectives;
  if (first === undefined || trials.length === 0) return study.message ?? "No trial has completed yet.";
  if (others.length === 0) return trials.map(bestLine).join("\n");
  const sign = first.direction === "maximize" ? -1 : 1;
  const value = ({ values }: BestTrial) => sign * (values[first.metric] ?? Number.POSITIVE_INFINITY);
  const ordered = trials.toSorted((a, b) => value(a) - value(b) || a.number - b.number);
  const metrics = [...new Set([...study.objectives, ...study.outcomes].map(({ metric }) => metric))];
  const rows = ordered
    .slice(0, most)
    .map(({ number, values, params }) => [
      String(number),
      ...metrics.map((metric) => short(values[metric])),
      JSON.stringify(params, (_, part) => (typeof part === "number" ? Number(short(part)) : part)),
    ]);
  const left = trials.length - rows.length;
  return [
    ...aligned([["trial", ...metrics.map((metric) => titleOf(study, metric)), "params"], ...rows]),
    ...(left > 0 ? [`and ${left} more`] : []),
  ].join("\n");
};

const bestLine = ({ number, params, values, results, standardErrors = {} }: BestTrial) =>
  `trial ${number}  ${JSON.stringify(values)}  ${JSON.stringify(params)}${results === undefined ? "" : meanOf(results, standardErrors)}`;

/** Of how many results a mean is made, and how certain it is. */
const meanOf = (results: number, standardErrors: BestTrial["values"]): string => {
  const errors = Object.entries(standardErrors).map(([metric, error]) => `${metric} ± ${short(error)}`);
  return `  mean of ${results}${errors.length === 0 ? "" : `, standard error ${errors.join(", ")}`}`;
};

export const short = (value: number | undefined) =>
  value === undefined ? "" : String(Number(value.toPrecision(DIGITS)));

/** A metric with its direction and limits: `ms (minimize, at most 50)`. */
const titleOf = ({ objectives, outcomes }: Problem, metric: string): string => {
  const objective = objectives.find((one) => one.metric === metric);
  const { min, max } = outcomes.find((one) => one.metric === metric) ?? {};
  const goals = [
    ...(objective === undefined ? [] : [objective.direction]),
    ...(min === undefined ? [] : [`at least ${min}`]),
    ...(max === undefined ? [] : [`at most ${max}`]),
  ];
  return `${metric} (${goals.join(", ")})`;
};
