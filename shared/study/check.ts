import { type FieldError, InvalidInput } from "../errors.ts";
import { bitsOf } from "../optimizer/harmonica/bits.ts";
import { DEFAULT_ETA, ladder, runsOf } from "../scheduler/sha.ts";
import type { Space } from "../space/space.ts";
import type { StudySpec } from "./study.ts";

const duplicates = (names: readonly string[]) => names.filter((name, i) => names.indexOf(name) !== i);

/** Trials that one execution of the halving machine can run, counted in every rung (infra/machines/halving.ts). */
const MAX_ROUND_RUNS = 2400;

/** Harmonica's defaults, and how many products of bits times trials one ask may go through: some ten seconds. */
const HARMONICA = { degree: 3, samples: 300, most: 5e8 } as const;

/** Products of 1 to `degree` of so many bits. */
const productsOf = (bits: number, degree: number): number => {
  let products = 0;
  for (let k = 1, choose = 1; k <= degree; k++) {
    choose *= (bits - k + 1) / k;
    products += choose;
  }
  return products;
};

const harmonicaFaults = ({ algorithm }: StudySpec, space: Space): FieldError[] => {
  if (algorithm.name !== "harmonica") return [];
  const { degree = HARMONICA.degree, samples = HARMONICA.samples } = algorithm;
  const bits = bitsOf(space).count;
  if (productsOf(bits, degree) * samples <= HARMONICA.most) return [];
  const detail = `harmonica would take too long: this space has ${bits} bits, of which it fits all products of up to ${degree} to ${samples} trials. Lower degree or samples, or choose another algorithm.`;
  return [{ pointer: "/algorithm/degree", fault: { kind: "text", text: detail } }];
};

/**
 * What concerns several fields of a new study at once.
 * @param trials the budget of trials.
 * @throws InvalidInput with every fault.
 */
export const checkStudy = (spec: StudySpec, space: Space, trials: number): void => {
  const errors: FieldError[] = harmonicaFaults(spec, space);
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
    if (min <= max && runsOf(trials, ladder(min, max, eta).length, eta) > MAX_ROUND_RUNS) {
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
