import { bestKnown, compare, type Row, studyOf, table } from "./report.ts";
import type { Result } from "./results.ts";
import { type Part, problemsOf } from "./suite.ts";

/** Trials after which searchers are compared. */
const CHECKPOINTS = [10, 25, 50, 100, 200];
/** A searcher that finished this share of the studies is in the first table, which has only studies that all its searchers finished. */
const NEARLY_ALL = 0.9;

/** Searchers that can be compared, and their comparison. */
export interface Comparison {
  readonly searchers: readonly string[];
  readonly trials: number;
  readonly at: readonly number[];
  readonly rows: readonly Row[];
  /** The same after many numbers of trials, for plots. */
  readonly curve: { readonly at: readonly number[]; readonly rows: readonly Row[] };
}

/** Results on a group of problems, with this many trials open at once. */
export interface Section {
  readonly group: string;
  readonly parallel: number;
  /** First the searchers that ran everything; then all on their common studies, if some ran less or do not support all problems. */
  readonly comparisons: readonly Comparison[];
  /** Searchers that ran fewer studies, and how many. */
  readonly lacking: readonly string[];
}

/**
 * A section for each parallelism and group of the parts, and one for all groups together.
 * @param isAble whether a searcher supports a problem; problems that it does not support are not missing.
 */
export const sectionsOf = (
  parts: readonly Part[],
  known: readonly Result[],
  isAble: (searcher: string, problem: string) => boolean,
): Section[] => {
  const best = bestKnown(known);
  return [...new Set(parts.flatMap(({ parallel }) => parallel))].flatMap((parallel) => {
    const mine = parts.filter((part) => part.parallel.includes(parallel));
    const groups = [...new Set(mine.flatMap((part) => part.groups))];
    return [["all", groups] as const, ...groups.map((group) => [group, [group]] as const)].flatMap(
      ([title, members]) => {
        const asking = mine.filter((part) => part.groups.some((group) => members.includes(group)));
        const searchers = [...new Set(asking.flatMap((part) => part.searchers))];
        const trials = Math.max(...asking.map((part) => part.trials));
        const problems = new Set(members.flatMap(problemsOf));
        const seeds = Math.max(...asking.map((part) => part.seeds));
        const results = chosen(
          known.filter((one) => one.parallel === parallel && problems.has(one.problem) && one.seed < seeds),
          trials,
        ).filter(({ searcher }) => searchers.includes(searcher));
        if (results.length === 0) return [];
        const { comparisons, lacking } = compareAll(results, searchers, trials, best, isAble);
        return [{ group: title, parallel, comparisons, lacking }];
      },
    );
  });
};

/** One run per searcher and study: the newest of those whose length is closest to the requested one, preferring longer runs. */
const chosen = (results: readonly Result[], trials: number): Result[] => {
  const badness = (one: Result) => (one.trials >= trials ? one.trials - trials : 1e9 - one.trials);
  const runs = Map.groupBy(results, (one) => `${one.searcher} ${studyOf(one)}`);
  return [...runs.values()].map((same) => same.reduce((a, b) => (badness(b) <= badness(a) ? b : a)));
};

const compareAll = (
  results: readonly Result[],
  searchers: readonly string[],
  trials: number,
  best: ReadonlyMap<string, number>,
  isAble: (searcher: string, problem: string) => boolean,
): Pick<Section, "comparisons" | "lacking"> => {
  const studies = new Map(results.map((run) => [studyOf(run), run.problem]));
  const possible = (name: string) => [...studies.values()].filter((problem) => isAble(name, problem)).length;
  const runsOf = (name: string) => results.filter(({ searcher }) => searcher === name);
  const shortest = (name: string) => Math.min(trials, ...runsOf(name).map((run) => run.trials));
  const finished = (name: string) => runsOf(name).filter((run) => run.trials >= trials).length;
  const most = Math.max(...searchers.map(finished));
  const present = searchers.filter((name) => runsOf(name).length > 0);
  const complete = present.filter((name) => most > 0 && finished(name) >= NEARLY_ALL * most);
  const comparison = (names: readonly string[], length: number): Comparison => {
    const mine = results.filter((run) => run.trials >= length);
    const at = CHECKPOINTS.filter((t) => t <= length);
    const points = Array.from({ length: 40 }, (_, i) => Math.round(length ** ((i + 1) / 40)));
    const curve = [...new Set(points)];
    return {
      searchers: names,
      trials: length,
      at,
      rows: compare(mine, names, at, best),
      curve: { at: curve, rows: compare(mine, names, curve, best) },
    };
  };
  const comparisons = [
    ...(complete.length > 0 ? [comparison(complete, trials)] : []),
    ...(complete.length < present.length ? [comparison(present, Math.min(...present.map(shortest)))] : []),
  ].filter(({ rows }) => (rows[0]?.studies ?? 0) > 0);
  const lacking = searchers
    .filter((name) => runsOf(name).length < possible(name) || shortest(name) < trials)
    .map((name) => {
      const count = runsOf(name).length;
      return `${name} ${count} of ${possible(name)} studies${count > 0 ? `, ${shortest(name)} trials` : ""}`;
    });
  return { comparisons, lacking };
};

/** The section in Markdown. */
export const describe = ({ group, parallel, comparisons, lacking }: Section): string => {
  const heading = `\n## ${group}, ${parallel === 1 ? "one trial at a time" : `${parallel} trials at once`}\n`;
  const tables = comparisons.map(
    ({ rows, at, trials }, i) =>
      `${rows[0]!.studies} studies of ${trials} trials${i > 0 ? ", which all have run" : ""}.\n\n${table(rows, at)}\n`,
  );
  if (lacking.length > 0) tables.push(`Ran less than others: ${lacking.join("; ")}.\n`);
  return [heading, ...tables].join("\n");
};
