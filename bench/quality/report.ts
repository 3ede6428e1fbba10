import type { Result } from "./results.ts";

/** Comparisons of a bench: mean rank, normalised regret and seconds of asking, at some counts of trials. */

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Area that points dominate below a reference point; both objectives minimised. */
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
 * What a run had reached after t trials: the true value of the incumbent, which is the best that was told and allowed,
 * or minus the hypervolume of what was allowed. Infinity as long as nothing was.
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

/** An instance of BBOB is another function for each seed; the others are the same, with noise or without. */
const functionOf = ({ problem, seed }: Result): string =>
  problem.includes("bbob:") ? `${problem.replace("noisy:", "")} ${seed}` : problem.replace("noisy:", "");

/**
 * The least value of each function that is known, or that any run has met: a surrogate's own least value is only that
 * of the configurations it was made of.
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
 * The distance from the best known value, as a part of a random configuration's distance (the median of such), at
 * most 1: also as long as nothing that is allowed was found.
 */
export const regretOf = (value: number, best: number, typical: number): number => {
  if (value <= best) return 0;
  if (value >= typical) return 1;
  return (value - best) / (typical - best);
};

/** Ranks from 1; those that are equal, but for rounding of numbers as large as the best, share theirs. */
export const ranksOf = (values: readonly number[], best: number): number[] => {
  const rounding = Number.isFinite(best) ? 1e-12 * Math.abs(best) : 0;
  return values.map((mine) => {
    const better = values.filter((v) => v < mine - rounding).length;
    const equal = values.filter((v) => v === mine || Math.abs(v - mine) <= rounding).length;
    return better + (equal + 1) / 2;
  });
};

/** Below this a regret counts as this, in geometric means. */
const LEAST_REGRET = 1e-4;

export interface Row {
  readonly searcher: string;
  readonly rank: readonly number[];
  readonly regret: readonly number[];
  /** Geometric mean of the last regret, which one hard problem does not rule. */
  readonly geometric: number;
  readonly secondsAnAsk: number;
  readonly studies: number;
}

/** Which run of a study it is, whoever ran it. */
export const studyOf = ({ problem, seed, parallel }: Result): string => `${problem} ${seed} ${parallel}`;

/**
 * Compares searchers on the studies that all of them have finished, best first.
 * @param results at most one of a searcher and study.
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
    "ms an ask",
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
