import { type FieldError, InvalidInput } from "../errors.ts";
import { createRandom } from "../numerics/random.ts";
import { compileConditions, inOrder } from "./compile-conditions.ts";
import { compileParameter } from "./compile-parameter.ts";
import { compileConstraint, compileForbidden } from "./compile-rules.ts";
import type {
  ForbiddenCombination,
  LinearConstraint,
  ParameterDefinition,
  SpaceDefinition,
} from "./definition.ts";
import type { Report } from "./faults.ts";
import { sampleCube } from "./sample.ts";
import type { Parameter, Space } from "./space.ts";

/**
 * Checks a search space as a client wrote it and makes the form that everything else works with.
 * @throws InvalidInput with every fault, its pointers from the root of the request that creates a study.
 */
export const compileSpace = (
  definition: SpaceDefinition,
  constraints: readonly LinearConstraint[] = [],
  forbidden: readonly ForbiddenCombination[] = [],
): Space => {
  const errors: FieldError[] = [];
  const report: Report = (pointer, fault) => errors.push({ pointer, fault });

  const names = inOrder(definition, report);
  const parameters: Parameter[] = [];
  const byName = new Map<string, Parameter>();
  for (const [index, name] of names.entries()) {
    const written = definition[name] as ParameterDefinition;
    const compiled = compileParameter(name, index, written, report);
    // Children are checked even if their parent is faulty, as far as that makes sense.
    const conditions = compileConditions(name, definition, byName, report);
    const parameter: Parameter = { ...compiled, conditions };
    parameters.push(parameter);
    byName.set(name, parameter);
  }
  const space: Space = {
    parameters,
    byName,
    constraints: constraints.map((constraint, i) => compileConstraint(constraint, i, byName, report)),
    forbidden: forbidden.map((combination, i) => compileForbidden(combination, i, byName, report)),
    size: parameters.reduce((product, { size }) => product * size, 1),
  };
  if (errors.length > 0) throw new InvalidInput(errors);
  // An empty space is better refused now than at the first ask.
  if (constraints.length + forbidden.length > 0) sampleCube(space, createRandom(0));
  return space;
};
