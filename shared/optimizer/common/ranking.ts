import { fronts } from "../../numerics/fronts.ts";
import { type History, TrialKind } from "../algorithm.ts";
import { hasResult } from "./rows.ts";

/**
 * Rows of a history from best to worst, for algorithms that only compare. Feasible results come first, by the objective
 * or, with several, front by front and within a front by crowding distance; then pruned trials, those that got
 * furthest first; then infeasible ones, least violation first; then failed ones.
 * @param rows of trials that have ended.
 */
export const bestFirst = (history: History, rows: readonly number[], objectives: number): number[] => {
  const { y, violation, resource } = history;
  const classes = Object.values(TrialClass).map((wanted) =>
    rows.filter((row) => classOf(history, row, objectives) === wanted),
  );
  const [feasible = [], pruned = [], infeasible = [], failed = []] = classes;
  const by = (key: (row: number) => number) => (a: number, b: number) => key(a) - key(b) || a - b;
  const furthest = (row: number) => -(resource[row]! || 0);
  const value = (row: number) => y[row * objectives]!;
  const excess = (row: number) => (Number.isNaN(violation[row]!) ? Number.MAX_VALUE : violation[row]!);
  return [
    ...(objectives === 1 ? feasible.sort(by(value)) : fronts(feasible, y, objectives).flat()),
    ...pruned.sort((a, b) => furthest(a) - furthest(b) || value(a) - value(b) || a - b),
    ...infeasible.sort(by(excess)),
    ...failed,
  ];
};

/** How many of the best are wanted. */
interface Wanted {
  readonly objectives: number;
  readonly most: number;
  readonly isLate: () => boolean;
}

/**
 * The best of some rows, best first, as `bestFirst` has them. Rows are merged in blocks as large as what is wanted, so that the cost is
 * O(rows * most); when time is up the remaining blocks are left out.
 */
export const bestOf = (
  history: History,
  rows: readonly number[],
  { objectives, most, isLate }: Wanted,
): number[] => {
  let best: number[] = [];
  for (let from = 0; from < rows.length && !isLate(); from += most) {
    best = bestFirst(history, [...best, ...rows.slice(from, from + most)], objectives).slice(0, most);
  }
  return best;
};

/** Classes of trials, from best to worst; a better class comes first whatever the values. */
export const TrialClass = { feasible: 0, pruned: 1, infeasible: 2, noResult: 3 } as const;
export type TrialClass = (typeof TrialClass)[keyof typeof TrialClass];

/** The class of a trial; one that failed, runs, or has no value of some objective has no result. */
export const classOf = (history: History, row: number, objectives: number): TrialClass => {
  const { kind, violation } = history;
  if (!hasResult(history, row, objectives)) return TrialClass.noResult;
  // Written so that an unknown violation counts as one.
  if (!(violation[row]! <= 0)) return TrialClass.infeasible;
  return kind[row] === TrialKind.pruned ? TrialClass.pruned : TrialClass.feasible;
};
