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
  /** How many of its steps were refused, from whichever trial. */
  readonly refusals: number;
  /** `ready`: its next step can be taken; `ended`: no step is left that could help. */
  readonly state: "running" | "ready" | "ended";
}

/** Whether a step from one row to another counts. */
export type Accepts = (from: number, to: number) => boolean;

/** Steps from one trial that are refused until its start ends. */
const MOST_REFUSED = 8;

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
  let earlier = 0;
  for (;;) {
    const tip = path.at(-1)!;
    const steps = stepsFrom(tip);
    const next = steps.find((row) => hasGradient(history, row) && accepts(tip, row));
    if (next !== undefined) {
      path.push(next);
      earlier += steps.indexOf(next);
      continue;
    }
    const refused = steps.filter((row) => history.kind[row] !== TrialKind.running);
    const trace = { path, refused, refusals: earlier + refused.length };
    const isRunning = history.kind[tip] === TrialKind.running || refused.length < steps.length;
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
