import { type History, TrialKind } from "../algorithm.ts";
import { limitOf } from "./far-outside.ts";
import { hasCome } from "./fidelity.ts";
import { halfRank, type Warped, yeoJohnson } from "./output-warp.ts";
import { hasResult } from "./rows.ts";
import { thinEvenly } from "./thin.ts";

/** The results of a history, as targets that models are fitted to. */
export interface Evidence {
  /** Rows of the history that carry information: with a result, or failed. */
  readonly rows: readonly number[];
  /** Targets of each objective, one per row. */
  readonly objectives: readonly Float64Array[];
  /** How fast each objective's targets change with its results, one per row; NaN where that is not known. */
  readonly slopes: readonly Float64Array[];
  /** Per row, how much noisier than a plain result its targets are. */
  readonly noise: Float64Array;
  /** Per row, whether it is a completed, feasible trial: only such a trial can be the best. */
  readonly isFeasible: readonly boolean[];
  /** Per constraint, what is known: positions in `rows`, and values that are positive when the constraint is violated. */
  readonly constraints: readonly { readonly positions: readonly number[]; readonly excess: Float64Array }[];
}

/** Whether objectives are transformed so that a Gaussian process fits them, or left as they are. */
export type Warp = "normal" | "plain";

/** From so many results on, only the ranks of the worse half count; with fewer, a power transform does better. */
const HALF_RANK_FROM = 50;
/** An imputed result, of a trial that failed or was pruned, counts as so much noisier. */
const IMPUTED_NOISE = 10;

/**
 * Gathers the evidence. A failed trial gets the worst result seen, so that its surroundings are not tried again soon; a
 * pruned one gets the value that its rungs let expect, or else its last value, but at least the median, since it was stopped for not being better.
 * @returns null while fewer than two trials have results.
 */
export const gather = (
  history: History,
  objectives: number,
  outcomes: number,
  warp: Warp = "normal",
): Evidence | null => {
  const rows: number[] = [];
  const measured: number[] = [];
  for (let row = 0; row < history.n; row++) {
    const kind = history.kind[row]!;
    if (kind === TrialKind.running) continue;
    if (hasResult(history, row, objectives)) measured.push(row);
    rows.push(row);
  }
  if (measured.length < 2) return null;
  const isImputed = (row: number) =>
    history.kind[row] === TrialKind.pruned || !hasResult(history, row, objectives);
  const warped = Array.from({ length: objectives }, (_, j) =>
    targetsOf(history, { rows, measured, warp }, (row) => history.y[row * objectives + j]!),
  );
  return {
    rows,
    objectives: warped.map(({ targets }) => targets),
    slopes: warped.map(({ slopes }) => slopes),
    // The variance of a mean of several results is so many times smaller.
    noise: columnOf(rows, (row) => (isImputed(row) ? IMPUTED_NOISE : 1) / (history.results?.[row] ?? 1)),
    isFeasible: rows.map((row) => !isImputed(row) && history.violation[row]! <= 0),
    constraints: constraintsOf(history, rows, outcomes),
  };
};

/**
 * Fewer trials of the same evidence, for models that all of them would make too slow: half of them the best ones (by each
 * objective and by their sum in turn, feasible ones first), half evenly spread over the others, so that the model also
 * learns where results are bad.
 * @returns the evidence itself when it has no more than `most` rows.
 */
export const narrow = (evidence: Evidence, most: number): Evidence => {
  const { rows, objectives, slopes, noise, isFeasible, constraints } = evidence;
  const n = rows.length;
  if (n <= most) return evidence;
  const orders = ordersOf(objectives, isFeasible);
  const kept = new Set<number>();
  const half = most >> 1;
  for (let place = 0; kept.size < half; place++) {
    for (const order of orders) if (kept.size < half) kept.add(order[place]!);
  }
  const others = [...orders.at(-1)!].filter((i) => !kept.has(i));
  for (const i of thinEvenly(others, most - half, "middle")) kept.add(i);
  const positions = [...kept].sort((a, b) => a - b);
  const places = new Map(positions.map((position, place) => [position, place]));
  return {
    rows: positions.map((i) => rows[i]!),
    objectives: objectives.map((y) => Float64Array.from(positions, (i) => y[i]!)),
    slopes: slopes.map((y) => Float64Array.from(positions, (i) => y[i]!)),
    noise: Float64Array.from(positions, (i) => noise[i]!),
    isFeasible: positions.map((i) => isFeasible[i]!),
    constraints: constraints.map(({ positions: known, excess }) => {
      const left = known.map((_, k) => k).filter((k) => places.has(known[k]!));
      return {
        positions: left.map((k) => places.get(known[k]!)!),
        excess: Float64Array.from(left, (k) => excess[k]!),
      };
    }),
  };
};

