import { utf8Bytes } from "../bytes.ts";
import { type FieldError, InvalidInput } from "../errors.ts";
import { sizeOf } from "../executor/batch/size.ts";
import type { Problem } from "../optimizer/algorithm.ts";
import { algorithmOf, checkChoice, continues } from "../optimizer/choice.ts";
import { usesEarlier } from "../optimizer/common/earlier-starts.ts";
import type { Rates } from "../prices.ts";
import { checkScheduler } from "../scheduler/registry.ts";
import { checkSizes } from "../space/constraints.ts";
import type { Space } from "../space/space.ts";
import { leastOfFolds } from "./budget.ts";
import { runsOf } from "./evaluation.ts";
import { checkGradients } from "./gradients.ts";
import { searchSpec } from "./nested.ts";
import { checkVariables } from "./secrets.ts";
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
export const checkStudy = (
  whole: StudySpec,
  space: Space,
  budget: Problem["budget"] & Spending,
  rates: Rates,
): void => {
  // Each outer fold is searched by itself.
  const spec = whole.nested === undefined ? whole : searchSpec(whole, whole.nested);
  const errors = [
    ...checkAlgorithm(spec, space, budget),
    ...checkEvaluation(spec, budget),
    ...checkGradients(spec),
    ...checkSizes(space),
    ...checkMetrics(spec),
    ...checkExecutor(spec),
    ...checkSpending(spec, budget),
    ...checkVariables(spec),
    ...checkNested(whole, budget, rates),
    ...checkScheduler(spec.scheduler, {
      executor: spec.executor.type,
      objectives: spec.objectives.length,
      trials: budget.trials,
    }),
    ...checkSegments(spec),
    ...checkWarmStart(whole),
  ];
  if (errors.length > 0) throw new InvalidInput(errors);
};

const checkAlgorithm = (spec: StudySpec, space: Space, budget: Problem["budget"]): FieldError[] => {
  const objectives = spec.objectives.length;
  const outcomes = spec.outcomes.length;
  const runs = spec.evaluation !== undefined && { runs: runsOf(spec.evaluation) };
  return checkChoice(spec.algorithm, { space, objectives, outcomes, budget, ...runs }).map(
    ({ pointer, fault }) => ({
      pointer: `/algorithm${pointer}`,
      fault,
    }),
  );
};

/** Whether results of earlier studies could change anything. */
const checkWarmStart = ({ warmStart, algorithm, nested }: StudySpec): FieldError[] => {
  if (warmStart === undefined) return [];
  if (nested !== undefined) return [{ pointer: "/warmStart", fault: { kind: "earlier-of-nested" } }];
  return usesEarlier(algorithmOf(algorithm))
    ? []
    : [{ pointer: "/warmStart", fault: { kind: "earlier-useless", algorithm: algorithm.name } }];
};

/** More than the runs of any study: an algorithm keeps a few numbers of each. */
const MOST_RUNS = 10_000;

/** What several runs of a configuration do not go together with. */
const checkEvaluation = (spec: StudySpec, { trials }: Problem["budget"]): FieldError[] => {
  const { evaluation, scheduler, repeats, algorithm } = spec;
  const races = algorithmOf(algorithm).races === true;
  if (evaluation === undefined) {
    return races
      ? [{ pointer: "/evaluation", fault: { kind: "race-without-runs", algorithm: algorithm.name } }]
      : [];
  }
  const runs = runsOf(evaluation);
  return [
    ...(runs > MOST_RUNS
      ? [{ pointer: "/evaluation", fault: { kind: "too-many-runs", runs, most: MOST_RUNS } as const }]
      : []),
    ...(!races && trials < runs
      ? [{ pointer: "/budget/trials", fault: { kind: "budget-below-runs", trials, runs } as const }]
      : []),
    ...(scheduler.name === "none"
      ? []
      : [
          {
            pointer: "/scheduler",
            fault: { kind: "runs-with-scheduler", scheduler: scheduler.name } as const,
          },
        ]),
    ...(["failed", "completed"] as const)
      .filter((field) => repeats[field] > 0)
      .map(
        (field): FieldError => ({
          pointer: `/repeats/${field}`,
          fault: { kind: "runs-with-repeats", field },
        }),
      ),
  ];
};

/** A head of each part, and the study's own items, are written in one transaction. */
const MOST_FOLDS = 40;

/** What nested cross-validation needs of the study, and of its samples where only their number matters. */
const checkNested = (
  { nested, objectives, executor, scheduler }: StudySpec,
  spending: Spending,
  rates: Rates,
): FieldError[] => {
  if (nested === undefined) return [];
  const { samples, outer, inner } = nested;
  const folds = outer.folds * outer.repeats;
  const isSeries = outer.kind === "time-series";
  // Of a time series the first fold trains on the least, and its inner folds need a block more than there are of them.
  const trained = isSeries
    ? samples - outer.folds * Math.floor(samples / (outer.folds + 1))
    : samples - Math.ceil(samples / outer.folds);
  const least = isSeries ? inner.folds + 1 : inner.folds;
  const isFew = samples < outer.folds + (isSeries ? 1 : 0) || trained < least;
  const faults: FieldError[] = [];
  const found = (pointer: string, fault: FieldError["fault"]) => {
    faults.push({ pointer, fault });
  };
  if (scheduler.name === "segments") found("/scheduler", { kind: "nested-segments" });
  if (objectives.length > 1)
    found("/objectives", { kind: "nested-objectives", objectives: objectives.length });
  if (folds > MOST_FOLDS)
    found("/evaluation/outer/repeats", { kind: "too-many-folds", folds, most: MOST_FOLDS });
  if (isSeries && outer.repeats > 1) found("/evaluation/outer/repeats", { kind: "time-series-repeated" });
  if (isFew) found("/evaluation/samples", { kind: "too-few-samples", samples });
  if (executor.type === "batch") {
    const least = leastOfFolds(executor, rates, folds);
    for (const field of ["gpuHours", "dollars"] as const) {
      const limit = spending[field] ?? 0;
      if (limit > 0 && limit < least[field])
        found(`/budget/${field}`, { kind: "spending-below-folds", field, limit, least: least[field], folds });
    }
  }
  return faults;
};

/** Segments need an algorithm that says what each goes on from, and such an algorithm needs segments. */
const checkSegments = ({ algorithm, scheduler }: StudySpec): FieldError[] => {
  const hasSegments = scheduler.name === "segments";
  if (hasSegments === continues(algorithm)) return [];
  return hasSegments
    ? [{ pointer: "/scheduler/name", fault: { kind: "segments-of-nobody", algorithm: algorithm.name } }]
    : [{ pointer: "/scheduler", fault: { kind: "segments-without-resource", algorithm: algorithm.name } }];
};

/** A job definition of AWS Batch takes 24 KiB, the stack's own part (roles, logs, network) included. */
const MOST_EXECUTOR_BYTES = 20 * 1024;

/** As long as what an ARN has before a name. */
const ARN = "arn:aws-us-gov:secretsmanager:ap-southeast-1:111122223333:secret:";

const checkExecutor = ({ executor }: StudySpec): FieldError[] => {
  if (executor.type !== "batch") return [];
  const { image, command, environment = {}, secrets = {} } = executor;
  // As Batch has it: {"name": "...", "value": "..."}.
  const variables = Object.entries(environment).map(([name, value]) => ({ name, value }));
  // A secret is named by its ARN there.
  const references = Object.entries(secrets).map(([name, reference]) => ({ name, reference, arn: ARN }));
  const bytes = utf8Bytes(JSON.stringify({ image, command, variables, references }));
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
