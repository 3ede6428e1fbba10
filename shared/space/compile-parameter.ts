import { toScale } from "./axis.ts";
import type { ParameterDefinition, Prior } from "./definition.ts";
import { pointer, type Report } from "./faults.ts";
import type { ChoiceParameter, NumericParameter, Parameter, Scale, UnitPrior } from "./space.ts";

type Numeric = Extract<ParameterDefinition, { type: "float" | "int" }>;
type Choice = Extract<ParameterDefinition, { type: "categorical" | "ordinal" }>;

/** Of a step: how far the range may miss a whole number of steps through rounding, as 0 to 1 by 0.1 does. */
const STEP_NOISE = 1e-9;
/** Values that a coordinate in double precision still tells apart, with room to spare. */
const MAX_VALUES = { linear: 2 ** 50, log: 2 ** 40, "reverse-log": 2 ** 40 } as const;

/**
 * One parameter without its conditions. Faults are reported; what is returned for a faulty definition is only good
 * for finding more faults.
 */
export const compileParameter = (
  name: string,
  index: number,
  definition: ParameterDefinition,
  report: Report,
): Parameter =>
  definition.type === "float" || definition.type === "int"
    ? compileNumeric(name, index, definition, report)
    : compileChoice(name, index, definition, report);

const compileNumeric = (
  name: string,
  index: number,
  definition: Numeric,
  report: Report,
): NumericParameter => {
  const at = (field: string) => pointer("space", name, field);
  const { low, type } = definition;
  const scale = definition.scale ?? "linear";
  const step = type === "int" ? (definition.step ?? 1) : (definition.step ?? null);
  const sound = checkBounds(definition, scale, step, at, report);

  const count =
    low === definition.high ? 1 : step === null ? Infinity : countSteps(low, definition.high, step);
  if (sound && count !== Infinity && count > MAX_VALUES[scale]) {
    report(
      at("step"),
      `${name} has more values than can be told apart (2^${Math.log2(MAX_VALUES[scale])} on a ${scale} scale). Give a larger step or narrower bounds.`,
    );
  }
  const decimals = step === null ? null : Math.max(decimalsOf(low), decimalsOf(step));
  const cleanDecimals = decimals !== null && decimals <= 100 ? decimals : null;
  const high =
    step === null || !sound ? definition.high : lastStep(low, definition.high, step, count, cleanDecimals);
  const axis = axisOf(scale, low, high, count === 1 ? null : step);
  return {
    kind: type,
    name,
    index,
    definition,
    conditions: [],
    low: low + 0,
    high: high + 0,
    step: count === Infinity ? null : step,
    scale,
    ...axis,
    decimals: cleanDecimals,
    prior: sound ? compilePrior(definition.prior, definition, scale, axis, at, report) : { type: "uniform" },
    points: definition.points ?? null,
    size: count,
  };
};

/** Reports what is wrong with the bounds, the scale and the step. @returns whether all is well. */
const checkBounds = (
  { low, high, type }: Numeric,
  scale: Scale,
  step: number | null,
  at: (field: string) => string,
  report: Report,
): boolean => {
  let sound = true;
  const fault = (field: string, detail: string) => {
    sound = false;
    report(at(field), detail);
  };
  for (const [field, bound] of Object.entries({ low, high })) {
    if (!Number.isFinite(bound)) fault(field, `${field} must be a finite number.`);
    else if (type === "int" && !Number.isInteger(bound)) {
      fault(field, `${field} ${bound} is not a whole number. Use a float parameter, or round it.`);
    } else if (type === "int" && !Number.isSafeInteger(bound)) {
      fault(
        field,
        `${field} ${bound} is beyond 2^53 - 1, where JSON numbers are no longer exact. Use a smaller one.`,
      );
    }
  }
  if (!sound) return false;
  if (low > high) fault("low", `low ${low} is above high ${high}. Swap them.`);
  else if (!Number.isFinite(high - low)) fault("high", "The bounds are too far apart. Narrow them.");
  if (scale === "log" && low <= 0) {
    fault("low", `A log scale needs low above 0, not ${low}. Raise low, or use the linear scale.`);
  }
  if (scale === "reverse-log" && high >= 1) {
    fault(
      "high",
      `A reverse-log scale measures the distance to 1, so high must be below 1, not ${high}. Lower high, or use another scale.`,
    );
  }
  if (scale === "reverse-log" && type === "int") {
    fault("scale", "A reverse-log scale lies below 1, so it is for floats only. Use log or linear.");
  }
  if (step === null) return sound;
  if (!(step > 0) || !Number.isFinite(step)) fault("step", `step must be above 0, not ${step}.`);
  else if (type === "int" && !Number.isInteger(step)) {
    fault("step", `step ${step} of an int must be a whole number. Use a float parameter, or round it.`);
  } else if (low < high && step > (high - low) * (1 + STEP_NOISE)) {
    fault("step", `step ${step} is larger than the range from ${low} to ${high}. Use at most ${high - low}.`);
  }
  return sound;
};

