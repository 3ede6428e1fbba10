import { pointerTo } from "../json-pointer.ts";
import type { ParameterValue } from "../values.ts";
import { stepOf, stepValue } from "./axis.ts";
import type { SpaceDefinition, When } from "./definition.ts";
import { listed, type Report } from "./faults.ts";
import { scales } from "./scale.ts";
import {
  type ChoiceParameter,
  type Condition,
  isNumeric,
  type NumericParameter,
  type Parameter,
} from "./space.ts";

/** A value within this part of a step of one counts as on the step. */
const NOISE = 1e-9;
/** The same on a continuous axis, as a part of the axis. */
const AXIS_NOISE = 1e-12;

/**
 * The parameters' names, parents before their children, otherwise as written. A cycle is reported, once for each
 * parameter that closes one.
 */
export const inOrder = (definition: SpaceDefinition, report: Report): string[] => {
  const done: string[] = [];
  const seen = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    path.push(name);
    for (const parent of Object.keys(definition[name]?.when ?? {})) {
      if (!Object.hasOwn(definition, parent)) continue;
      if (path.includes(parent)) {
        const cycle = [...path.slice(path.indexOf(parent)), parent];
        report(pointerTo(["space", name, "when", parent]), { kind: "condition-cycle", path: cycle });
      } else visit(parent);
    }
    path.pop();
    done.push(name);
  };
  for (const name of Object.keys(definition)) visit(name);
  return done;
};

/**
 * The conditions of one parameter.
 * @param parents the parameters compiled so far; a parent that is missing here is part of a cycle, reported already.
 */
export const compileConditions = (
  name: string,
  definition: SpaceDefinition,
  parents: ReadonlyMap<string, Parameter>,
  report: Report,
): Condition[] =>
  Object.entries(definition[name]?.when ?? {}).flatMap(([parentName, wanted]) => {
    const at = pointerTo(["space", name, "when", parentName]);
    if (!Object.hasOwn(definition, parentName)) {
      report(at, { kind: "unknown-parameter", name: parentName, ...listed(Object.keys(definition)) });
      return [];
    }
    const parent = parents.get(parentName);
    if (parent === undefined) return [];
    return [isNumeric(parent) ? onNumber(parent, wanted, at, report) : onChoice(parent, wanted, at, report)];
  });

const onChoice = (parent: ChoiceParameter, wanted: When[string], at: string, report: Report): Condition => {
  const indices = Array.isArray(wanted)
    ? choicesAmong(parent, wanted, at, report)
    : choicesWithin(parent, wanted, at, report);
  return { parent: parent.index, kind: "choices", indices };
};

const choicesAmong = (
  parent: ChoiceParameter,
  wanted: readonly ParameterValue[],
  at: string,
  report: Report,
): number[] =>
  wanted.flatMap((value, i) => {
    const index = parent.choices.indexOf(value);
    if (index >= 0) return [index];
    report(`${at}/${i}`, {
      kind: "not-a-choice",
      name: parent.name,
      given: value,
      ...listed(parent.choices),
    });
    return [];
  });

/** Bounds on a parent whose choices are numbers. */
const choicesWithin = (
  parent: ChoiceParameter,
  { low = -Infinity, high = Infinity }: { low?: number | undefined; high?: number | undefined },
  at: string,
  report: Report,
): number[] => {
  if (parent.choices.some((choice) => typeof choice !== "number")) {
    report(at, { kind: "bounds-on-choices", parent: parent.name });
    return [];
  }
  const indices = [...parent.choices.keys()].filter((i) => {
    const choice = Number(parent.choices[i]);
    return choice >= low && choice <= high;
  });
  if (indices.length === 0) report(at, { kind: "no-choice-within", parent: parent.name });
  return indices;
};

const onNumber = (parent: NumericParameter, wanted: When[string], at: string, report: Report): Condition => {
  if (!Array.isArray(wanted)) return onRange(parent, wanted, at, report);
  const values = wanted.flatMap((value, i) => {
    if (typeof value !== "number" || !canBe(parent, value)) {
      const { name, low, high, step } = parent;
      report(`${at}/${i}`, { kind: "never-equals", name, given: value, low, high, step });
      return [];
    }
    return [parent.size === Infinity ? value : stepValue(parent, stepOf(parent, value))];
  });
  return { parent: parent.index, kind: "values", values };
};

/** Whether a parameter with steps has this value; a continuous one hits no value exactly. */
const canBe = (parent: NumericParameter, value: number): boolean =>
  parent.size !== Infinity && isOnStep(parent, value);

/** Whether a number is one of the parameter's steps, except for representation noise. */
export const isOnStep = (parameter: NumericParameter, value: number): boolean => {
  const nearest = stepValue(parameter, stepOf(parameter, value));
  return Math.abs(nearest - value) <= NOISE * (parameter.step ?? 1);
};

const onRange = (
  parent: NumericParameter,
  { low = -Infinity, high = Infinity }: { low?: number | undefined; high?: number | undefined },
  at: string,
  report: Report,
): Condition => {
  if (low > high) report(`${at}/low`, { kind: "low-above-high", low, high });
  else if (low > parent.high || high < parent.low || !someStepWithin(parent, low, high)) {
    report(at, { kind: "no-value-within", parent: parent.name, low: parent.low, high: parent.high });
  }
  return { parent: parent.index, kind: "range", ...widened(parent, low, high) };
};

/** Bounds wider by noise, so that a value on a bound is still within it after conversion to the cube and back. */
const widened = (parent: NumericParameter, low: number, high: number) => {
  if (parent.size !== Infinity) {
    const noise = NOISE * (parent.step ?? 1);
    return { low: low - noise, high: high + noise };
  }
  return {
    low: low <= parent.low ? -Infinity : moved(parent, low, -AXIS_NOISE),
    high: high >= parent.high ? Infinity : moved(parent, high, AXIS_NOISE),
  };
};

/** A number moved along its parameter's axis. */
const moved = (parameter: NumericParameter, value: number, by: number): number => {
  const { toScale, fromScale } = scales[parameter.scale];
  return fromScale(toScale(value) + by * parameter.span);
};

const someStepWithin = (parent: NumericParameter, low: number, high: number): boolean => {
  if (parent.size === Infinity || low <= parent.low) return true;
  const k = stepOf(parent, low);
  return [k, k + 1].some((i) => {
    const value = i < parent.size ? stepValue(parent, i) : Number.NaN;
    return value >= low && value <= high;
  });
};
