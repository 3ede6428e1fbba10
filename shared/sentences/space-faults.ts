import type { ParameterValue } from "../values.ts";

/** The first few of a list, and whether it goes on. */
interface Listed<T> {
  readonly known: readonly T[];
  readonly hasMore: boolean;
}

/** A number parameter, as far as a sentence about its values needs it. `step` is null when it is continuous. */
interface NumberRange {
  readonly low: number;
  readonly high: number;
  readonly step: number | null;
}

const list = (words: readonly string[], hasMore: boolean): string =>
  `${words.join(", ")}${hasMore ? " and others" : ""}`;

const choicesOf = ({ known, hasMore }: Listed<ParameterValue>): string =>
  `one of ${list(
    known.map((choice) => JSON.stringify(choice)),
    hasMore,
  )}`;

const numbersOf = ({ low, high, step, isInt }: NumberRange & { readonly isInt: boolean }): string => {
  const steps = step === null || (isInt && step === 1) ? "" : ` in steps of ${step}`;
  return `${isInt ? "a whole number" : "a number"} from ${low} to ${high}${steps}`;
};

/** What values a parameter takes. */
type Wanted =
  | ({ readonly type: "choice" } & Listed<ParameterValue>)
  | ({ readonly type: "number"; readonly isInt: boolean } & NumberRange);

const wantedWords = (wanted: Wanted): string =>
  wanted.type === "choice" ? choicesOf(wanted) : numbersOf(wanted);

const BOUND_EXAMPLE = '{"lr": 1, "x": 2, "max": 3}';

