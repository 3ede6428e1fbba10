import * as z from "zod";
import { coordinateOf, indexOf, snapCoordinate } from "../../space/axis.ts";
import { type Axis, enumerate, everyValue } from "../../space/enumerate.ts";
import { isNumeric, type NumericParameter, type Parameter } from "../../space/space.ts";
import { type Algorithm, answer, type Problem } from "../algorithm.ts";

const options = {
  points: z.int().min(1).max(1000).optional().meta({
    description: "Values taken from a continuous parameter that has no `points` of its own.",
  }),
};

const MIN_POINTS = 2;
/** Ints and floats with steps that have more values than this are treated as continuous. */
const MAX_POINTS = 10_000;
/** A trial's coordinate within this distance of a grid point counts as that point. */
const SAME = 1e-9;

/**
 * Values that a continuous parameter without `points` gets, so that the whole grid fits the trial budget: at least 2.
 * Conditions and constraints, which make the grid smaller, are not taken into account.
 */
const defaultPoints = ({ space, budget }: Problem): number => {
  const open = space.parameters.filter((parameter) => pointsOf(parameter, null) === null);
  const others = space.parameters.reduce(
    (product, parameter) => product * (pointsOf(parameter, null) ?? 1),
    1,
  );
  // Rounding: the cube root of 64 must be 4.
  const points = Math.floor((budget.trials / others) ** (1 / Math.max(1, open.length)) + 1e-9);
  return Math.min(MAX_POINTS, Math.max(MIN_POINTS, points));
};

/** How many values of a parameter the grid has; null when neither the parameter nor its size determines it. */
const pointsOf = (parameter: Parameter, fallback: number | null): number | null => {
  if (!isNumeric(parameter)) return parameter.size;
  if (parameter.points !== null) return Math.min(parameter.points, parameter.size);
  return parameter.size > MAX_POINTS ? fallback : parameter.size;
};

const axisOf = (parameter: Parameter, fallback: number): Axis => {
  const points = pointsOf(parameter, fallback) ?? fallback;
  return isNumeric(parameter) && points < parameter.size ? evenly(parameter, points) : everyValue(parameter);
};

/**
 * Evenly spaced on the parameter's scale, both bounds included; the middle when it is one point. Of a parameter with
 * steps the nearest ones, which on a log scale may be fewer than asked for.
 */
const evenly = (parameter: NumericParameter, points: number): Axis => {
  const place = (j: number) => (points === 1 ? 0.5 : j / (points - 1));
  if (parameter.size !== Infinity)
    return nearestSteps(
      parameter,
      Array.from({ length: points }, (_, j) => place(j)),
    );
  return {
    size: points,
    at: (j) => snapCoordinate(parameter, place(j)),
    positionOf: (u) => {
      const j = points === 1 ? 0 : Math.round(u * (points - 1));
      return Math.abs(place(j) - u) <= SAME ? j : -1;
    },
  };
};

/** The values of a parameter with steps that lie nearest to places between its first (0) and its last (1). */
const nearestSteps = (parameter: NumericParameter, places: readonly number[]): Axis => {
  const { size } = parameter;
  const first = coordinateOf(parameter, 0);
  const length = coordinateOf(parameter, size - 1) - first;
  const steps = [...new Set(places.map((place) => indexOf(parameter, first + place * length)))];
  const positions = new Map(steps.map((step, j) => [step, j]));
  return {
    size: steps.length,
    at: (j) => coordinateOf(parameter, steps[j]!),
    positionOf: (u) => positions.get(indexOf(parameter, u)) ?? -1,
  };
};

/** The same values in an order in which the first few are always spread out: 0, 1/2, 1/4, 3/4 and so on of the axis. */
const spreadOut = (axis: Axis): Axis => {
  const bits = Math.ceil(Math.log2(Math.max(2, axis.size)));
  const order: number[] = [];
  for (let i = 0; i < 2 ** bits; i++) {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit++) if (i & (1 << bit)) reversed |= 1 << (bits - 1 - bit);
    if (reversed < axis.size) order.push(reversed);
  }
  const place = new Int32Array(axis.size);
  for (const [j, k] of order.entries()) place[k] = j;
  return {
    size: axis.size,
    at: (j) => axis.at(order[j]!),
    positionOf: (u) => {
      const k = axis.positionOf(u);
      return k < 0 ? -1 : place[k]!;
    },
  };
};

/** Grid search: every combination once, whoever asks; then it ends. Source: the Wikipedia article "Hyperparameter optimization". */
export const grid: Algorithm<typeof options> = {
  name: "grid",
  revision: 1,
  options,
  ignoresResults: true,
  propose: (problem, history, count) => {
    const fallback = problem.options.points ?? defaultPoints(problem);
    const axes = problem.space.parameters.map((parameter) => spreadOut(axisOf(parameter, fallback)));
    const points = enumerate(problem.space, axes, history, count);
    return answer(points.map((x) => ({ x, algorithm: "grid", why: "next point of the grid" })));
  },
};
