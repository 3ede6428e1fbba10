import { fronts } from "../numerics/fronts.ts";

/** What one trial came to at a rung. */
export interface Standing {
  readonly trial: number;
  /** One cost per objective, lower is better; empty for a trial that failed. */
  readonly costs: readonly number[];
  /** How far outside the outcome constraints, 0 when feasible; NaN when unknown. */
  readonly violation: number;
}

/** Whether a trial has nothing to be compared by. */
export const hasFailed = ({ costs }: Pick<Standing, "costs">): boolean =>
  costs.length === 0 || costs.some(Number.isNaN);

/**
 * Best first: feasible before infeasible ones, those by how far they are outside; feasible ones by their cost or, with
 * several objectives, front by front (`numerics/fronts.ts`); equal ones by number, so that the same results always give the
 * same order. Trials that failed come last.
 */
export const inOrder = (standings: readonly Standing[]): Standing[] => {
  const failed = standings.filter(hasFailed).sort(byNumber);
  const alive = standings.filter((standing) => !hasFailed(standing));
  const feasible = alive.filter(({ violation }) => violation <= 0);
  const infeasible = alive.filter(({ violation }) => !(violation <= 0));
  return [...byCosts(feasible), ...infeasible.sort(byViolation), ...failed];
};

const byNumber = (a: Standing, b: Standing) => a.trial - b.trial;

/** Infinities compare as equal where a difference would be NaN. */
const compare = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0);

const distance = ({ violation }: Standing) =>
  Number.isNaN(violation) ? Number.POSITIVE_INFINITY : violation;

const byViolation = (a: Standing, b: Standing) =>
  compare(distance(a), distance(b)) || compare(a.costs[0] ?? 0, b.costs[0] ?? 0) || byNumber(a, b);

const byCosts = (standings: readonly Standing[]): Standing[] => {
  const sorted = [...standings].sort(byNumber);
  const objectives = sorted[0]?.costs.length ?? 0;
  if (objectives < 2)
    return sorted.sort((a, b) => compare(a.costs[0] ?? 0, b.costs[0] ?? 0) || byNumber(a, b));
  const costs = Float64Array.from(sorted.flatMap((standing) => standing.costs));
  const rows = sorted.map((_, row) => row);
  return fronts(rows, costs, objectives).flatMap((front) => front.flatMap((row) => sorted[row] ?? []));
};
