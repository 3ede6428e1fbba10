import { type FieldError, InvalidInput } from "../errors.ts";
import type { ParameterValue, Params } from "../schemas/common.ts";
import { isActive } from "./activity.ts";
import { stepOf, stepValue } from "./axis.ts";
import { isOnStep } from "./compile-conditions.ts";
import { isForbidden, satisfies } from "./constraints.ts";
import { coordinateOfValue } from "./cube.ts";
import { pointer as pointerOf, unknownParameter } from "./faults.ts";
import {
  type ChoiceParameter,
  isNumeric,
  type NumericParameter,
  type Parameter,
  type Space,
} from "./space.ts";

/** What is wrong with a value, or the value as Hone keeps it. */
type Checked = { readonly fault: string } | { readonly value: ParameterValue };

/**
 * Checks a configuration that a client gave.
 * @param pointer the JSON pointer of `params` in the request body.
 * @returns the same configuration in the space's order of keys, steps free of representation noise.
 * @throws InvalidInput with every fault: unknown, missing, inactive, out of bounds, off step, not a choice, not allowed.
 */
export const validateConfiguration = (space: Space, params: Params, pointer: string): Params => {
  const errors: FieldError[] = [];
  const report = (name: string, detail: string) =>
    errors.push({ pointer: `${pointer}${pointerOf(name)}`, fault: { kind: "text", text: detail } });

  for (const name of Object.keys(params)) {
    if (!space.byName.has(name)) report(name, unknownParameter(name, [...space.byName.keys()]));
  }
  const valid: Params = {};
  const x = new Float64Array(space.parameters.length).fill(Number.NaN);
  const faulty = new Set<number>();
  for (const parameter of space.parameters) {
    const { name, index, conditions } = parameter;
    // Whether the child of a faulty parent exists cannot be said, so nothing is said of it.
    if (conditions.some(({ parent }) => faulty.has(parent))) {
      faulty.add(index);
      continue;
    }
    const isGiven = Object.hasOwn(params, name);
    if (!isActive(space, parameter, x)) {
      if (isGiven) report(name, `${name} does not exist ${whenNot(space, parameter)}. Leave it out.`);
      continue;
    }
    const checked = isGiven
      ? check(parameter, params[name]!)
      : { fault: `${name} is missing. Give ${wanted(parameter)}.` };
    if ("value" in checked) {
      valid[name] = checked.value;
      x[index] = coordinateOfValue(parameter, checked.value);
    } else {
      faulty.add(index);
      report(name, checked.fault);
    }
  }
  if (errors.length > 0) throw new InvalidInput(errors);
  checkRules(space, x, pointer);
  return valid;
};

const wanted = (parameter: Parameter): string => {
  if (!isNumeric(parameter)) {
    const shown = parameter.choices.slice(0, 10).map((choice) => JSON.stringify(choice));
    return `one of ${shown.join(", ")}${parameter.size > 10 ? ", ..." : ""}`;
  }
  const { kind, low, high, step } = parameter;
  const steps = step === null || (kind === "int" && step === 1) ? "" : ` in steps of ${step}`;
  return `${kind === "int" ? "a whole number" : "a number"} from ${low} to ${high}${steps}`;
};

/** "when optimizer is not one of those it needs", for a parameter that is left out. */
const whenNot = (space: Space, parameter: Parameter): string => {
  const parents = parameter.conditions.map(({ parent }) => space.parameters[parent]!.name);
  return `with this ${parents.join(" and ")}`;
};

const check = (parameter: Parameter, value: ParameterValue): Checked =>
  isNumeric(parameter) ? checkNumber(parameter, value) : checkChoice(parameter, value);

const checkChoice = (parameter: ChoiceParameter, value: ParameterValue): Checked =>
  parameter.choices.includes(value)
    ? { value: parameter.choices[parameter.choices.indexOf(value)]! }
    : { fault: `${JSON.stringify(value)} is no choice of ${parameter.name}. Give ${wanted(parameter)}.` };

const checkNumber = (parameter: NumericParameter, value: ParameterValue): Checked => {
  const fault = { fault: `${JSON.stringify(value)} is not ${wanted(parameter)}.` };
  if (typeof value !== "number" || !Number.isFinite(value)) return fault;
  if (parameter.size !== Infinity) {
    return isOnStep(parameter, value) ? { value: stepValue(parameter, stepOf(parameter, value)) } : fault;
  }
  return value >= parameter.low && value <= parameter.high ? { value: value + 0 } : fault;
};

const checkRules = (space: Space, x: Float64Array, pointer: string): void => {
  const errors: FieldError[] = [];
  for (const [i, constraint] of space.constraints.entries()) {
    if (!satisfies(space, constraint, x)) {
      errors.push({
        pointer,
        fault: { kind: "text", text: `This configuration breaks constraint ${i} of the study. Change it.` },
      });
    }
  }
  for (const [i, terms] of space.forbidden.entries()) {
    if (isForbidden(space, terms, x)) {
      errors.push({
        pointer,
        fault: { kind: "text", text: `This is forbidden combination ${i} of the study. Change it.` },
      });
    }
  }
  if (errors.length > 0) throw new InvalidInput(errors);
};
