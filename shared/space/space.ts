import type { ParameterDefinition, Prior } from "../schemas/space.ts";

/**
 * A compiled search space. Every parameter has one coordinate in the unit cube, whatever its type; a parameter that
 * is inactive under its conditions has NaN there.
 */
export interface Space {
  /** Parents before their children, otherwise as the client wrote them. */
  readonly parameters: readonly Parameter[];
  readonly constraints: readonly CompiledConstraint[];
  readonly forbidden: readonly Readonly<Record<string, number>>[];
}

/** How a numeric parameter lies on its axis. */
export type Scale = "linear" | "log" | "reverse-log";

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
  readonly high: number;
  readonly step: number | null;
  readonly scale: Scale;
  readonly prior: Prior;
  /** How many values `grid` takes, null to let grid choose. */
  readonly points: number | null;
  /** Number of distinct values, Infinity for a continuous one. */
  readonly size: number;
}

export interface ChoiceParameter extends ParameterBase {
  readonly kind: "categorical" | "ordinal";
  readonly choices: readonly (string | number | boolean | null)[];
  /** Probabilities, summing to 1. */
  readonly weights: readonly number[];
  readonly size: number;
}

export type Parameter = NumericParameter | ChoiceParameter;

/** Active only while the parent is active and its value is one of `values` (choice indices) or within the bounds. */
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
