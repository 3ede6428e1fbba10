import { type History, TrialKind } from "../algorithm.ts";
import { hasResult } from "./rows.ts";

/**
 * Values far outside the rest: a penalty that stands for a failure ("1e10 when it diverged"), or a stray value. How large
 * they are says nothing, and beside them all differences between good trials would vanish.
 */

/** A gap that separates two groups of values is at least so many times the range of the better group. */
const APART = 100;
/** With few values a gap may be wide by chance; of k values it must be this to the power of 1 / (k - 1). */
const CHANCE = 1e5;
/** The worse group looks like a penalty if it is no wider than the gap; one that is wider needs a much wider gap. */
const STRETCH = 3;

/** A gap of `APART` leaves at least so many binary orders of magnitude above the least value empty. */
const EMPTY = 5;
const ORDERS = 2200;
const LOWEST = -1100;

/**
 * The greatest value that belongs to the rest, when lower values are better. A long tail has no such gap, nor have
 * the results of a search that has converged: the values between its best and its first ones are all there.
 * @param values finite ones, in any order.
 * @returns Infinity when no value is far outside the others. O(n).
 */
export const limitOf = (values: Float64Array): number => {
  let least = Infinity;
  let most = -Infinity;
  for (const v of values) {
    if (v < least) least = v;
    if (v > most) most = v;
  }
  // Halved, so that the difference of the largest numbers is one too.
  const above = (v: number) => v / 2 - least / 2;
  if (!(above(most) > 0)) return Infinity;
  const count = new Uint32Array(ORDERS);
  const low = new Float64Array(ORDERS).fill(Infinity);
  const high = new Float64Array(ORDERS).fill(-Infinity);
  for (const v of values) {
    const order = v > least ? Math.max(0, Math.floor(Math.log2(above(v))) - LOWEST) : 0;
    count[order]!++;
    if (v < low[order]!) low[order] = v;
    if (v > high[order]!) high[order] = v;
  }
  // From the worst values downwards: those that are far outside no longer count when the next gap is looked at.
  let limit = Infinity;
  let top = above(most);
  let next = top;
  let empty = 0;
  let k = values.length;
  for (let order = ORDERS - 1; order >= 0; order--) {
    if (count[order] === 0) {
      empty++;
      continue;
    }
    const range = above(high[order]!);
    if (k < values.length && k >= 2 && range > 0 && empty >= EMPTY) {
      const gap = next - range;
      const needed = Math.max(APART, CHANCE ** (1 / (k - 1))) * Math.max(1, (top - next) / gap) ** STRETCH;
      if (gap / range > needed) {
        limit = high[order]!;
        top = range;
      }
    }
    k -= count[order]!;
    next = above(low[order]!);
    empty = 0;
  }
  return limit;
};

/**
 * The history as algorithms see it: a trial with a result far outside the others, in any objective, is one that failed.
 * So a penalty costs what a failure costs, whatever its size.
 * @returns the history itself when there is none.
 */
export const penaltiesAsFailures = (history: History, objectives: number): History => {
  const { n, y, kind } = history;
  const rows: number[] = [];
  for (let row = 0; row < n; row++) if (hasResult(history, row, objectives)) rows.push(row);
  let changed: Uint8Array | null = null;
  const column = new Float64Array(rows.length);
  for (let j = 0; j < objectives; j++) {
    for (let i = 0; i < rows.length; i++) column[i] = y[rows[i]! * objectives + j]!;
    const limit = limitOf(column);
    if (limit === Infinity) continue;
    changed ??= Uint8Array.from(kind);
    for (let i = 0; i < rows.length; i++) if (column[i]! > limit) changed[rows[i]!] = TrialKind.failed;
  }
  return changed === null ? history : { ...history, kind: changed };
};
