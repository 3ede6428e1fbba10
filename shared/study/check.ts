import { type FieldError, InvalidInput } from "../errors.ts";
import type { Problem } from "../optimizer/algorithm.ts";
import { checkChoice } from "../optimizer/choice.ts";
import { checkScheduler } from "../scheduler/registry.ts";
import type { Space } from "../space/space.ts";
import type { StudySpec } from "./study.ts";

/**
 * Checks what concerns several fields of a new study at once.
 * @throws InvalidInput with every fault.
 */
export const checkStudy = (spec: StudySpec, space: Space, budget: Problem["budget"]): void => {
  const errors = [
    ...checkAlgorithm(spec, space, budget),
    ...checkMetrics(spec),
    ...checkExecutor(spec),
    ...checkScheduler(spec.scheduler, {
      executor: spec.executor.type,
      objectives: spec.objectives.length,
      trials: budget.trials,
    }),
  ];
  if (errors.length > 0) throw new InvalidInput(errors);
};

const checkAlgorithm = (spec: StudySpec, space: Space, budget: Problem["budget"]): FieldError[] => {
  const objectives = spec.objectives.length;
  const outcomes = spec.outcomes.length;
  return checkChoice(spec.algorithm, { space, objectives, outcomes, budget }).map(({ pointer, fault }) => ({
    pointer: `/algorithm${pointer}`,
    fault,
  }));
};

/** A job definition of AWS Batch takes 24 KiB, the stack's own part (roles, logs, network) included. */
const MOST_EXECUTOR_BYTES = 20 * 1024;

const checkExecutor = ({ executor }: StudySpec): FieldError[] => {
  if (executor.type !== "batch") return [];
  const { image, command, environment = {} } = executor;
  // As Batch has it: {"name": "...", "value": "..."}.
  const variables = Object.entries(environment).map(([name, value]) => ({ name, value }));
  const bytes = new TextEncoder().encode(JSON.stringify({ image, command, variables })).length;
  if (bytes <= MOST_EXECUTOR_BYTES) return [];
  return [{ pointer: "/executor", fault: { kind: "executor-too-large", bytes, most: MOST_EXECUTOR_BYTES } }];
};

const checkMetrics = ({ objectives, outcomes }: StudySpec): FieldError[] => [
  ...namedTwice("objectives", objectives),
  ...namedTwice("outcomes", outcomes),
  ...outcomes.flatMap(({ min, max }, i): FieldError[] =>
    max !== undefined && min !== undefined && min > max
      ? [{ pointer: `/outcomes/${i}/min`, fault: { kind: "min-above-max", min, max } }]
      : [],
  ),
];

const namedTwice = (
  field: "objectives" | "outcomes",
  metrics: readonly { readonly metric: string }[],
): FieldError[] => {
  const names = metrics.map(({ metric }) => metric);
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  return twice.map((metric) => ({
    pointer: `/${field}`,
    fault: { kind: "metric-named-twice", metric, field },
  }));
};
