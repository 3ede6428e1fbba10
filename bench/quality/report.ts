import { mean } from "../statistics.ts";
import type { Result } from "./results.ts";

/** Comparisons of a benchmark: mean rank, normalised regret and seconds of asking, after different numbers of trials. */

/** The area that points dominate, up to a reference point; both objectives are minimised. */
export const hypervolume = (points: readonly (readonly number[])[], reference: readonly number[]): number => {
  let area = 0;
  let ceiling = reference[1]!;
  for (const [x, y] of [...points].map((p) => [p[0]!, p[1]!] as const).sort((a, b) => a[0] - b[0])) {
    if (x >= reference[0]! || y >= ceiling) continue;
    area += (reference[0]! - x) * (ceiling - y);
    ceiling = y;
  }
  return area;
};

/**
 * The result of a run after t trials: the true value of the incumbent, which is the best feasible trial by its told value, or
 * minus the hypervolume of the feasible trials. Infinity as long as no trial is feasible.
 */
export const reached = ({ trace, reference }: Result, t: number): number => {
  const allowed = trace.slice(0, t).filter(({ isFeasible }) => isFeasible);
  if (reference !== null)
    return -hypervolume(
      allowed.map(({ values }) => values),
      reference,
    );
  let told = Infinity;
  let value = Infinity;
  for (const trial of allowed) {
    if (trial.values[0]! < told) {
      told = trial.values[0]!;
      value = trial.value;
    }
  }
  return value;
};

/** BBOB has a different function for each seed; other problems are the same for all seeds, with and without noise. */
const functionOf = ({ problem, seed }: Result): string =>
  problem.includes("bbob:") ? `${problem.replace("noisy:", "")} ${seed}` : problem.replace("noisy:", "");

/**
 * The lowest value of each function that is known or that any run has found: the known lowest value of a surrogate is only that
 * of the configurations it was fitted to.
 */
export const bestKnown = (results: readonly Result[]): Map<string, number> => {
  const least = new Map<string, number>();
  for (const result of results) {
    const met =
      result.reference === null
        ? result.trace.filter(({ isFeasible }) => isFeasible).map(({ value }) => value)
        : [reached(result, result.trace.length)];
    const name = functionOf(result);
    least.set(name, Math.min(result.best ?? Infinity, least.get(name) ?? Infinity, ...met));
  }
  return least;
};

/**
 * The distance from the best known value, divided by the (median) distance of a random configuration; at most 1, which it is
 * also as long as nothing feasible was found.
 */
export const regretOf = (value: number, best: number, typical: number): number => {
  if (value <= best) return 0;
  if (value >= typical) return 1;
  return (value - best) / (typical - best);
};

/** Ranks from 1; values that are equal except for rounding errors share a rank. */
export const ranksOf = (values: readonly number[], best: number): number[] => {
  const rounding = Number.isFinite(best) ? 1e-12 * Math.abs(best) : 0;
  return values.map((mine) => {
    const better = values.filter((v) => v < mine - rounding).length;
    const equal = values.filter((v) => v === mine || Math.abs(v - mine) <= rounding).length;
    return better + (equal + 1) / 2;
  });
};

/** Smaller regrets count as this value in geometric means. */
const LEAST_REGRET = 1e-4;

export interface Row {
  readonly searcher: string;
  readonly rank: readonly number[];
  readonly regret: readonly number[];
  /** Geometric mean of the last regret, which one hard problem does not dominate. */
  readonly geometric: number;
  readonly secondsAnAsk: number;
  readonly studies: number;
}

/** Identifies a study, independent of the searcher. */
export const studyOf = ({ problem, seed, parallel }: Result): string => `${problem} ${seed} ${parallel}`;

/**
 * Compares searchers on the studies that all of them have finished, best first.
 * @param results at most one per searcher and study.
 * @param best of each function, see `bestKnown`.
 */
export const compare = (
  results: readonly Result[],
  searchers: readonly string[],
  at: readonly number[],
  best: ReadonlyMap<string, number>,
): Row[] => {
  const columns = searchers.map(() => ({
    rank: at.map(() => [] as number[]),
    regret: at.map(() => [] as number[]),
    seconds: [] as number[],
  }));
  for (const runs of Map.groupBy(results, studyOf).values()) {
    const mine = searchers.flatMap((name) => runs.find(({ searcher }) => searcher === name) ?? []);
    if (mine.length < searchers.length) continue;
    const least = best.get(functionOf(mine[0]!))!;
    for (const [i, t] of at.entries()) {
      const values = mine.map((run) => reached(run, t));
      const ranks = ranksOf(values, least);
      for (const [s, run] of mine.entries()) {
        columns[s]!.rank[i]!.push(ranks[s]!);
        columns[s]!.regret[i]!.push(regretOf(values[s]!, least, run.typical!));
      }
    }
    for (const [s, run] of mine.entries()) columns[s]!.seconds.push(run.seconds / run.trace.length);
  }
  return searchers
    .map((searcher, s) => {
      const { rank, regret, seconds } = columns[s]!;
      const logs = regret.at(-1)!.map((v) => Math.log(Math.max(LEAST_REGRET, v)));
      return {
        searcher,
        rank: rank.map(mean),
        regret: regret.map(mean),
        geometric: Math.exp(mean(logs)),
        secondsAnAsk: mean(seconds),
        studies: seconds.length,
      };
    })
    .sort((a, b) => a.rank.at(-1)! - b.rank.at(-1)!);
};

/** The comparison as a Markdown table. */
export const table = (rows: readonly Row[], at: readonly number[]): string => {
  const head = [
    "searcher",
    ...at.map((t) => `rank @${t}`),
    ...at.map((t) => `regret @${t}`),
    `geometric @${at.at(-1)}`,
    "ms per ask",
  ];
  const lines = rows.map(({ searcher, rank, regret, geometric, secondsAnAsk }) => [
    searcher,
    ...rank.map((v) => v.toFixed(2)),
    ...regret.map((v) => v.toFixed(4)),
    geometric.toPrecision(2),
    (1000 * secondsAnAsk).toFixed(secondsAnAsk < 0.01 ? 1 : 0),
  ]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
};
