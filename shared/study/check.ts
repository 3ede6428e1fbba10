import { type FieldError, InvalidInput } from "../errors.ts";
import type { Problem } from "../optimizer/algorithm.ts";
import { checkChoice } from "../optimizer/choice.ts";
import { DEFAULT_ETA, ladder, runsOf } from "../scheduler/sha.ts";
import type { Space } from "../space/space.ts";
import type { StudySpec } from "./study.ts";

const duplicates = (names: readonly string[]) => names.filter((name, i) => names.indexOf(name) !== i);

/** Trials that one execution of the halving machine can run, counted in every rung (infra/machines/halving.ts). */
const MAX_ROUND_RUNS = 2400;

/**
 * What concerns several fields of a new study at once.
 * @throws InvalidInput with every fault.
 */
export const checkStudy = (spec: StudySpec, space: Space, budget: Problem["budget"]): void => {
  const problem = {
    space,
    objectives: spec.objectives.length,
    outcomes: spec.outcomes.length,
    budget,
  };
  const errors: FieldError[] = checkChoice(spec.algorithm, problem).map(({ pointer, fault }) => ({
    pointer: `/algorithm${pointer}`,
    fault,
  }));
  const report = ({ pointer, detail }: { pointer: string; detail: string }) =>
    errors.push({ pointer, fault: { kind: "text", text: detail } });
  for (const metric of duplicates(spec.objectives.map((objective) => objective.metric))) {
    report({ pointer: "/objectives", detail: `${metric} is named twice. Name each metric once.` });
  }
  for (const metric of duplicates(spec.outcomes.map((outcome) => outcome.metric))) {
    report({ pointer: "/outcomes", detail: `${metric} is named twice. Give its max and min together.` });
  }
  for (const [i, { max, min }] of spec.outcomes.entries()) {
    if (max !== undefined && min !== undefined && min > max) {
      report({ pointer: `/outcomes/${i}/min`, detail: `min ${min} is above max ${max}. Swap them.` });
    }
  }
  if (spec.scheduler.name === "sha") {
    const { min, max } = spec.scheduler.resource;
    const { eta = DEFAULT_ETA } = spec.scheduler;
    if (min > max) {
      report({
        pointer: "/scheduler/resource/min",
        detail: `min ${min} is above max ${max}. Swap them.`,
      });
    }
    if (min <= max && runsOf(budget.trials, ladder(min, max, eta).length, eta) > MAX_ROUND_RUNS) {
      report({
        pointer: "/budget/trials",
        detail: `sha runs at most ${MAX_ROUND_RUNS} trials, counted in every rung that they reach. Lower the budget of trials.`,
      });
    }
    if (spec.executor.type !== "batch") {
      report({
        pointer: "/scheduler/name",
        detail:
          "sha runs in synchronous rounds, which need the batch executor. Leave the scheduler out for a client study.",
      });
    }
    if (spec.objectives.length > 1) {
      report({
        pointer: "/scheduler/name",
        detail: "sha ranks by one objective. Name one, or leave the scheduler out.",
      });
    }
  }
  if (errors.length > 0) throw new InvalidInput(errors);
};
