import { descend, freeCoordinates, type Pair, product, remember } from "../../numerics/lbfgs.ts";
import type { History } from "../algorithm.ts";
import { pointOf } from "../common/rows.ts";
import { gradientOf, type Trace } from "./trace.ts";

export const METHODS = ["lbfgs", "rprop", "adam", "rmsprop"] as const;
export type Method = (typeof METHODS)[number];

/** How far steps go, as parts of each axis. */
export interface Lengths {
  /** The learning rate of Adam and RMSprop, and the first step of the others. */
  readonly rate: number;
  /** The furthest that any step moves any parameter. */
  readonly most: number;
}

/** The share of the promised decrease that a step must reach (Armijo's condition). */
const SUFFICIENT = 1e-4;

/** Forgetting factors: those of Kingma and Ba 2015, with a shorter memory of squares, because runs are short. */
const FIRST = 0.9;
const SECOND = 0.99;
const SQUARES = 0.9;
const TINY = 1e-12;
/** After so many steps Adam and RMSprop have slowed down by the square root of two. */
const SLOWING = 20;

/** Rprop: how a parameter's step grows while its derivative keeps its sign, and shrinks when that changes. */
const GROWTH = 1.5;
const SHRINKING = 0.4;
/** L-BFGS begins when so many steps of Rprop were refused. Of 1, 2, 3, 5 and never: see `bench/README.md`. */
const PATIENCE = 2;

/** The part of a step that comes after it, when it gave no result, and the bounds of what a parabola says otherwise. */
const AFTER_FAILURE = 0.25;
const SHORTEST = 0.1;
const LONGEST = 0.5;

/** Whether a step counts: L-BFGS and Rprop must come down; Adam and RMSprop take what comes, because results may be noisy. */
export const acceptsBy =
  (method: Method, history: History) =>
  (from: number, to: number): boolean => {
    if (method === "adam" || method === "rmsprop") return true;
    const m = history.y.length / history.n;
    const promised = promisedBy(history, from, to);
    return promised < 0 && history.y[to * m]! <= history.y[from * m]! + SUFFICIENT * promised;
  };

/** By how much the result changes from one row to another, according to the gradient of the first. */
export const promisedBy = (history: History, from: number, to: number): number => {
  const d = history.x.length / history.n;
  const gradient = gradientOf(history, from);
  let sum = 0;
  for (let j = 0; j < d; j++) {
    const moved = history.x[to * d + j]! - history.x[from * d + j]!;
    if (!Number.isNaN(moved)) sum += gradient[j]! * moved;
  }
  return sum;
};

/**
 * Where the next step of a start leads, within the cube; NaN where the last trial has NaN. Sources: L-BFGS of Nocedal and Wright,
 * algorithm 7.4, on the coordinates that no bound holds; Rprop of Riedmiller and Braun 1993; Adam of Kingma and Ba 2015; RMSprop of
 * Hinton's lecture 6e. L-BFGS begins with steps of Rprop, which a wrong scale of the gradient does not disturb, until two of
 * them were refused. A step that follows a refused one is shorter and has its direction.
 */
export const nextPoint = (
  history: History,
  trace: Trace,
  method: Method,
  { rate, most }: Lengths,
): Float64Array => {
  const tip = trace.path.at(-1)!;
  const x = pointOf(history, tip, history.x.length / history.n);
  const last = trace.refused.at(-1);
  const isNewDirection = method === "lbfgs" && trace.refused.length === 1 && trace.refusals === PATIENCE;
  if (last !== undefined && !isNewDirection) return shorterStep(history, x, tip, last);
  const step = stepBy(history, trace, method, rate, most);
  const longest = step.reduce((max, s) => Math.max(max, Math.abs(s)), 0);
  const scale = longest > most ? most / longest : 1;
  return x.map((u, j) => (Number.isNaN(u) ? u : Math.min(1, Math.max(0, u + scale * step[j]!))));
};

const stepBy = (
  history: History,
  { path, refusals }: Trace,
  method: Method,
  rate: number,
  most: number,
): Float64Array => {
  if (method === "adam" || method === "rmsprop") return adaptive(history, path, method, rate);
  if (method === "lbfgs" && refusals >= PATIENCE) return quasiNewton(history, path, rate);
  return resilient(history, path, rate, most);
};

/** A part of a refused step: up to the minimum of the parabola through what is known. */
const shorterStep = (history: History, x: Float64Array, from: number, to: number): Float64Array => {
  const m = history.y.length / history.n;
  const other = pointOf(history, to, x.length);
  const after = history.y[to * m]!;
  const promised = promisedBy(history, from, to);
  const curvature = 2 * (after - history.y[from * m]! - promised);
  const ratio = curvature > 0 ? -promised / curvature : LONGEST;
  const part = Number.isFinite(after) ? Math.min(LONGEST, Math.max(SHORTEST, ratio)) : AFTER_FAILURE;
  return x.map((u, j) => (Number.isNaN(other[j]!) ? u : u + part * (other[j]! - u)));
};

const quasiNewton = (history: History, path: readonly number[], rate: number): Float64Array => {
  const d = history.x.length / history.n;
  // Where a parameter is inactive its derivative is 0 and nothing moves.
  const points = path.map((row) => pointOf(history, row, d).map((u) => u || 0));
  const gradients = path.map((row) => gradientOf(history, row));
  let pairs: Pair[] = [];
  for (let k = 1; k < path.length; k++) {
    pairs = remember(pairs, points[k - 1]!, gradients[k - 1]!, points[k]!, gradients[k]!);
  }
  const gradient = gradients.at(-1)!;
  const free = freeCoordinates(points.at(-1)!, gradient, new Float64Array(d), new Float64Array(d).fill(1));
  const direction = descend(gradient, pairs, free);
  if (pairs.length > 0 && product(direction, gradient) < 0) return direction;
  const steepest = descend(gradient, [], free);
  const longest = steepest.reduce((max, s) => Math.max(max, Math.abs(s)), 0);
  return longest === 0 ? steepest : steepest.map((s) => (s * rate) / longest);
};

const resilient = (history: History, path: readonly number[], rate: number, most: number): Float64Array => {
  const d = history.x.length / history.n;
  const length = new Float64Array(d).fill(rate);
  let before: Float64Array = new Float64Array(d);
  for (const row of path) {
    const now = gradientOf(history, row);
    for (let j = 0; j < d; j++) {
      const agreement = before[j]! * now[j]!;
      if (agreement > 0) length[j] = Math.min(most, length[j]! * GROWTH);
      if (agreement < 0) length[j] = length[j]! * SHRINKING;
    }
    before = now;
  }
  return before.map((g, j) => -Math.sign(g) * length[j]!);
};

const adaptive = (
  history: History,
  path: readonly number[],
  method: "adam" | "rmsprop",
  rate: number,
): Float64Array => {
  const d = history.x.length / history.n;
  const mean = new Float64Array(d);
  const square = new Float64Array(d);
  const [keepMean, keepSquare] = method === "adam" ? [FIRST, SECOND] : [0, SQUARES];
  for (const row of path) {
    for (const [j, g] of gradientOf(history, row).entries()) {
      mean[j] = keepMean * mean[j]! + (1 - keepMean) * g;
      square[j] = keepSquare * square[j]! + (1 - keepSquare) * g * g;
    }
  }
  const slowed = rate / Math.sqrt(1 + path.length / SLOWING);
  const [byMean, bySquare] = [1 - keepMean ** path.length, 1 - keepSquare ** path.length];
  return mean.map((g, j) => (-slowed * (g / byMean)) / (Math.sqrt(square[j]! / bySquare) + TINY));
};
