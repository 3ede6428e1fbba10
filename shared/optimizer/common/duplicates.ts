import { type History, TrialKind } from "../algorithm.ts";
import { createPointIndex } from "./point-index.ts";
import { hasResult } from "./rows.ts";
import { selectRows } from "./select-rows.ts";

/**
 * Duplicates: trials of the same point. Whoever imports one configuration sixty times, or repeats one because results are noisy, has told one
 * point with a more certain result. Counted sixty times it would be most of what a model is fitted to: half the good
 * trials of a density, whole generations without any difference, a singular system.
 */

/**
 * The history in which trials of the same point that have ended are one row, with the mean of their results. Of different
 * ends the most informative one counts: completed trials, or else the pruned ones that got furthest, or else a failed one.
 * Running trials stay as they are. Cost O(n * parameters).
 * @returns the history itself if there are no duplicates; otherwise one with `results`.
 */
export const mergeDuplicates = (history: History): History => {
  const groups = duplicatesOf(history);
  if (groups.length === 0) return history;
  const leaders = groups.map((rows) => leadersOf(history, rows));
  const isGone = new Uint8Array(history.n);
  for (const [g, rows] of groups.entries()) {
    for (const row of rows) isGone[row] = Number(row !== leaders[g]![0]);
  }
  const kept: number[] = [];
  const placeOf = new Int32Array(history.n);
  for (let row = 0; row < history.n; row++) {
    placeOf[row] = kept.length;
    if (!isGone[row]) kept.push(row);
  }
  const merged = selectRows(history, kept);
  const results = merged.results ?? new Uint32Array(kept.length).fill(1);
  for (const rows of leaders) {
    const place = placeOf[rows[0]!]!;
    results[place] = rows.reduce((sum, row) => sum + resultsAt(history, row), 0);
    if (rows.length > 1) average(history, rows, merged, place);
  }
  return { ...merged, results };
};

/** Those of a group's rows that its result is the mean of, the oldest first. */
const leadersOf = (history: History, rows: readonly number[]): number[] => {
  const { kind, resource, y, n } = history;
  const m = y.length / n;
  const measured = rows.filter((row) => hasResult(history, row, m));
  if (measured.length === 0) return [rows[0]!];
  const completed = measured.filter((row) => kind[row] === TrialKind.completed);
  if (completed.length > 0) return completed;
  const reached = (row: number) => resource[row]! || 0;
  const furthest = measured.reduce((most, row) => Math.max(most, reached(row)), 0);
  return measured.filter((row) => reached(row) === furthest);
};

/** Writes the means of some rows to a row of the merged history. */
const average = (history: History, rows: readonly number[], merged: History, place: number): void => {
  const { n, y, excess, violation, gradient } = history;
  const [m, outcomes] = [y.length / n, excess.length / n];
  const meanOf = weightedMean(history, rows);
  for (let j = 0; j < m; j++) merged.y[place * m + j] = meanOf((row) => y[row * m + j]!);
  const d = (gradient?.length ?? 0) / n;
  for (let j = 0; j < d; j++) merged.gradient![place * d + j] = meanOf((row) => gradient![row * d + j]!);
  let total = 0;
  for (let k = 0; k < outcomes; k++) {
    const mean = meanOf((row) => excess[row * outcomes + k]!);
    merged.excess[place * outcomes + k] = mean;
    total += Math.max(0, mean);
  }
  // The violation belongs to the mean: noise around a bound does not make a point infeasible that is within it.
  merged.violation[place] = outcomes > 0 && !Number.isNaN(total) ? total : meanOf((row) => violation[row]!);
};

/** How many results a row is the mean of. */
const resultsAt = ({ results }: History, row: number): number => results?.[row] ?? 1;

/** The mean of rows, each counted as often as it has results; exactly the value if all are equal. */
const weightedMean = (history: History, rows: readonly number[]) => {
  const total = rows.reduce((sum, row) => sum + resultsAt(history, row), 0);
  return (numberOf: (row: number) => number): number => {
    const first = numberOf(rows[0]!);
    return (
      first + rows.reduce((sum, row) => sum + resultsAt(history, row) * (numberOf(row) - first), 0) / total
    );
  };
};

/** The groups of two or more ended rows whose points are the same up to rounding, each in order of the rows. */
const duplicatesOf = (history: History): number[][] => {
  const { n, x, kind } = history;
  const d = n > 0 ? x.length / n : 0;
  if (n < 2 || d === 0) return [];
  const index = createPointIndex(x, d);
  const groups = new Map<number, number[]>();
  for (let row = 0; row < n; row++) {
    if (kind[row] === TrialKind.running) continue;
    const other = index.find(x, row * d);
    if (other < 0) index.add(row);
    else if (groups.has(other)) groups.get(other)!.push(row);
    else groups.set(other, [other, row]);
  }
  return [...groups.values()];
};
