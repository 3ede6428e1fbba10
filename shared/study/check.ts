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