/** What may be wrong with a search space. */
export const spaceFaults = {
  // Parameters.
  "unknown-parameter": ({ name, known, hasMore }: { name: string } & Listed<string>) =>
    `There is no parameter ${name}; the space has ${list(known, hasMore)}.`,
  "low-above-high": ({ low, high }: { low: number; high: number }) =>
    `low ${low} is above high ${high}. Swap them.`,
  "bound-not-finite": ({ field }: { field: string }) => `${field} must be a finite number.`,
  "bound-not-whole": ({ field, given }: { field: string; given: number }) =>
    `${field} ${given} is not a whole number. Use a float parameter, or round it.`,
  "bound-not-exact": ({ field, given }: { field: string; given: number }) =>
    `${field} ${given} is beyond 2^53 - 1, where JSON numbers are no longer exact. Use a smaller one.`,
  "bounds-too-far-apart": () =>
    "The difference of low and high is not a finite number. Move them closer together.",
  "below-scale": ({ scale, limit, given }: { scale: string; limit: number; given: number }) =>
    `A ${scale} scale needs low above ${limit}, not ${given}. Raise low, or use another scale.`,
  "above-scale": ({ scale, limit, given }: { scale: string; limit: number; given: number }) =>
    `A ${scale} scale needs high below ${limit}, not ${given}. Lower high, or use another scale.`,
  "scale-of-floats": ({ scale }: { scale: string }) =>
    `A ${scale} scale is for floats only. Use a float parameter, or another scale.`,
  "step-not-positive": ({ given }: { given: number }) => `step must be above 0, not ${given}.`,
  "step-not-whole": ({ given }: { given: number }) =>
    `step ${given} of an int must be a whole number. Use a float parameter, or round it.`,
  "step-too-large": ({ given, low, high }: { given: number; low: number; high: number }) =>
    `step ${given} is larger than the range from ${low} to ${high}. Use at most ${high - low}.`,
  "too-many-values": ({ name, scale, most }: { name: string; scale: string; most: number }) =>
    `${name} has more values than can be told apart (2^${Math.log2(most)} on a ${scale} scale). Use a larger step or narrower bounds.`,
  "prior-shape": ({ field, given }: { field: string; given: number }) =>
    `${field} of a beta prior must lie between 0.01 and 1e6, not ${given}.`,
  "prior-mean": ({ given, low, high }: { given: number; low: number; high: number }) =>
    `The prior's mean ${given} lies outside the bounds ${low} to ${high}. It is in the parameter's own unit, whatever the scale.`,
  "prior-sd": ({ given }: { given: number }) => `The prior's sd must be above 0, not ${given}.`,
  "no-choices": () => "Give at least one choice.",
  "choice-twice": ({ given }: { given: ParameterValue }) =>
    `${JSON.stringify(given)} is given twice. Remove one; to make a choice more likely, use weights.`,
  "weight-count": ({ weights, choices }: { weights: number; choices: number }) =>
    `There are ${weights} weights for ${choices} choices. Give one weight per choice.`,
  "weight-not-positive": ({ given }: { given: number | undefined }) =>
    `A weight must be above 0, not ${given}. To exclude a choice, remove it.`,
  "weights-too-large": () => "The sum of the weights is not a finite number. Use smaller weights.",
  // Conditions.
  "condition-cycle": ({ path }: { path: readonly string[] }) =>
    `The conditions form a cycle: ${path.join(" needs ")}. Remove one of them.`,
  "bounds-on-choices": ({ parent }: { parent: string }) =>
    `${parent} has choices that are not numbers. List the choices instead of bounds.`,
  "no-choice-within": ({ parent }: { parent: string }) =>
    `No choice of ${parent} lies within these bounds. Use wider bounds.`,
  "no-value-within": ({ parent, low, high }: { parent: string; low: number; high: number }) =>
    `${parent} goes from ${low} to ${high} and has no value within these bounds. Use wider bounds.`,
  "not-a-choice": ({
    name,
    given,
    ...choices
  }: { name: string; given: ParameterValue } & Listed<ParameterValue>) =>
    `${JSON.stringify(given)} is not a choice of ${name}. Use ${choicesOf(choices)}.`,
  "never-equals": ({ name, given, low, high, step }: { name: string; given: ParameterValue } & NumberRange) =>
    `${name} never has the value ${JSON.stringify(given)}. ${
      step === null
        ? 'It is continuous, so give bounds: {"low": ..., "high": ...}.'
        : `It goes from ${low} to ${high} in steps of ${step}.`
    }`,
  // Constraints and forbidden combinations.
  "constraint-on-choices": ({ name, type }: { name: string; type: string }) =>
    `${name} is ${type}; a linear constraint takes floats and ints only. Use forbidden.`,
  "constraint-too-large": ({ most }: { most: number }) =>
    `A coefficient, or the sum of the terms at their largest, is beyond ${most}, where sums may overflow. Divide all coefficients, min and max by one number.`,
  "coefficient-not-finite": () => "A coefficient must be a finite number.",
  "named-like-a-bound": ({ name }: { name: string }) =>
    `In a constraint ${name} is the bound, so no parameter may have that name. Rename the parameter.`,
  "constraint-of-nothing": () => `Name at least one parameter, as in ${BOUND_EXAMPLE}.`,
  "constraint-without-bound": () => `Give a bound, as in ${BOUND_EXAMPLE}.`,
  "min-above-max": ({ min, max }: { min: number; max: number }) =>
    `min ${min} is above max ${max}. Swap them.`,
  "max-out-of-reach": ({ max, least }: { max: number; least: number }) =>
    `The sum is never below ${least}, so max ${max} allows nothing. Raise it.`,
  "min-out-of-reach": ({ min, most }: { min: number; most: number }) =>
    `The sum is never above ${most}, so min ${min} allows nothing. Lower it.`,
  "forbids-everything": () => "An empty combination forbids everything. Name at least one parameter.",
  "not-a-number-of": ({
    name,
    given,
    ...range
  }: { name: string; given: ParameterValue; isInt: boolean } & NumberRange) =>
    `${JSON.stringify(given)} is not a value of ${name}. Use ${numbersOf(range)}, or remove the combination.`,
  "nothing-allowed": () =>
    "No configuration satisfies all constraints and avoids all forbidden combinations, as far as a search could find one. Relax them.",
};

/** What may be wrong with a configuration of a space. */
export const configurationFaults = {
  "missing-value": ({ name, wanted }: { name: string; wanted: Wanted }) =>
    `${name} is missing. Give ${wantedWords(wanted)}.`,
  "wrong-value": ({ given, wanted }: { given: ParameterValue; wanted: Wanted }) =>
    `${JSON.stringify(given)} is not ${wantedWords(wanted)}.`,
  "inactive-parameter": ({ name, parents }: { name: string; parents: readonly string[] }) =>
    `${name} does not exist with this value of ${parents.join(" and ")}. Leave it out.`,
  "constraint-broken": ({ constraint }: { constraint: number }) =>
    `This configuration breaks constraint ${constraint} of the study. Change it.`,
  "combination-forbidden": ({ combination }: { combination: number }) =>
    `This is forbidden combination ${combination} of the study. Change it.`,
};
