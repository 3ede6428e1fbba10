import { coordinateOf, coordinateOfNumber } from "./axis.ts";
import { isOnStep } from "./compile-conditions.ts";
import type { ForbiddenCombination, LinearConstraint } from "./definition.ts";
import { pointer, type Report, unknownParameter } from "./faults.ts";
import { type CompiledConstraint, type ForbiddenTerm, isNumeric, type Parameter } from "./space.ts";

type ByName = ReadonlyMap<string, Parameter>;

const BOUNDS = new Set(["min", "max"]);

/** A linear constraint: `max` and `min` are its bounds, every other key a numeric parameter's coefficient. */
export const compileConstraint = (
  constraint: LinearConstraint,
  i: number,
  byName: ByName,
  report: Report,
): CompiledConstraint => {
  const at = (field: string) => pointer("constraints", i, field);
  const terms = Object.entries(constraint)
    .filter(([name]) => !BOUNDS.has(name))
    .flatMap(([name, coefficient]) => {
      const parameter = byName.get(name);
      if (parameter === undefined) report(at(name), unknownParameter(name, [...byName.keys()]));
      else if (!isNumeric(parameter)) {
        report(
          at(name),
          `${name} is ${parameter.kind}; a linear constraint takes floats and ints only. Use forbidden.`,
        );
      } else if (!Number.isFinite(coefficient)) report(at(name), "A coefficient must be a finite number.");
      else return [{ parameter: parameter.index, coefficient }];
      return [];
    });
  for (const name of BOUNDS) {
    if (byName.has(name)) {
      report(
        pointer("space", name),
        `In a constraint ${name} is the bound, so no parameter may have that name. Rename the parameter.`,
      );
    }
  }
  const { min = -Infinity, max = Infinity } = constraint;
  if (Object.keys(constraint).every((name) => BOUNDS.has(name))) {
    report(pointer("constraints", i), 'Name at least one parameter, as in {"lr": 1, "x": 2, "max": 3}.');
  }
  if (constraint.min === undefined && constraint.max === undefined) {
    report(pointer("constraints", i), 'Give a bound, as in {"lr": 1, "x": 2, "max": 3}.');
  }
  if (min > max) report(at("min"), `min ${min} is above max ${max}. Swap them.`);
  else reportOutOfReach(terms, { min, max }, byName, i, report);
  return { terms, min, max };
};

/** A bound that the parameters' own bounds can never meet. */
const reportOutOfReach = (
  terms: CompiledConstraint["terms"],
  { min, max }: { min: number; max: number },
  byName: ByName,
  i: number,
  report: Report,
): void => {
  const parameters = [...byName.values()];
  let least = 0;
  let most = 0;
  for (const { parameter: index, coefficient } of terms) {
    const parameter = parameters[index]!;
    if (!isNumeric(parameter)) continue;
    const ends = [coefficient * parameter.low, coefficient * parameter.high];
    if (parameter.conditions.length > 0) ends.push(0);
    least += Math.min(...ends);
    most += Math.max(...ends);
  }
  const noise = 1e-9 * Math.max(Math.abs(least), Math.abs(most));
  if (least > max + noise) {
    report(
      pointer("constraints", i, "max"),
      `The sum is never below ${least}, so max ${max} leaves nothing. Raise it.`,
    );
  }
  if (most < min - noise) {
    report(
      pointer("constraints", i, "min"),
      `The sum is never above ${most}, so min ${min} leaves nothing. Lower it.`,
    );
  }
};

/** A partial configuration that must not be tried. */
export const compileForbidden = (
  combination: ForbiddenCombination,
  i: number,
  byName: ByName,
  report: Report,
): ForbiddenTerm[] => {
  if (Object.keys(combination).length === 0) {
    report(pointer("forbidden", i), "An empty combination forbids everything. Name at least one parameter.");
  }
  return Object.entries(combination).flatMap(([name, value]) => {
    const at = pointer("forbidden", i, name);
    const parameter = byName.get(name);
    if (parameter === undefined) {
      report(at, unknownParameter(name, [...byName.keys()]));
      return [];
    }
    if (!isNumeric(parameter)) {
      const choice = parameter.choices.indexOf(value);
      if (choice < 0) report(at, `${name} has no choice ${JSON.stringify(value)}. Remove it or correct it.`);
      return [{ parameter: parameter.index, coordinate: coordinateOf(parameter, choice) }];
    }
    const isValue =
      typeof value === "number" &&
      value >= parameter.low &&
      value <= parameter.high &&
      (parameter.size === Infinity || isOnStep(parameter, value));
    if (!isValue) {
      report(
        at,
        `${name} never has the value ${JSON.stringify(value)}. Remove the combination or correct it.`,
      );
    }
    return [{ parameter: parameter.index, coordinate: coordinateOfNumber(parameter, Number(value)) }];
  });
};
