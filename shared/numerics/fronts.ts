import { compareRows, dominates } from "./pareto.ts";

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
