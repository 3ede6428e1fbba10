import { cellOf, numberAt } from "./axis.ts";
import { type Condition, isNumeric, type Parameter, type Space } from "./space.ts";

const holds = (condition: Condition, parent: Parameter, u: number): boolean => {
  if (Number.isNaN(u)) return false;
  if (condition.kind === "choices") return condition.indices.includes(cellOf(u, parent.size));
  if (!isNumeric(parent)) return false;
  const value = numberAt(parent, u);
  return condition.kind === "values"
    ? condition.values.includes(value)
    : value >= condition.low && value <= condition.high;
};

/**
 * Whether a parameter exists, given the coordinates of its parents.
 * @param x a point of the cube whose coordinates before `parameter` are set, NaN where inactive.
 */
export const isActive = (space: Space, parameter: Parameter, x: ArrayLike<number>): boolean =>
  parameter.conditions.every((condition) =>
    holds(condition, space.parameters[condition.parent]!, x[condition.parent]!),
  );
