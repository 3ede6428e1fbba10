import { indexOf } from "../../space/axis.ts";
import { scales } from "../../space/scale.ts";
import { type Condition, isNumeric, type Parameter, type Space } from "../../space/space.ts";

/**
 * The search space as a kernel uses it: each point has the same number of features. A numeric or ordinal parameter is one
 * number in [0, 1], its middle where the parameter is inactive; a categorical one is the index of its choice, of which only
 * equality counts; and per condition there is one feature that says whether the parameters under it are active.
 */
export interface Features {
  readonly width: number;
  /** 1 where only equality counts. */
  readonly isChoice: Uint8Array;
  /** The parameter whose coordinate moves the feature smoothly, or -1. */
  readonly parameterOf: Int32Array;
  /** The parameter that the feature tells something about. */
  readonly ownerOf: Int32Array;
  /** Numeric features first: this many of them. */
  readonly numeric: number;
  /** Writes the features of a point of the cube into `out` from `offset` on. */
  write(x: ArrayLike<number>, from: number, out: Float64Array, offset: number): void;
  /** How fast each numeric feature changes with its coordinate. */
  readonly perCoordinate: Float64Array;
}

interface Feature {
  readonly parameter: Parameter;
  readonly kind: "number" | "choice" | "activity";
}

const INACTIVE_CHOICE = -1;

export const featuresOf = (space: Space): Features => {
  const numbers: Feature[] = [];
  const others: Feature[] = [];
  const conditions = new Set<string>();
  for (const parameter of space.parameters) {
    if (parameter.size === 1) continue;
    if (parameter.kind === "categorical") others.push({ parameter, kind: "choice" });
    else numbers.push({ parameter, kind: "number" });
    const signature = JSON.stringify(parameter.conditions);
    // The feature of a categorical parameter already shows whether it is active.
    if (parameter.kind === "categorical" || conditions.has(signature)) continue;
    conditions.add(signature);
    if (!isToldByParent(space, parameter.conditions)) others.push({ parameter, kind: "activity" });
  }
  const features = [...numbers, ...others];
  const spans = numbers.map(({ parameter }) => spanOf(parameter));
  return {
    width: features.length,
    isChoice: Uint8Array.from(features, ({ kind }) => (kind === "number" ? 0 : 1)),
    parameterOf: Int32Array.from(features, ({ kind, parameter }) =>
      kind === "number" ? parameter.index : -1,
    ),
    ownerOf: Int32Array.from(features, ({ parameter }) => parameter.index),
    numeric: numbers.length,
    write: (x, from, out, offset) => {
      for (let j = 0; j < features.length; j++) {
        const { parameter, kind } = features[j]!;
        const u = x[from + parameter.index]!;
        out[offset + j] =
          kind === "activity"
            ? Number(!Number.isNaN(u))
            : kind === "choice"
              ? Number.isNaN(u)
                ? INACTIVE_CHOICE
                : indexOf(parameter, u)
              : Number.isNaN(u)
                ? 0.5
                : (u - spans[j]!.start) / spans[j]!.length;
      }
    },
    perCoordinate: Float64Array.from(spans, ({ length }) => 1 / length),
  };
};

/** Whether a parent of two choices, always there, says the same as an activity feature would. */
const isToldByParent = (space: Space, conditions: readonly Condition[]): boolean => {
  const [first, ...rest] = conditions;
  if (first === undefined) return true;
  const parent = space.parameters[first.parent]!;
  return rest.length === 0 && parent.kind === "categorical" && parent.size === 2;
};

/** From the coordinate of a finite parameter's first value to that of its last; all of the axis otherwise. */
const spanOf = (parameter: Parameter): { start: number; length: number } => {
  if (parameter.size === Infinity || (isNumeric(parameter) && !scales[parameter.scale].equalSteps))
    return { start: 0, length: 1 };
  return { start: 0.5 / parameter.size, length: 1 - 1 / parameter.size };
};
