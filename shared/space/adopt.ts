import type { ParameterValue, Params } from "../values.ts";
import { isActive } from "./activity.ts";
import { numberAt } from "./axis.ts";
import { coordinateOfValue } from "./cube.ts";
import { isNumeric, type Parameter, type Space } from "./space.ts";

/** A configuration of another space in this one, or why it has no place here. */
export type Adopted =
  | { readonly params: Params }
  | { readonly fault: Misfit; readonly parameters: readonly string[] };

type Misfit = "out-of-range" | "other-choice";

/** How the other space's parameters are called here, and values of parameters that it does not have. */
export interface Adoption {
  readonly rename: Readonly<Record<string, string>>;
  readonly assume: Params;
}

/** The name that a parameter of the other space has here. */
export const nameHere = (name: string, { rename }: Pick<Adoption, "rename">): string =>
  Object.hasOwn(rename, name) ? rename[name]! : name;

/**
 * What a configuration of another space is here, by the values of its parameters: types, scales and steps may differ. A number
 * goes to the nearest step; one beyond the bounds, or a value that is no choice, has no place here. Parameters that this space
 * does not have, or that its conditions leave out, are dropped; those that the configuration lacks stay unknown. Constraints
 * are not checked: a result beyond them still says something about the objective.
 * @param params a configuration of the other space.
 */
export const adopt = (space: Space, params: Params, adoption: Adoption): Adopted => {
  const given = valuesHere(params, adoption);
  const adopted: Params = {};
  const misfits: { readonly fault: Misfit; readonly name: string }[] = [];
  const x = new Float64Array(space.parameters.length).fill(Number.NaN);
  for (const parameter of space.parameters) {
    const { name, index } = parameter;
    const value = given.get(name);
    if (value === undefined || !isActive(space, parameter, x)) continue;
    const fault = misfitOf(parameter, value);
    if (fault !== null) {
      misfits.push({ fault, name });
      continue;
    }
    x[index] = coordinateOfValue(parameter, value);
    adopted[name] =
      isNumeric(parameter) && parameter.size !== Infinity ? numberAt(parameter, x[index]!) : value;
  }
  const [first] = misfits;
  if (first === undefined) return { params: adopted };
  const { fault } = first;
  return { fault, parameters: misfits.filter((one) => one.fault === fault).map(({ name }) => name) };
};

/** The values by their names here. What is renamed goes before what has its new name by chance. */
const valuesHere = (params: Params, adoption: Adoption): Map<string, ParameterValue> => {
  const names = Object.keys(params);
  const isRenamed = (name: string) => Object.hasOwn(adoption.rename, name);
  return new Map([
    ...Object.entries(adoption.assume),
    ...names.filter((name) => !isRenamed(name)).map((name) => [name, params[name]!] as const),
    ...names.filter(isRenamed).map((name) => [nameHere(name, adoption), params[name]!] as const),
  ]);
};

const misfitOf = (parameter: Parameter, value: ParameterValue): Misfit | null => {
  if (!isNumeric(parameter)) return parameter.choices.includes(value) ? null : "other-choice";
  if (typeof value !== "number") return "other-choice";
  return value >= parameter.low && value <= parameter.high ? null : "out-of-range";
};
