import { type FieldError, InvalidInput } from "../errors.ts";
import { checkScheduler } from "../scheduler/registry.ts";
import type { StudySpec } from "./study.ts";

/**
 * Checks what concerns several fields of a new study at once.
 * @param trials the budget of trials.
 * @throws InvalidInput with every fault.
 */
export const checkStudy = (spec: StudySpec, trials: number): void => {
  const errors = [
    ...checkMetrics(spec),
    ...checkScheduler(spec.scheduler, {
      executor: spec.executor.type,
      objectives: spec.objectives.length,
      trials,
    }),
  ];
  if (errors.length > 0) throw new InvalidInput(errors);
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
