import type { History } from "../algorithm.ts";
import { pointOf } from "../common/rows.ts";
import { quasiNewton } from "./quasi-newton.ts";
import { gradientOf, partOfRefused, promisedBy, type Trace } from "./trace.ts";

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

/** Whether a step counts: quasi-Newton steps (`lbfgs`) and Rprop must come down; Adam and RMSprop take what comes, because results may be noisy. */
export const acceptsBy =
  (method: Method, history: History) =>
  (from: number, to: number): boolean => {
    if (method === "adam" || method === "rmsprop") return true;
    const m = history.y.length / history.n;
    const promised = promisedBy(history, from, to);
    return promised < 0 && history.y[to * m]! <= history.y[from * m]! + SUFFICIENT * promised;
  };

/**
 * Where the next step of a start leads, within the cube; NaN where the last trial has NaN. Sources: Rprop of Riedmiller and Braun 1993; Adam
 * of Kingma and Ba 2015; RMSprop of Hinton's lecture 6e; `quasi-newton.ts` has its own. A step of Rprop that follows a refused one is shorter
 * and has its direction.
 */
export const nextPoint = (history: History, trace: Trace, method: Method, lengths: Lengths): Float64Array => {
  const tip = trace.path.at(-1)!;
  const x = pointOf(history, tip, history.x.length / history.n);
  const last = trace.refused.at(-1);
  if (last !== undefined && method !== "lbfgs") return shorterStep(history, x, tip, last);
  const step = stepBy(history, trace, method, lengths);
  return x.map((u, j) => (Number.isNaN(u) ? u : Math.min(1, Math.max(0, u + step[j]!))));
};

const stepBy = (history: History, trace: Trace, method: Method, { rate, most }: Lengths): Float64Array => {
  if (method === "lbfgs") return quasiNewton(history, trace, rate, most);
  const step =
    method === "rprop"
      ? resilient(history, trace.path, rate, most)
      : adaptive(history, trace.path, method, rate);
  const longest = step.reduce((max, s) => Math.max(max, Math.abs(s)), 0);
  return longest > most ? step.map((s) => (s * most) / longest) : step;
};

/** A part of a refused step. */
const shorterStep = (history: History, x: Float64Array, from: number, to: number): Float64Array => {
  const other = pointOf(history, to, x.length);
  const part = partOfRefused(history, from, to);
  return x.map((u, j) => (Number.isNaN(other[j]!) ? u : u + part * (other[j]! - u)));
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
