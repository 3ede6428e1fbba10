import { compareRows, dominates } from "../../numerics/pareto.ts";
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

/**
 * Sorts rows into fronts, none of which dominates another of its own, each by descending crowding distance.
 * Source: Deb et al. 2002, "A fast and elitist multiobjective genetic algorithm: NSGA-II", section III.
 */
export const fronts = (rows: readonly number[], y: Float64Array, m: number): number[][] => {
  // In order of the first objective, ties by the next, no row is dominated by a later one.
  const ordered = [...rows].sort((a, b) => compareRows(a, b, y, m) || a - b);
  const found: number[][] = [];
  for (const row of ordered) {
    // The fronts that dominate a row are the first ones: binary search finds the first that does not.
    let low = 0;
    let high = found.length;
    while (low < high) {
      const half = (low + high) >> 1;
      if (found[half]!.some((other) => dominates(other, row, y, m))) low = half + 1;
      else high = half;
    }
    if (low === found.length) found.push([]);
    found[low]!.push(row);
  }
  return found.map((front) => leastCrowdedFirst(front, y, m));
};

/** By crowding distance: the sum over objectives of the gap between a row's neighbours; the ends first. */
const leastCrowdedFirst = (front: readonly number[], y: Float64Array, m: number): number[] => {
  const distance = new Map(front.map((row) => [row, 0]));
  for (let j = 0; j < m; j++) {
    const sorted = [...front].sort((a, b) => y[a * m + j]! - y[b * m + j]!);
    const value = (i: number) => y[sorted[i]! * m + j]!;
    const range = value(sorted.length - 1) - value(0) || 1;
    for (const [i, row] of sorted.entries()) {
      const gap = i === 0 || i === sorted.length - 1 ? Infinity : (value(i + 1) - value(i - 1)) / range;
      distance.set(row, distance.get(row)! + gap);
    }
  }
  return [...front].sort((a, b) =>
    distance.get(a) === distance.get(b) ? a - b : distance.get(b)! - distance.get(a)!,
  );
};
