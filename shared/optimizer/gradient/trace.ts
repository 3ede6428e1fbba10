import { type History, TrialKind } from "../algorithm.ts";
import { hasResult } from "../common/rows.ts";

/**
 * How far each start has come, read from the trials alone: a trial names the one that it is a step from, and a step that was not
 * accepted is tried again from the same trial, shorter.
 */
export interface Trace {
  /** Rows of the trials whose steps were accepted, from the start on. */
  readonly path: readonly number[];
  /** Rows of the steps from the last of them that have ended and were not accepted. */
  readonly refused: readonly number[];
  /** All its steps that have ended, in the order of the trials they go on from. */
  readonly steps: readonly Step[];
  /** `ready`: its next step can be taken; `ended`: no step is left that could help. */
  readonly state: "running" | "ready" | "ended";
}

/** A step from one row to another. */
export interface Step {
  readonly from: number;
  readonly to: number;
  /** Whether it was accepted. */
  readonly counts: boolean;
}

/** Whether a step from one row to another counts. */
export type Accepts = (from: number, to: number) => boolean;

/** Steps from one trial that are refused until its start ends. */
const MOST_REFUSED = 8;

/** The part of a step that comes after it, when it gave no result, and the bounds of what a parabola says otherwise. */
const AFTER_FAILURE = 0.25;
const SHORTEST = 0.1;
const LONGEST = 0.5;

/** Whether a row has a result, and a derivative of at least one parameter. */
export const hasGradient = (history: History, row: number): boolean => {
  const { gradient, n } = history;
  if (gradient === undefined || !hasResult(history, row, history.y.length / n)) return false;
  return gradientOf(history, row).some((g) => g !== 0);
};

/** The derivatives of one row, 0 where one is unknown. */
export const gradientOf = ({ gradient, n, x }: History, row: number): Float64Array => {
  const d = x.length / n;
  return Float64Array.from({ length: d }, (_, j) => gradient?.[row * d + j] || 0);
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

/** How far the parameter that moved furthest did, from one row to another. */
export const furthestMove = ({ x, n }: History, from: number, to: number): number => {
  const d = x.length / n;
  let furthest = 0;
  for (let j = 0; j < d; j++) furthest = Math.max(furthest, Math.abs(x[to * d + j]! - x[from * d + j]!) || 0);
  return furthest;
};

/** Which part of a refused step to try next: up to the minimum of the parabola through what is known. */
export const partOfRefused = (history: History, from: number, to: number): number => {
  const m = history.y.length / history.n;
  const after = history.y[to * m]!;
  if (!Number.isFinite(after)) return AFTER_FAILURE;
  const promised = promisedBy(history, from, to);
  const curvature = 2 * (after - history.y[from * m]! - promised);
  const ratio = curvature > 0 ? -promised / curvature : LONGEST;
  return Math.min(LONGEST, Math.max(SHORTEST, ratio));
};

/**
 * All starts, in the order of their first trials. O(n).
 * @param checks how many steps of the first start with a gradient are only checks of it.
 */
export const tracesOf = (history: History, accepts: Accepts, checks: number): Trace[] => {
  const rows = new Map<number, number>();
  const children = new Map<number, number[]>();
  const roots: number[] = [];
  for (let row = 0; row < history.n; row++) {
    rows.set(history.number[row]!, row);
    const parent = rows.get(history.parent?.[row] ?? -1);
    if (parent === undefined) roots.push(row);
    else children.set(parent, [...(children.get(parent) ?? []), row]);
  }
  const checked = checkedRow(history);
  const stepsFrom = (row: number) => (children.get(row) ?? []).slice(row === checked ? checks : 0);
  return roots.map((root) => follow(history, root, stepsFrom, accepts));
};

const follow = (
  history: History,
  root: number,
  stepsFrom: (row: number) => readonly number[],
  accepts: Accepts,
): Trace => {
  const path = [root];
  const steps: Step[] = [];
  for (;;) {
    const tip = path.at(-1)!;
    const begun = stepsFrom(tip);
    const next = begun.find((row) => hasGradient(history, row) && accepts(tip, row));
    const ended = begun.filter((row) => history.kind[row] !== TrialKind.running);
    const refused = next === undefined ? ended : ended.slice(0, ended.indexOf(next));
    steps.push(...refused.map((to) => ({ from: tip, to, counts: false })));
    if (next !== undefined) {
      path.push(next);
      steps.push({ from: tip, to: next, counts: true });
      continue;
    }
    const trace = { path, refused, steps };
    const isRunning = history.kind[tip] === TrialKind.running || ended.length < begun.length;
    if (isRunning) return { ...trace, state: "running" };
    const isOver = !hasGradient(history, tip) || refused.length >= MOST_REFUSED;
    return { ...trace, state: isOver ? "ended" : "ready" };
  }
};

/** The row whose gradient is checked by differences: the first one with a gradient; -1 while there is none. */
export const checkedRow = (history: History): number => {
  for (let row = 0; row < history.n; row++) if (hasGradient(history, row)) return row;
  return -1;
};
