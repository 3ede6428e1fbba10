import { pointerTo } from "../json-pointer.ts";
import { coordinateOf, coordinateOfNumber } from "./axis.ts";
import { isOnStep } from "./compile-conditions.ts";
import { reachOf } from "./constraints.ts";
import type { ForbiddenCombination, LinearConstraint } from "./definition.ts";
import { listed, type Report } from "./faults.ts";
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
  const at = (field: string) => pointerTo(["constraints", i, field]);
  const terms = Object.entries(constraint)
    .filter(([name]) => !BOUNDS.has(name))
    .flatMap(([name, coefficient]) => {
      const parameter = byName.get(name);
      if (parameter === undefined)
        report(at(name), { kind: "unknown-parameter", name, ...listed(byName.keys()) });
      else if (!isNumeric(parameter)) {
        report(at(name), { kind: "constraint-on-choices", name, type: parameter.kind });
      } else if (!Number.isFinite(coefficient)) report(at(name), { kind: "coefficient-not-finite" });
      else return [{ parameter: parameter.index, coefficient }];
      return [];
    });
  for (const name of BOUNDS) {
    if (byName.has(name)) {
      report(pointerTo(["space", name]), { kind: "named-like-a-bound", name });
    }
  }
  const { min = -Infinity, max = Infinity } = constraint;
  if (Object.keys(constraint).every((name) => BOUNDS.has(name))) {
    report(pointerTo(["constraints", i]), { kind: "constraint-of-nothing" });
  }
  if (constraint.min === undefined && constraint.max === undefined) {
    report(pointerTo(["constraints", i]), { kind: "constraint-without-bound" });
  }
  if (min > max) report(at("min"), { kind: "min-above-max", min, max });
  else reportOutOfReach({ terms, min, max }, byName, at, report);
  return { terms, min, max };
};

/** A bound that the parameters' own bounds can never meet. */
const reportOutOfReach = (
  { terms, min, max }: CompiledConstraint,
  byName: ByName,
  at: (field: string) => string,
  report: Report,
): void => {
  const { least, most } = reachOf([...byName.values()], terms);
  const noise = 1e-9 * Math.max(Math.abs(least), Math.abs(most));
  if (least > max + noise) report(at("max"), { kind: "max-out-of-reach", max, least });
  if (most < min - noise) report(at("min"), { kind: "min-out-of-reach", min, most });
};

/** A partial configuration that must not be tried. */
export const compileForbidden = (
  combination: ForbiddenCombination,
  i: number,
  byName: ByName,
  report: Report,
): ForbiddenTerm[] => {
  if (Object.keys(combination).length === 0) {
    report(pointerTo(["forbidden", i]), { kind: "forbids-everything" });
  }
  return Object.entries(combination).flatMap(([name, value]) => {
    const at = pointerTo(["forbidden", i, name]);
    const parameter = byName.get(name);
    if (parameter === undefined) {
      report(at, { kind: "unknown-parameter", name, ...listed(byName.keys()) });
      return [];
    }
    if (!isNumeric(parameter)) {
      const choice = parameter.choices.indexOf(value);
      if (choice < 0) report(at, { kind: "not-a-choice", name, given: value, ...listed(parameter.choices) });
      return [{ parameter: parameter.index, coordinate: coordinateOf(parameter, choice) }];
    }
    const isValue =
      typeof value === "number" &&
      value >= parameter.low &&
      value <= parameter.high &&
      (parameter.size === Infinity || isOnStep(parameter, value));
    if (!isValue) {
      const { low, high, step, kind } = parameter;
      report(at, { kind: "not-a-number-of", name, given: value, low, high, step, isInt: kind === "int" });
    }
    return [{ parameter: parameter.index, coordinate: coordinateOfNumber(parameter, Number(value)) }];
  });
};
