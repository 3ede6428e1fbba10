import type { ParameterDefinition } from "./definition.ts";
import type { Scale } from "./scale.ts";

/**
 * A compiled search space. Every parameter has one coordinate in the unit cube, whatever its type; a parameter that
 * is inactive under its conditions has NaN there.
 */
export interface Space {
  /** Parents before their children, otherwise as the client wrote them. */
  readonly parameters: readonly Parameter[];
  readonly byName: ReadonlyMap<string, Parameter>;
  readonly constraints: readonly CompiledConstraint[];
  /** Each is a conjunction: a configuration that agrees with all of its terms must not be tried. */
  readonly forbidden: readonly (readonly ForbiddenTerm[])[];
  /** Product of the parameters' sizes, so at least the number of configurations; Infinity when one is continuous. */
  readonly size: number;
}

interface ParameterBase {
  readonly name: string;
  /** Its position in `Space.parameters`, which is also its coordinate. */
  readonly index: number;
  readonly definition: ParameterDefinition;
  /** All must hold for the parameter to be active. */
  readonly conditions: readonly Condition[];
}

export interface NumericParameter extends ParameterBase {
  readonly kind: "float" | "int";
  readonly low: number;
  /** The greatest value it takes: `high` as written, or the last step below it. */
  readonly high: number;
  /** Distance of neighbouring values; null for a continuous parameter. */
  readonly step: number | null;
  readonly scale: Scale;
  /** Where its axis begins and how long it is, on the scale; half a step wider at both ends when it has steps. */
  readonly start: number;
  readonly span: number;
  /** Decimal places that every step has at most, null when that cannot be said. */
  readonly decimals: number | null;
  readonly prior: UnitPrior;
  /** How many values `grid` takes; null if grid chooses. */
  readonly points: number | null;
  /** Number of distinct values, Infinity for a continuous one. */
  readonly size: number;
}

/** A prior over the coordinate, truncated to [0, 1]. */
export type UnitPrior =
  | { readonly type: "uniform" }
  | { readonly type: "normal"; readonly mean: number; readonly sd: number }
  | { readonly type: "beta"; readonly alpha: number; readonly beta: number };

export interface ChoiceParameter extends ParameterBase {
  readonly kind: "categorical" | "ordinal";
  readonly choices: readonly (string | number | boolean | null)[];
  /** Probabilities, summing to 1. */
  readonly weights: readonly number[];
  readonly size: number;
}

export type Parameter = NumericParameter | ChoiceParameter;

/**
 * Active only while the parent is active and its value is one of those listed or within the bounds. The bounds are wider
 * than the client's by the noise of converting a value to the cube and back.
 */
export type Condition =
  | { readonly parent: number; readonly kind: "choices"; readonly indices: readonly number[] }
  | { readonly parent: number; readonly kind: "values"; readonly values: readonly number[] }
  | { readonly parent: number; readonly kind: "range"; readonly low: number; readonly high: number };

/** min <= sum of coefficient * value <= max, over active parameters in their own units; an inactive one counts 0. */
export interface CompiledConstraint {
  readonly terms: readonly { readonly parameter: number; readonly coefficient: number }[];
  readonly min: number;
  readonly max: number;
}

/** One value of a forbidden combination, by its coordinate. An inactive parameter never agrees. */
export interface ForbiddenTerm {
  readonly parameter: number;
  readonly coordinate: number;
}

export const isNumeric = (parameter: Parameter): parameter is NumericParameter =>
  parameter.kind === "float" || parameter.kind === "int";
