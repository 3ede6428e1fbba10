import type { Space } from "../../space/space.ts";
import { type History, TrialKind } from "../algorithm.ts";

/** One trial, as a history is built of. What is left out is unknown. */
export interface HistoryRow {
  readonly number: number;
  /** Its point in the unit cube, NaN where inactive. */
  readonly x: ArrayLike<number>;
  /** One value an objective, lower is better. */
  readonly y?: ArrayLike<number> | null;
  /** 0 when feasible; when left out, 0 for a trial that has values. */
  readonly violation?: number;
  /** One value an outcome constraint, negative within its bound; unknown if left out. */
  readonly excess?: ArrayLike<number> | null;
  /** Completed when it has values, else running, if left out. */
  readonly kind?: TrialKind;
  readonly resource?: number;
}

/** A history of trials in any order. */
export const buildHistory = (
  space: Space,
  objectives: number,
  rows: readonly HistoryRow[],
  outcomes = 0,
): History => {
  const n = rows.length;
  const d = space.parameters.length;
  const history: History = {
    n,
    number: new Uint32Array(n),
    x: new Float64Array(n * d),
    y: new Float64Array(n * objectives).fill(Number.NaN),
    violation: new Float64Array(n).fill(Number.NaN),
    excess: new Float64Array(n * outcomes).fill(Number.NaN),
    kind: new Uint8Array(n),
    resource: new Float64Array(n).fill(Number.NaN),
  };
  const ordered = [...rows].sort((a, b) => a.number - b.number);
  for (const [i, { number, x, y, violation, excess, kind, resource }] of ordered.entries()) {
    history.number[i] = number;
    history.x.set(x, i * d);
    if (y) history.y.set(y, i * objectives);
    history.violation[i] = violation ?? (y ? 0 : Number.NaN);
    if (excess) history.excess.set(excess, i * outcomes);
    history.kind[i] = kind ?? (y ? TrialKind.completed : TrialKind.running);
    history.resource[i] = resource ?? Number.NaN;
  }
  return history;
};
