import { utf8Bytes } from "../bytes.ts";
import { type FieldError, InvalidInput } from "../errors.ts";
import { sizeOf } from "../executor/batch/size.ts";
import { pointerTo } from "../json-pointer.ts";
import type { Problem } from "../optimizer/algorithm.ts";
import { checkChoice } from "../optimizer/choice.ts";
import { checkScheduler } from "../scheduler/registry.ts";
import { checkSizes } from "../space/constraints.ts";
import type { Space } from "../space/space.ts";
import type { StudySpec } from "./study.ts";

/** Limits of what a study's jobs may spend; 0, or left out: without a limit. */
interface Spending {
  readonly gpuHours?: number | undefined;
  readonly dollars?: number | undefined;
}

/**
 * Checks what concerns several fields of a new study at once.
 * @throws InvalidInput with every fault.
 */
export const checkStudy = (spec: StudySpec, space: Space, budget: Problem["budget"] & Spending): void => {
  const errors = [
    ...checkAlgorithm(spec, space, budget),
    ...checkSizes(space),
    ...checkMetrics(spec),
    ...checkExecutor(spec),
    ...checkSpending(spec, budget),
    ...checkEnvironment(spec),
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
  const bytes = utf8Bytes(JSON.stringify({ image, command, variables }));
  if (bytes <= MOST_EXECUTOR_BYTES) return [];
  return [{ pointer: "/executor", fault: { kind: "executor-too-large", bytes, most: MOST_EXECUTOR_BYTES } }];
};

/** A limit of spending that would limit nothing is refused, so that nobody relies on it. */
export const checkSpending = (
  { executor }: Pick<StudySpec, "executor">,
  { gpuHours = 0, dollars = 0 }: Spending,
): FieldError[] => {
  if (executor.type === "client") {
    const given = [
      ...(gpuHours > 0 ? ["gpuHours" as const] : []),
      ...(dollars > 0 ? ["dollars" as const] : []),
    ];
    return given.map((field) => ({
      pointer: `/budget/${field}`,
      fault: { kind: "spending-of-client", field },
    }));
  }
  return gpuHours > 0 && sizeOf(executor).gpus === 0
    ? [{ pointer: "/budget/gpuHours", fault: { kind: "gpu-hours-without-gpus" } }]
    : [];
};

/** Names that Hone sets for each job, whatever the study says. A study may say where its checkpoints go. */
const TAKEN = /^(HONE_(?!CHECKPOINT_OUT$)|AWS_BATCH)/;

const checkEnvironment = ({ executor }: StudySpec): FieldError[] =>
  Object.keys((executor.type === "batch" && executor.environment) || {})
    .filter((name) => TAKEN.test(name))
    .map((name) => ({
      pointer: `/executor/environment${pointerTo([name])}`,
      fault: { kind: "environment-name-taken", name },
    }));

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
