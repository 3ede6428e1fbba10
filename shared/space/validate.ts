import { type FieldError, InvalidInput } from "../errors.ts";
import { pointerTo } from "../json-pointer.ts";
import type { Fault } from "../sentences/faults.ts";
import type { ParameterValue, Params } from "../values.ts";
import { isActive } from "./activity.ts";
import { stepOf, stepValue } from "./axis.ts";
import { isOnStep } from "./compile-conditions.ts";
import { isForbidden, satisfies } from "./constraints.ts";
import { coordinateOfValue } from "./cube.ts";
import { listed } from "./faults.ts";
import {
  type ChoiceParameter,
  isNumeric,
  type NumericParameter,
  type Parameter,
  type Space,
} from "./space.ts";

/** What is wrong with a value, or the value as Hone keeps it. */
type Checked = { readonly fault: Fault } | { readonly value: ParameterValue };

/**
 * Checks a configuration that a client gave.
 * @param pointer the JSON pointer of `params` in the request body.
 * @returns the same configuration in the space's order of keys, steps free of representation noise.
 * @throws InvalidInput with every fault: unknown, missing, inactive, out of bounds, off step, not a choice, not allowed.
 */
export const validateConfiguration = (space: Space, params: Params, pointer: string): Params => {
  const errors: FieldError[] = [];
  const report = (name: string, fault: Fault) =>
    errors.push({ pointer: `${pointer}${pointerTo([name])}`, fault });

  for (const name of Object.keys(params)) {
    if (space.byName.has(name)) continue;
    report(name, { kind: "unknown-parameter", name, ...listed(space.byName.keys()) });
  }
  const valid: Params = {};
  const x = new Float64Array(space.parameters.length).fill(Number.NaN);
  const faulty = new Set<number>();
  for (const parameter of space.parameters) {
    const { name, index, conditions } = parameter;
    // Whether the child of a faulty parent exists is unknown, so it is not checked.
    if (conditions.some(({ parent }) => faulty.has(parent))) {
      faulty.add(index);
      continue;
    }
    const isGiven = Object.hasOwn(params, name);
    if (!isActive(space, parameter, x)) {
      const parents = conditions.map(({ parent }) => space.parameters[parent]!.name);
      if (isGiven) report(name, { kind: "inactive-parameter", name, parents });
      continue;
    }
    const checked: Checked = isGiven
      ? check(parameter, params[name]!)
      : { fault: { kind: "missing-value", name, wanted: wantedOf(parameter) } };
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

/** What values a parameter takes, as a fault tells it. */
const wantedOf = (parameter: Parameter) => {
  if (!isNumeric(parameter)) return { type: "choice", ...listed(parameter.choices) } as const;
  const { kind, low, high, step } = parameter;
  return { type: "number", isInt: kind === "int", low, high, step } as const;
};

const check = (parameter: Parameter, value: ParameterValue): Checked =>
  isNumeric(parameter) ? checkNumber(parameter, value) : checkChoice(parameter, value);

/** What is wrong with a value of a parameter; null for a valid one. */
export const checkValue = (parameter: Parameter, value: ParameterValue): Fault | null => {
  const checked = check(parameter, value);
  return "fault" in checked ? checked.fault : null;
};

const wrong = (parameter: Parameter, given: ParameterValue): Checked => ({
  fault: { kind: "wrong-value", given, wanted: wantedOf(parameter) },
});

const checkChoice = (parameter: ChoiceParameter, value: ParameterValue): Checked => {
  const choice = parameter.choices.indexOf(value);
  return choice < 0 ? wrong(parameter, value) : { value: parameter.choices[choice]! };
};

const checkNumber = (parameter: NumericParameter, value: ParameterValue): Checked => {
  if (typeof value !== "number" || !Number.isFinite(value)) return wrong(parameter, value);
  if (parameter.size !== Infinity) {
    const step = stepValue(parameter, stepOf(parameter, value));
    return isOnStep(parameter, value) ? { value: step } : wrong(parameter, value);
  }
  const isWithin = value >= parameter.low && value <= parameter.high;
  return isWithin ? { value: value + 0 } : wrong(parameter, value);
};

const checkRules = (space: Space, x: Float64Array, pointer: string): void => {
  const broken = [...space.constraints.keys()].filter((i) => !satisfies(space, space.constraints[i]!, x));
  const forbidden = [...space.forbidden.keys()].filter((i) => isForbidden(space, space.forbidden[i]!, x));
  const errors: FieldError[] = [
    ...broken.map(
      (constraint): FieldError => ({ pointer, fault: { kind: "constraint-broken", constraint } }),
    ),
    ...forbidden.map(
      (combination): FieldError => ({
        pointer,
        fault: { kind: "combination-forbidden", combination },
      }),
    ),
  ];
  if (errors.length > 0) throw new InvalidInput(errors);
};
