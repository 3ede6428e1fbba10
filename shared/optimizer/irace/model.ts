import { truncatedNormalQuantile } from "../../numerics/normal.ts";
import type { Random } from "../../numerics/random.ts";
import { isActive } from "../../space/activity.ts";
import { coordinateOf, indexOf, snapCoordinate } from "../../space/axis.ts";
import { priorQuantile } from "../../space/prior.ts";
import type { Parameter, Space } from "../../space/space.ts";

/**
 * The distribution around an elite that new configurations are drawn from. Source: model.R of the irace package 4.4.3. Numbers and
 * ordinals lie on the cube's axes, so that standard deviations are parts of a range, on a log scale where the parameter has one.
 */
export interface Model {
  /** Of each number and ordinal; unused for a categorical parameter. */
  readonly sd: Float64Array;
  /** The probability of each choice of a categorical parameter; null for others. */
  readonly weights: readonly (Float64Array | null)[];
}

/** At first, as a part of the range. */
const FIRST_SD = 0.5;
/** With so many parameters as there are, a choice is at most so likely, to the power of one over their number. */
const LEAST_CHANGE = 0.2;
/** How much of a choice's probability a restart keeps; the rest is the likeliest choice's. */
const KEPT = 0.9;

export const firstModel = ({ parameters }: Space): Model => ({
  sd: new Float64Array(parameters.length).fill(FIRST_SD),
  weights: parameters.map((parameter) =>
    parameter.kind === "categorical" ? Float64Array.from(parameter.weights) : null,
  ),
});

/** What the models of a race depend on. */
export interface Stage {
  /** From 1, and how many races are planned. */
  readonly iteration: number;
  readonly races: number;
  /** New configurations of the race. */
  readonly count: number;
  /** Free parameters of the space. */
  readonly parameters: number;
}

const shrinking = ({ count, parameters }: Stage): number => (1 / Math.max(1, count)) ** (1 / parameters);

/** An elite's model for the next race: narrower, and its own choices more likely. */
export const narrowed = (space: Space, { sd, weights }: Model, elite: Float64Array, stage: Stage): Model => {
  const factor = shrinking(stage);
  const share = (stage.iteration - 1) / stage.races;
  const most = LEAST_CHANGE ** (1 / stage.parameters);
  return {
    sd: sd.map((one) => one * factor),
    weights: space.parameters.map((parameter) => {
      const before = weights[parameter.index];
      const u = elite[parameter.index]!;
      if (!before || Number.isNaN(u)) return before ?? null;
      const moved = before.map((p) => p * (1 - share));
      moved[indexOf(parameter, u)]! += share;
      return normalised(moved.map((p) => Math.min(p, most)));
    }),
  };
};

/** A model that is wider again, because it draws almost the same configuration twice: a soft restart. */
export const widened = ({ sd, weights }: Model, stage: Stage): Model => {
  const most = FIRST_SD * shrinking(stage);
  const factor = Math.max(1, stage.count) ** (2 / stage.parameters);
  return {
    sd: sd.map((one) => Math.min(most, one * factor)),
    weights: weights.map((before) => {
      if (before === null) return null;
      const likeliest = before.reduce((a, b) => Math.max(a, b), 0);
      return normalised(before.map((p) => KEPT * p + (1 - KEPT) * likeliest));
    }),
  };
};

const normalised = (weights: Float64Array): Float64Array => {
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((p) => p / sum);
};

/**
 * A draw around an elite: conditions hold, constraints and forbidden combinations may not. What the elite has no value of comes from
 * the prior.
 */
export const drawAround = (space: Space, elite: Float64Array, model: Model, random: Random): Float64Array => {
  const x = new Float64Array(space.parameters.length).fill(Number.NaN);
  for (const parameter of space.parameters) {
    const u = random.uniform();
    if (isActive(space, parameter, x)) x[parameter.index] = drawn(parameter, u, elite, model);
  }
  return x;
};

const drawn = (parameter: Parameter, u: number, elite: Float64Array, { sd, weights }: Model): number => {
  const centre = elite[parameter.index]!;
  const probabilities = weights[parameter.index];
  if (probabilities) return coordinateOf(parameter, chosen(probabilities, u));
  if (Number.isNaN(centre)) return priorQuantile(parameter, u);
  return snapCoordinate(parameter, truncatedNormalQuantile(u, centre, sd[parameter.index]!, 0, 1));
};

/** Which choice a uniform number falls on. */
const chosen = (probabilities: Float64Array, u: number): number => {
  let sum = 0;
  for (let k = 0; k < probabilities.length - 1; k++) {
    sum += probabilities[k]!;
    if (u < sum) return k;
  }
  return probabilities.length - 1;
};

/** Points closer than this on every numeric axis are almost the same, if their choices are. */
const NEAR = 1e-4;

/** Whether two points are almost the same configuration. */
export const isNear = ({ parameters }: Space, a: Float64Array, b: Float64Array): boolean =>
  parameters.every(({ kind, index }) => {
    const [u, v] = [a[index]!, b[index]!];
    if (Number.isNaN(u) || Number.isNaN(v)) return Number.isNaN(u) && Number.isNaN(v);
    return kind === "categorical" || kind === "ordinal" ? u === v : Math.abs(u - v) < NEAR;
  });
