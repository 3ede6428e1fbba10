import { type History, TrialKind } from "../algorithm.ts";
import { hasGradient, promisedBy } from "./trace.ts";

/** What differences between trials say of the told gradients. */
export interface Agreement {
  /** How many differences there are. */
  readonly differences: number;
  /** Which part of them the gradients explain: 1 when all, 0 or less when they are no help or point uphill. */
  readonly explained: number;
}

/**
 * Compares each step with the gradients at its two ends: their mean times the step is the difference of the results up to the third
 * order (the trapezoidal rule). Where the trial at one end has no gradient, the other's is taken.
 */
export const agreementOf = (history: History): Agreement => {
  const m = history.y.length / history.n;
  const rows = new Map<number, number>();
  for (let row = 0; row < history.n; row++) rows.set(history.number[row]!, row);
  let differences = 0;
  let missed = 0;
  let total = 0;
  for (let row = 0; row < history.n; row++) {
    const parent = rows.get(history.parent?.[row] ?? -1);
    if (parent === undefined || history.kind[row] !== TrialKind.completed) continue;
    if (!hasGradient(history, parent)) continue;
    const actual = history.y[row * m]! - history.y[parent * m]!;
    const ahead = promisedBy(history, parent, row);
    const promised = hasGradient(history, row) ? (ahead - promisedBy(history, row, parent)) / 2 : ahead;
    // Each difference counts the same, however large the results are at the beginning.
    const size = Math.max(Math.abs(actual), Math.abs(promised));
    if (!(size > 0) || !Number.isFinite(size)) continue;
    differences++;
    total += 1;
    missed += ((actual - promised) / size) ** 2;
  }
  return { differences, explained: differences === 0 ? 1 : 1 - missed / total };
};
