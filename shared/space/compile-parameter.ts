import { pointerTo } from "../json-pointer.ts";
import type { Fault } from "../sentences/faults.ts";
import type { ParameterDefinition } from "./definition.ts";
import type { Report } from "./faults.ts";
import { type Scale, scales } from "./scale.ts";
import type { ChoiceParameter, NumericParameter, Parameter, UnitPrior } from "./space.ts";

type Numeric = Extract<ParameterDefinition, { type: "float" | "int" }>;
type Choice = Extract<ParameterDefinition, { type: "categorical" | "ordinal" }>;

/** By which part of a step the range may differ from a whole number of steps because of rounding, as 0 to 1 by 0.1. */
const STEP_NOISE = 1e-9;

/**
 * One parameter without its conditions. Faults are reported; what is returned for a faulty definition only serves
 * to find more faults.
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
  const at = (field: string) => pointerTo(["space", name, field]);
  const { low, type } = definition;
  const scale = definition.scale ?? "linear";
  const step = type === "int" ? (definition.step ?? 1) : (definition.step ?? null);
  const sound = checkBounds(definition, scale, step, at, report);

  const count =
    low === definition.high ? 1 : step === null ? Infinity : countSteps(low, definition.high, step);
  const { mostValues } = scales[scale];
  if (sound && count !== Infinity && count > mostValues) {
    report(at("step"), { kind: "too-many-values", name, scale, most: mostValues });
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
    prior: sound ? compilePrior(definition, { ...axis, scale }, at, report) : { type: "uniform" },
    points: definition.points ?? null,
    size: count,
  };
};

/** Reports what is wrong with the bounds, the scale and the step. @returns whether there is no fault. */
const checkBounds = (
  { low, high, type }: Numeric,
  scale: Scale,
  step: number | null,
  at: (field: string) => string,
  report: Report,
): boolean => {
  let sound = true;
  const fault = (field: string, facts: Fault) => {
    sound = false;
    report(at(field), facts);
  };
  for (const [field, given] of Object.entries({ low, high })) {
    if (!Number.isFinite(given)) fault(field, { kind: "bound-not-finite", field });
    else if (type === "int" && !Number.isInteger(given)) {
      fault(field, { kind: "bound-not-whole", field, given });
    } else if (type === "int" && !Number.isSafeInteger(given)) {
      fault(field, { kind: "bound-not-exact", field, given });
    }
  }
  if (!sound) return false;
  if (low > high) fault("low", { kind: "low-above-high", low, high });
  else if (!Number.isFinite(high - low)) fault("high", { kind: "bounds-too-far-apart" });
  const { limits, allowsInts } = scales[scale];
  if (low <= limits.low) fault("low", { kind: "below-scale", scale, limit: limits.low, given: low });
  if (high >= limits.high) fault("high", { kind: "above-scale", scale, limit: limits.high, given: high });
  if (type === "int" && !allowsInts) fault("scale", { kind: "scale-of-floats", scale });
  if (step === null) return sound;
  if (!(step > 0) || !Number.isFinite(step)) fault("step", { kind: "step-not-positive", given: step });
  else if (type === "int" && !Number.isInteger(step)) fault("step", { kind: "step-not-whole", given: step });
  else if (low < high && step > (high - low) * (1 + STEP_NOISE)) {
    fault("step", { kind: "step-too-large", given: step, low, high });
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

/** Start and length on the scale, half a step (at most half of the distance to the scale's limit) wider on both sides. */
const axisOf = (scale: Scale, low: number, high: number, step: number | null) => {
  const { toScale, limits } = scales[scale];
  const below = step === null ? 0 : Math.min(step, low - limits.low) / 2;
  const above = step === null ? 0 : Math.min(step, limits.high - high) / 2;
  const start = toScale(low - below);
  return { start, span: toScale(high + above) - start };
};

/** The prior over the coordinate, of the prior that the client gave in the parameter's own unit. */
const compilePrior = (
  { prior, low, high }: Numeric,
  { scale, start, span }: { scale: Scale; start: number; span: number },
  at: (field: string) => string,
  report: Report,
): UnitPrior => {
  if (prior === undefined || prior.type === "uniform") return { type: "uniform" };
  if (prior.type === "beta") {
    for (const [field, given] of Object.entries({ alpha: prior.alpha, beta: prior.beta })) {
      if (!(given >= 0.01 && given <= 1e6)) {
        report(`${at("prior")}/${field}`, { kind: "prior-shape", field, given });
      }
    }
    return prior;
  }
  const { mean, sd } = prior;
  if (!(mean >= low && mean <= high)) {
    report(`${at("prior")}/mean`, { kind: "prior-mean", given: mean, low, high });
    return { type: "uniform" };
  }
  if (!(sd > 0) || !Number.isFinite(sd)) {
    report(`${at("prior")}/sd`, { kind: "prior-sd", given: sd });
    return { type: "uniform" };
  }
  if (span === 0) return { type: "uniform" };
  return { type: "normal", mean: (scales[scale].toScale(mean) - start) / span, sd: sd / span };
};

const compileChoice = (name: string, index: number, definition: Choice, report: Report): ChoiceParameter => {
  const { choices, weights, type } = definition;
  if (choices.length === 0) report(pointerTo(["space", name, "choices"]), { kind: "no-choices" });
  for (const [i, choice] of choices.entries()) {
    const first = choices.indexOf(choice);
    if (first < i) {
      report(pointerTo(["space", name, "choices", i]), { kind: "choice-twice", given: choice });
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
  const at = pointerTo(["space", name, "weights"]);
  if (weights.length !== choices.length) {
    report(at, { kind: "weight-count", weights: weights.length, choices: choices.length });
    return false;
  }
  const bad = weights.findIndex((weight) => !(weight > 0 && Number.isFinite(weight)));
  if (bad >= 0) {
    report(`${at}/${bad}`, { kind: "weight-not-positive", given: weights[bad] });
    return false;
  }
  if (!Number.isFinite(weights.reduce((sum, weight) => sum + weight, 0))) {
    report(at, { kind: "weights-too-large" });
    return false;
  }
  return true;
};
