import type { Space } from "../../space/space.ts";
import { type History, TrialKind } from "../algorithm.ts";

/** One trial, as a history is built of. What is left out is unknown. */
export interface HistoryRow {
  readonly number: number;
  /** Its point in the unit cube, NaN where inactive. */
  readonly x: ArrayLike<number>;
  /** One value per objective, lower is better. */
  readonly y?: ArrayLike<number> | null;
  /** 0 when feasible; when left out, 0 for a trial that has values. */
  readonly violation?: number;
  /** One value per outcome constraint, negative within its bound; unknown if left out. */
  readonly excess?: ArrayLike<number> | null;
  /** If left out: completed when it has values, else running. */
  readonly kind?: TrialKind;
  readonly resource?: number;
  /** The number of the trial that it was derived from. */
  readonly parent?: number;
  /** Whether it holds a committed checkpoint. */
  readonly checkpoint?: boolean;
  readonly bracket?: number;
  readonly rung?: number;
  readonly instance?: number;
  readonly configuration?: number;
  readonly iteration?: number;
  /** Derivatives per coordinate of the cube, NaN where inactive. */
  readonly gradient?: ArrayLike<number>;
}

/** A history of trials in any order. An optional column is there when a trial has a value for it. */
export const buildHistory = (
  space: Space,
  objectives: number,
  rows: readonly HistoryRow[],
  outcomes = 0,
): History => {
  const n = rows.length;
  const d = space.parameters.length;
  const ordered = [...rows].sort((a, b) => a.number - b.number);
  const has = (key: keyof HistoryRow) => rows.some((row) => row[key] !== undefined);
  const integers = (key: "parent" | "bracket" | "rung" | "instance" | "configuration" | "iteration") =>
    has(key) && { [key]: Int32Array.from(ordered, (row) => row[key] ?? -1) };
  const history: History = {
    n,
    number: Uint32Array.from(ordered, ({ number }) => number),
    x: new Float64Array(n * d),
    y: new Float64Array(n * objectives).fill(Number.NaN),
    violation: Float64Array.from(ordered, ({ violation, y }) => violation ?? (y ? 0 : Number.NaN)),
    excess: new Float64Array(n * outcomes).fill(Number.NaN),
    kind: Uint8Array.from(ordered, ({ kind, y }) => kind ?? (y ? TrialKind.completed : TrialKind.running)),
    resource: Float64Array.from(ordered, ({ resource }) => resource ?? Number.NaN),
    ...integers("parent"),
    ...(has("checkpoint") && {
      checkpoint: Uint8Array.from(ordered, ({ checkpoint }) => Number(checkpoint === true)),
    }),
    ...integers("bracket"),
    ...integers("rung"),
    ...integers("instance"),
    ...integers("configuration"),
    ...integers("iteration"),
    ...(has("gradient") && { gradient: new Float64Array(n * d).fill(Number.NaN) }),
  };
  for (const [i, { x, y, excess, gradient }] of ordered.entries()) {
    history.x.set(x, i * d);
    if (y) history.y.set(y, i * objectives);
    if (excess) history.excess.set(excess, i * outcomes);
    if (gradient) history.gradient?.set(gradient, i * d);
  }
  return history;
};