/** Positions from best to worst by each objective, and by their sum if there are several; feasible ones first. */
const ordersOf = (objectives: readonly Float64Array[], isFeasible: readonly boolean[]): Uint32Array[] => {
  const n = isFeasible.length;
  const sum = new Float64Array(n);
  for (const y of objectives) for (let i = 0; i < n; i++) sum[i]! += y[i]!;
  const keys = objectives.length > 1 ? [...objectives, sum] : objectives;
  return keys.map((key) => {
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    return order.sort((a, b) => Number(isFeasible[b]) - Number(isFeasible[a]) || key[a]! - key[b]! || a - b);
  });
};

const targetsOf = (
  history: History,
  { rows, measured, warp }: { rows: readonly number[]; measured: readonly number[]; warp: Warp },
  resultOf: (row: number) => number,
): Warped => {
  const isCompleted = (row: number) => history.kind[row] === TrialKind.completed;
  const { levels } = history;
  const objectiveCount = history.n > 0 ? history.y.length / history.n : 1;
  const isExpected = (row: number) => levels !== undefined && hasCome(levels, row, 0, objectiveCount);
  const raw = columnOf(measured, resultOf);
  const completed = raw.filter((_, i) => isCompleted(measured[i]!)).sort();
  const middle = completed[completed.length >> 1] ?? -Infinity;
  for (const [i, row] of measured.entries())
    if (!isCompleted(row) && !isExpected(row)) raw[i] = Math.max(raw[i]!, middle);
  const { targets, slopes } = warpBy[warp](raw);
  const worst = targets.reduce((a, b) => Math.max(a, b), -Infinity);
  // Where in `measured` each row is, or -1: both are in order.
  let next = 0;
  const places = rows.map((row) => (row === measured[next] ? next++ : -1));
  return {
    targets: columnOf(places, (place) => (place < 0 ? worst : targets[place]!)),
    slopes: columnOf(places, (place) =>
      place >= 0 && isCompleted(measured[place]!) ? slopes[place]! : Number.NaN,
    ),
  };
};

const warpBy: Readonly<Record<Warp, (values: Float64Array) => Warped>> = {
  normal: (values) => (values.length >= HALF_RANK_FROM ? halfRank(values) : yeoJohnson(values)),
  plain: (values) => ({ targets: values, slopes: new Float64Array(values.length).fill(1) }),
};

/** One number per row. `Float64Array.from` would first make an array of boxed numbers. */
const columnOf = (rows: readonly number[], numberOf: (row: number) => number): Float64Array => {
  const column = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) column[i] = numberOf(rows[i]!);
  return column;
};

/** Constraints by their outcomes; if a history does not have those, by the sum of the violations. */
const constraintsOf = (
  history: History,
  rows: readonly number[],
  outcomes: number,
): Evidence["constraints"] => {
  const columns =
    outcomes > 0
      ? Array.from({ length: outcomes }, (_, k) =>
          columnOf(rows, (row) => history.excess[row * outcomes + k]!),
        )
      : [columnOf(rows, (row) => history.violation[row]!)];
  return columns.flatMap((column) => {
    if (!column.some((value) => value > 0 && value < Infinity)) return [];
    const positions: number[] = [];
    for (let i = 0; i < column.length; i++) if (Number.isFinite(column[i])) positions.push(i);
    return [{ positions, excess: compressAroundZero(column.filter(Number.isFinite), outcomes > 0) }];
  });
};

/** Values of about unit size that keep their sign; large ones are compressed, and one far outside counts as the worst. */
const compressAroundZero = (given: Float64Array, isSigned: boolean): Float64Array => {
  const limit = limitOf(given);
  // If all others are within bounds, by about as much as the furthest of them.
  const most = limit > 0 ? limit : given.reduce((a, b) => Math.max(a, -b), 0);
  const values = limit === Infinity ? given : given.map((value) => (value > limit ? most : value));
  const sizes = values
    .filter((value) => value !== 0)
    .map(Math.abs)
    .sort();
  const unit = sizes[sizes.length >> 1] || 1;
  const compressed = values.map((value) => Math.sign(value) * Math.log1p(Math.abs(value) / unit));
  // A sum of violations is 0 for all feasible trials: assume that they are within bounds by a typical distance.
  return isSigned ? compressed : compressed.map((value) => (value > 0 ? value : -Math.LN2));
};