const countSteps = (low: number, high: number, step: number): number =>
  Math.floor((high - low) / step + STEP_NOISE) + 1;

const lastStep = (
  low: number,
  high: number,
  step: number,
  count: number,
  decimals: number | null,
): number => {
  const last = low + (count - 1) * step;
  const clean = decimals === null ? last : Number(last.toFixed(decimals));
  // Within the noise of a step, `high` as written is meant.
  return Math.abs(clean - high) <= STEP_NOISE * step ? high : Math.min(clean, high);
};

/** Digits after the decimal point in the shortest decimal form. */
const decimalsOf = (value: number): number => {
  const [digits = "", exponent = "0"] = String(value).split("e");
  return Math.max(0, (digits.split(".")[1]?.length ?? 0) - Number(exponent));
};

/** Start and length on the scale, half a step (at most half of what is left to the scale's end) wider on both sides. */
const axisOf = (scale: Scale, low: number, high: number, step: number | null) => {
  const below = step === null ? 0 : scale === "log" ? Math.min(step, low) / 2 : step / 2;
  const above = step === null ? 0 : scale === "reverse-log" ? Math.min(step, 1 - high) / 2 : step / 2;
  const start = toScale(scale, low - below);
  return { start, span: toScale(scale, high + above) - start };
};

/** The prior over the coordinate, of the prior that the client gave in the parameter's own unit. */
const compilePrior = (
  prior: Prior | undefined,
  { low, high }: Numeric,
  scale: Scale,
  { start, span }: { start: number; span: number },
  at: (field: string) => string,
  report: Report,
): UnitPrior => {
  if (prior === undefined || prior.type === "uniform") return { type: "uniform" };
  if (prior.type === "beta") {
    for (const [field, value] of Object.entries({ alpha: prior.alpha, beta: prior.beta })) {
      if (!(value >= 0.01 && value <= 1e6)) {
        report(
          `${at("prior")}/${field}`,
          `${field} of a beta prior must lie between 0.01 and 1e6, not ${value}.`,
        );
      }
    }
    return prior;
  }
  if (!(prior.mean >= low && prior.mean <= high)) {
    report(
      `${at("prior")}/mean`,
      `The prior's mean ${prior.mean} lies outside the bounds ${low} to ${high}; it is in the parameter's own unit, also on a log scale.`,
    );
    return { type: "uniform" };
  }
  if (!(prior.sd > 0) || !Number.isFinite(prior.sd)) {
    report(`${at("prior")}/sd`, `The prior's sd must be above 0, not ${prior.sd}.`);
    return { type: "uniform" };
  }
  if (span === 0) return { type: "uniform" };
  return { type: "normal", mean: (toScale(scale, prior.mean) - start) / span, sd: prior.sd / span };
};

const compileChoice = (name: string, index: number, definition: Choice, report: Report): ChoiceParameter => {
  const { choices, weights, type } = definition;
  if (choices.length === 0) report(pointer("space", name, "choices"), "Give at least one choice.");
  for (const [i, choice] of choices.entries()) {
    const first = choices.indexOf(choice);
    if (first < i) {
      report(
        pointer("space", name, "choices", i),
        `${JSON.stringify(choice)} is given twice. Remove it; to try it more often use weights.`,
      );
    }
  }
  const given = checkWeights(name, definition, report) ? weights : undefined;
  const total = given?.reduce((sum, weight) => sum + weight, 0) ?? choices.length;
  return {
    kind: type,
    name,
    index,
    definition,
    conditions: [],
    choices,
    weights: choices.map((_, i) => (given?.[i] ?? 1) / total),
    size: choices.length,
  };
};

const checkWeights = (name: string, { choices, weights }: Choice, report: Report): boolean => {
  if (weights === undefined) return true;
  const at = pointer("space", name, "weights");
  if (weights.length !== choices.length) {
    report(at, `There are ${weights.length} weights for ${choices.length} choices. Give one a choice.`);
    return false;
  }
  const bad = weights.findIndex((weight) => !(weight > 0 && Number.isFinite(weight)));
  if (bad >= 0) {
    report(`${at}/${bad}`, `A weight must be above 0, not ${weights[bad]}. Leave the choice out instead.`);
    return false;
  }
  if (!Number.isFinite(weights.reduce((sum, weight) => sum + weight, 0))) {
    report(at, "The weights' sum is too large. Scale them down.");
    return false;
  }
  return true;
};
