import { type History, TrialKind } from "../algorithm.ts";

/** Rows of a history, by what TPE makes of them. Both ascending, so oldest first. */
export interface Split {
  /** The best trials: where to search. */
  readonly good: number[];
  /** All others; running and failed ones among them, so that both are kept away from. */
  readonly bad: number[];
  /** How many trials have a result that can be ranked. */
  readonly ranked: number;
}

/** How many of n ranked trials are good. Source: Bergstra et al. 2013, Optuna's constants. */
const goodOf = (n: number): number => Math.min(Math.ceil(0.1 * n), 25);

/** Classes of trials from best to worst; a better class wins whatever the values. */
const Class = { feasible: 0, pruned: 1, infeasible: 2, none: 3 } as const;

const classOf = ({ kind, y, violation }: History, row: number, objectives: number): number => {
  if (kind[row] !== TrialKind.completed && kind[row] !== TrialKind.pruned) return Class.none;
  for (let j = 0; j < objectives; j++) if (Number.isNaN(y[row * objectives + j]!)) return Class.none;
  if (!(violation[row]! <= 0)) return Class.infeasible;
  return kind[row] === TrialKind.pruned ? Class.pruned : Class.feasible;
};

/**
 * Splits a history. Feasible completed trials come first, by their objective or, with several, by non-domination and
 * then by how far apart they lie; then pruned ones, those that got furthest first; then infeasible ones, least
 * violation first.
 */
export const split = (history: History, objectives: number): Split => {
  const classes: number[][] = [[], [], [], []];
  for (let row = 0; row < history.n; row++) classes[classOf(history, row, objectives)]!.push(row);
  const ranked = history.n - classes[Class.none]!.length;
  const isGood = new Uint8Array(history.n);
  let left = goodOf(ranked);
  const take = (rows: readonly number[]) => {
    for (const row of rows) isGood[row] = 1;
    left -= rows.length;
  };
  const { y, violation, resource } = history;
  const byObjective = (rows: readonly number[], count: number) =>
    objectives === 1 ? smallest(rows, count, (row) => y[row]!) : nonDominated(rows, count, y, objectives);

  take(byObjective(classes[Class.feasible]!, left));
  const furthest = (row: number) => -(Number.isNaN(resource[row]!) ? 0 : resource[row]!);
  if (left > 0) take(smallest(classes[Class.pruned]!, left, furthest, (row) => y[row * objectives]!));
  const broken = (row: number) => (Number.isNaN(violation[row]!) ? Infinity : violation[row]!);
  if (left > 0) take(smallest(classes[Class.infeasible]!, left, broken));

  const good: number[] = [];
  const bad: number[] = [];
  for (let row = 0; row < history.n; row++) (isGood[row] ? good : bad).push(row);
  return { good, bad, ranked };
};

/** The `count` rows with the least key, ties to the second key and then to the older row; in no particular order. */
const smallest = (
  rows: readonly number[],
  count: number,
  key: (row: number) => number,
  second: (row: number) => number = () => 0,
): number[] => {
  if (rows.length <= count) return [...rows];
  const isBefore = (a: number, b: number) =>
    key(a) < key(b) || (key(a) === key(b) && (second(a) < second(b) || (second(a) === second(b) && a < b)));
  // Insertion into a short sorted list: `count` is at most 25, and most rows lose the first comparison.
  const best: number[] = [];
  for (const row of rows) {
    if (best.length === count && !isBefore(row, best[count - 1]!)) continue;
    if (best.length === count) best.pop();
    let at = best.length;
    while (at > 0 && isBefore(row, best[at - 1]!)) at--;
    best.splice(at, 0, row);
  }
  return best;
};

/** `count` rows, front by front; of the last front, which does not fit, those that lie furthest apart. */
const nonDominated = (rows: readonly number[], count: number, y: Float64Array, m: number): number[] => {
  const taken: number[] = [];
  let rest = rows;
  while (taken.length < count && rest.length > 0) {
    const front = frontOf(rest, y, m);
    if (taken.length + front.length > count) {
      taken.push(...farApart(front, count - taken.length, y, m));
      break;
    }
    taken.push(...front);
    const inFront = new Set(front);
    rest = rest.filter((row) => !inFront.has(row));
  }
  return taken;
};

const dominates = (a: number, b: number, y: Float64Array, m: number): boolean => {
  let isBetter = false;
  for (let j = 0; j < m; j++) {
    const difference = y[a * m + j]! - y[b * m + j]!;
    if (difference > 0) return false;
    if (difference < 0) isBetter = true;
  }
  return isBetter;
};

/** The rows that no other row dominates. */
const frontOf = (rows: readonly number[], y: Float64Array, m: number): number[] => {
  // In order of the sum no row is dominated by a later one, so comparing with the front so far is enough.
  const sums = new Map(rows.map((row) => [row, y.subarray(row * m, row * m + m).reduce((a, b) => a + b, 0)]));
  const ordered = [...rows].sort((a, b) => sums.get(a)! - sums.get(b)! || a - b);
  const front: number[] = [];
  for (const row of ordered) if (!front.some((other) => dominates(other, row, y, m))) front.push(row);
  return front;
};

/** Greedily: the row that is best in the first objective, then always the one furthest from those chosen. */
const farApart = (front: readonly number[], count: number, y: Float64Array, m: number): number[] => {
  const ranges = Array.from({ length: m }, (_, j) => {
    const column = front.map((row) => y[row * m + j]!);
    return Math.max(...column) - Math.min(...column) || 1;
  });
  const distance = (a: number, b: number) => {
    let sum = 0;
    for (let j = 0; j < m; j++) sum += ((y[a * m + j]! - y[b * m + j]!) / ranges[j]!) ** 2;
    return sum;
  };
  const chosen: number[] = [];
  const nearest = new Float64Array(front.length).fill(Infinity);
  let next = front.reduce((best, row, i) => (y[row * m]! < y[front[best]! * m]! ? i : best), 0);
  while (chosen.length < count) {
    const row = front[next]!;
    chosen.push(row);
    nearest[next] = -1;
    for (const [i, other] of front.entries()) {
      if (nearest[i]! >= 0) nearest[i] = Math.min(nearest[i]!, distance(row, other));
    }
    next = nearest.indexOf(Math.max(...nearest));
  }
  return chosen;
};
