import type { Result } from "./results.ts";

/** Tables of a bench: mean rank, mean normalised regret and seconds of asking, at some counts of trials. */

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

/** What a run had reached after t trials: the least true value of the incumbent, or minus the hypervolume. */
const reached = ({ trace, reference }: Result, t: number): number => {
  if (reference !== null)
    return -hypervolume(
      trace.slice(0, t).map(({ values }) => values),
      reference,
    );
  let told = Infinity;
  let value = Infinity;
  for (const trial of trace.slice(0, t)) {
    if (trial.isFeasible && trial.values[0]! < told) {
      told = trial.values[0]!;
      value = trial.value;
    }
  }
  return value;
};

export interface Row {
  readonly searcher: string;
  readonly rank: readonly number[];
  readonly regret: readonly number[];
  readonly secondsAnAsk: number;
  readonly studies: number;
}

/**
 * Compares searchers on the studies that all of them have finished.
 * Regret is the distance from the best known value, as a part of a random configuration's distance (its median), at most 1.
 */
export const compare = (
  results: readonly Result[],
  searchers: readonly string[],
  at: readonly number[],
): Row[] => {
  const studies = Map.groupBy(results, ({ problem, seed, parallel }) => `${problem} ${seed} ${parallel}`);
  const least = new Map<string, number>();
  for (const result of results) {
    // An instance of BBOB is another function for each seed; a table is the same for all.
    const key = result.problem.includes("bbob") ? `${result.problem} ${result.seed}` : result.problem;
    const lowest = Math.min(
      result.best ?? Infinity,
      least.get(key) ?? Infinity,
      reached(result, result.trace.length),
    );
    least.set(key, lowest);
  }
  const ranks = new Map(searchers.map((name) => [name, at.map(() => [] as number[])]));
  const regrets = new Map(searchers.map((name) => [name, at.map(() => [] as number[])]));
  const seconds = new Map(searchers.map((name) => [name, [] as number[]]));
  let count = 0;
  for (const runs of studies.values()) {
    const mine = searchers.map((name) => runs.find(({ searcher }) => searcher === name));
    if (mine.some((run) => run === undefined)) continue;
    count++;
    for (const [i, t] of at.entries()) {
      const values = mine.map((run) => reached(run!, t));
      for (const [s, name] of searchers.entries()) {
        const run = mine[s]!;
        const key = run.problem.includes("bbob") ? `${run.problem} ${run.seed}` : run.problem;
        const best = least.get(key)!;
        const typical = run.typical ?? 0;
        const worse = values.filter((v) => v < values[s]! - 1e-12 * Math.abs(best)).length;
        const equal = values.filter((v) => Math.abs(v - values[s]!) <= 1e-12 * Math.abs(best)).length;
        ranks.get(name)![i]!.push(worse + (equal + 1) / 2);
        regrets.get(name)![i]!.push(Math.min(1, Math.max(0, (values[s]! - best) / (typical - best))));
      }
    }
    for (const [s, name] of searchers.entries())
      seconds.get(name)!.push(mine[s]!.seconds / mine[s]!.trace.length);
  }
  return searchers
    .map((searcher) => ({
      searcher,
      rank: ranks.get(searcher)!.map(mean),
      regret: regrets.get(searcher)!.map(mean),
      secondsAnAsk: mean(seconds.get(searcher)!),
      studies: count,
    }))
    .sort((a, b) => a.regret.at(-1)! - b.regret.at(-1)!);
};

/** The comparison as a Markdown table. */
export const table = (rows: readonly Row[], at: readonly number[]): string => {
  const head = ["searcher", ...at.map((t) => `rank @${t}`), ...at.map((t) => `regret @${t}`), "ms an ask"];
  const lines = rows.map(({ searcher, rank, regret, secondsAnAsk }) => [
    searcher,
    ...rank.map((v) => v.toFixed(2)),
    ...regret.map((v) => v.toFixed(4)),
    (1000 * secondsAnAsk).toFixed(secondsAnAsk < 0.01 ? 1 : 0),
  ]);
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
};
