import { type History, TrialKind } from "../algorithm.ts";
import { classOf, TrialClass } from "../common/ranking.ts";
import { nonDominated } from "./non-dominated.ts";

/** Rows of a history, by the density that TPE counts them to. */
export interface Split {
  /** The best trials, best first: where to search. */
  readonly good: number[];
  /** The other trials that ended, failed ones among them; oldest first. */
  readonly bad: number[];
  /** Trials whose result is not known yet; oldest first. */
  readonly running: number[];
}

/** How many of n trials with results are good. Source: Optuna's constants. */
const goodOf = (n: number): number => Math.min(Math.ceil(0.1 * n), 25);

/** How many trials have a result that can be ranked. */
export const countRanked = (history: History, objectives: number): number => {
  let count = 0;
  for (let row = 0; row < history.n; row++) {
    if (classOf(history, row, objectives) !== TrialClass.noResult) count++;
  }
  return count;
};

/**
 * Splits a history. Feasible completed trials come first, by their objective or, with several, by non-domination and
 * then by how far apart they lie; then pruned ones, those that got furthest first; then infeasible ones, least
 * violation first.
 */
export const split = (history: History, objectives: number): Split => {
  const classes: [number[], number[], number[]] = [[], [], []];
  const running: number[] = [];
  for (let row = 0; row < history.n; row++) {
    const rank = classOf(history, row, objectives);
    if (rank !== TrialClass.noResult) classes[rank].push(row);
    else if (history.kind[row] === TrialKind.running) running.push(row);
  }
  const [feasible, pruned, infeasible] = classes;
  const count = goodOf(feasible.length + pruned.length + infeasible.length);
  const { y, violation, resource } = history;
  const good =
    objectives === 1
      ? smallest(feasible, count, (row) => y[row]!)
      : nonDominated(feasible, count, y, objectives);
  const furthest = (row: number) => -(Number.isNaN(resource[row]!) ? 0 : resource[row]!);
  good.push(...smallest(pruned, count - good.length, furthest, (row) => y[row * objectives]!));
  const excess = (row: number) => (Number.isNaN(violation[row]!) ? Infinity : violation[row]!);
  good.push(...smallest(infeasible, count - good.length, excess));

  const isElsewhere = new Uint8Array(history.n);
  for (const row of good) isElsewhere[row] = 1;
  for (const row of running) isElsewhere[row] = 1;
  const bad: number[] = [];
  for (let row = 0; row < history.n; row++) if (!isElsewhere[row]) bad.push(row);
  return { good, bad, running };
};

/** The `count` rows with the least key, least first; ties to the second key and then to the older row. */
const smallest = (
  rows: readonly number[],
  count: number,
  key: (row: number) => number,
  second: (row: number) => number = () => 0,
): number[] => {
  if (count <= 0) return [];
  const isBefore = (a: number, b: number) => key(a) < key(b) || (key(a) === key(b) && second(a) < second(b));
  // Insertion into a short sorted list: `count` is at most 25, and most rows lose the first comparison.
  const best: number[] = [];
  for (const row of rows) {
    if (best.length === count) {
      if (!isBefore(row, best[count - 1]!)) continue;
      best.pop();
    }
    let at = best.length;
    while (at > 0 && isBefore(row, best[at - 1]!)) at--;
    best.splice(at, 0, row);
  }
  return best;
};
