import { type Change, quasiNewtonStep } from "../../numerics/bfgs.ts";
import type { History } from "../algorithm.ts";
import { pointOf } from "../common/rows.ts";
import { furthestMove, gradientOf, hasGradient, partOfRefused, type Step, type Trace } from "./trace.ts";

/** The curvature is learned from so many last steps. */
const MEMORY = 15;
/** How much of what was known of the curvature along a parameter counts beside another step. */
const KEPT = 0.3;
/** The curvature along a parameter is at least this part of the median one, so that what hardly moved yet does not run away. */
const LEAST = 0.5;
/** The curvature of what showed none. */
const STRAIGHT = 1e-12;
/** After a step that went as far as it might, and was accepted, the next one may go this much further. */
const GROWTH = 2;
const AS_FAR = 0.9;

/**
 * The step to the minimum of a quadratic model, as far as the model is trusted: a box, which grows with each step that it limited and
 * shrinks with each that was refused (Nocedal and Wright, chapter 4). The model has the gradient of the last trial, and learns its
 * curvature by BFGS from all steps, the refused ones too. It begins with a curvature for each parameter: how its derivative changed when it moved. L-BFGS
 * begins with one for all of them, and then what is flat stays where it is until there are as many steps as scales.
 */
export const quasiNewton = (
  history: History,
  { path, steps }: Trace,
  rate: number,
  most: number,
): Float64Array => {
  const d = history.x.length / history.n;
  const tip = path.at(-1)!;
  const x = pointOf(history, tip, d);
  const gradient = gradientOf(history, tip);
  const radius = radiusAfter(history, steps, rate, most);
  const changes = changesOf(history, steps);
  if (changes.length === 0) {
    // No curvature is known yet. Along the gradient only the steepest parameter would move; along its signs, what hardly matters would
    // move as far as what does, and into whichever minimum that leads: this is halfway between.
    const steepest = gradient.reduce((max, g) => Math.max(max, Math.abs(g)), 0);
    return gradient.map((g) => -Math.sign(g) * radius * Math.sqrt(Math.abs(g) / steepest));
  }
  // What has no derivative does not move.
  const reach = (j: number, room: number) => (gradient[j] === 0 ? 0 : Math.max(0, Math.min(radius, room)));
  const bounds = {
    lower: x.map((u, j) => -reach(j, u)),
    upper: x.map((u, j) => reach(j, 1 - u)),
  };
  return quasiNewtonStep(gradient, curvatures(changes, d), changes.slice(-MEMORY), bounds);
};

/** What steps did to the gradient, in the order of the trials; nothing where a derivative at either end is not known. */
const changesOf = (history: History, steps: readonly Step[]): Change[] => {
  const d = history.x.length / history.n;
  const told = (row: number) => history.gradient!.subarray(row * d, (row + 1) * d);
  return steps
    .filter(({ to }) => hasGradient(history, to))
    .map(({ from, to }) => {
      const [before, after] = [told(from), told(to)];
      const y = after.map((g, j) => g - before[j]! || 0);
      const s = y.map((_, j) => {
        const isKnown = !Number.isNaN(after[j]! - before[j]!);
        return (isKnown && history.x[to * d + j]! - history.x[from * d + j]!) || 0;
      });
      return { s, y };
    });
};

/** The curvature along each coordinate: how much its derivative changed for how far it moved, lately. */
const curvatures = (changes: readonly Change[], d: number): Float64Array => {
  const change = new Float64Array(d);
  const move = new Float64Array(d);
  for (const { s, y } of changes) {
    for (let j = 0; j < d; j++) {
      change[j] = KEPT * change[j]! + Math.abs(s[j]! * y[j]!);
      move[j] = KEPT * move[j]! + s[j]! ** 2;
    }
  }
  const found = change.map((c, j) => (move[j]! > 0 ? c / move[j]! : 0));
  const moved = found.filter((_, j) => move[j]! > 0).sort();
  const least = LEAST * (moved[moved.length >> 1] ?? 0);
  return found.map((c) => Math.max(c, least, STRAIGHT));
};

/** How far the next step may move any parameter. */
const radiusAfter = (history: History, steps: readonly Step[], rate: number, most: number): number => {
  let radius = Math.min(rate, most);
  for (const { from, to, counts } of steps) {
    const length = furthestMove(history, from, to);
    if (!counts) radius = length * partOfRefused(history, from, to);
    else if (length >= AS_FAR * radius) radius = Math.min(most, GROWTH * radius);
  }
  return radius;
};
