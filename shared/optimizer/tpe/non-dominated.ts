import { compareRows, dominates } from "../../numerics/pareto.ts";

/**
 * The best of several objectives: `count` rows, front by front; of the last front, which does not fit whole, those
 * that lie furthest apart.
 * @param y objectives by rows, m each, lower is better.
 */
export const nonDominated = (
  rows: readonly number[],
  count: number,
  y: Float64Array,
  m: number,
): number[] => {
  const taken: number[] = [];
  let rest = Uint32Array.from(rows).sort((a, b) => compareRows(a, b, y, m) || a - b);
  while (taken.length < count && rest.length > 0) {
    const front = frontOf(rest, y, m);
    const room = count - taken.length;
    taken.push(...(front.length > room ? farApart(front, room, y, m) : front));
    const inFront = new Set(front);
    rest = rest.filter((row) => !inFront.has(row));
  }
  return taken;
};

/** The rows, of those in order, that no other row dominates. */
const frontOf = (ordered: Uint32Array, y: Float64Array, m: number): number[] => {
  const front: number[] = [];
  for (const row of ordered) {
    if (!front.some((other) => dominates(other, row, y, m))) front.push(row);
  }
  return front;
};

/** Greedily: the row that is best in the first objective, then always the one furthest from those chosen. */
const farApart = (front: readonly number[], count: number, y: Float64Array, m: number): number[] => {
  const ranges = Array.from({ length: m }, (_, j) => {
    const column = front.map((row) => y[row * m + j]!);
    const range = column.reduce((a, b) => Math.max(a, b)) - column.reduce((a, b) => Math.min(a, b));
    return range > 0 ? range : 1;
  });
  const distance = (a: number, b: number) => {
    let sum = 0;
    for (let j = 0; j < m; j++) sum += ((y[a * m + j]! - y[b * m + j]!) / ranges[j]!) ** 2;
    return sum;
  };
  const chosen: number[] = [];
  const nearest = new Float64Array(front.length).fill(Infinity);
  // A front is in order of the first objective.
  let next = 0;
  while (chosen.length < count) {
    chosen.push(front[next]!);
    nearest[next] = -1;
    let furthest = 0;
    for (const [i, row] of front.entries()) {
      if (nearest[i]! >= 0) nearest[i] = Math.min(nearest[i]!, distance(front[next]!, row));
      if (nearest[i]! > nearest[furthest]!) furthest = i;
    }
    next = furthest;
  }
  return chosen;
};
