/**
 * Synchronous successive halving (Jamieson and Talwalkar 2016): all trials run a little, the best 1/eta of them run eta
 * times as far, and so on. Rung table in, promotions out: this file knows no store and no clock.
 */

/** Resource of every rung, in the study's unit: min, min * eta, ... and max at the top. */
export const ladder = (min: number, max: number, eta: number): number[] => {
  const rungs: number[] = [];
  for (let resource = min; resource < max; resource *= eta) rungs.push(resource);
  return [...rungs, max];
};

export const DEFAULT_ETA = 3;

/** How many of a rung's trials go on to the next one: at least one, so that some trial reaches the top. */
export const promotedCount = (members: number, eta: number): number => Math.max(1, Math.floor(members / eta));

/** Trials that a ladder runs in all, counted once in every rung that they reach. */
export const runsOf = (trials: number, rungs: number, eta: number): number => {
  let runs = 0;
  for (let rung = 0, members = trials; rung < rungs; rung++, members = promotedCount(members, eta)) {
    runs += members;
  }
  return runs;
};

/** What one trial of a rung came to. */
export interface Standing {
  readonly trial: number;
  /** Lower is better; NaN for a trial that failed. */
  readonly cost: number;
  /** How far outside the outcome constraints, 0 when feasible; NaN when unknown. */
  readonly violation: number;
}

export interface Ranking {
  /** Every trial of the rung, best first; those that failed stand last. */
  readonly order: readonly number[];
  /** The trials that go on: the first of `order`. */
  readonly promoted: readonly number[];
}

/**
 * Ranks a rung: feasible before infeasible, then by cost, then by number, so that the same results always give the same
 * promotions. A trial that failed is never promoted.
 */
export const rank = (standings: readonly Standing[], eta: number): Ranking => {
  const key = (violation: number) => (Number.isNaN(violation) ? Number.POSITIVE_INFINITY : violation);
  const sorted = [...standings].sort(
    (a, b) =>
      compare(hasFailed(a) ? 1 : 0, hasFailed(b) ? 1 : 0) ||
      compare(key(a.violation), key(b.violation)) ||
      compare(a.cost, b.cost) ||
      a.trial - b.trial,
  );
  const alive = sorted.filter((standing) => !hasFailed(standing)).length;
  const order = sorted.map((standing) => standing.trial);
  return { order, promoted: order.slice(0, Math.min(alive, promotedCount(standings.length, eta))) };
};

const hasFailed = (standing: Standing) => Number.isNaN(standing.cost);

/** Infinities and NaNs compare as equal where a difference would be NaN. */
const compare = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0);
