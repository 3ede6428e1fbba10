import type { FidelityResult } from "./results.ts";

/** Comparisons of simulations: time and resource until a loss is near the best known one. */

/** Of the distance between a typical and the best known loss. */
export const NEAR = 0.01;
const LEVELS = [0.1, NEAR] as const;

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const geometric = (values: readonly number[]) => Math.exp(mean(values.map(Math.log)));

interface Arrival {
  /** Infinity when it was not reached. */
  readonly time: number;
  /** Full runs of all workers together. */
  readonly resource: number;
}

const arrivalAt = ({ best, typical, trace }: FidelityResult, level: number): Arrival => {
  const target = best + level * (typical - best);
  const [time = Infinity, resource = Infinity] = trace.find(([, , loss]) => loss <= target) ?? [];
  return { time, resource };
};

/** The loss that a run came to, for the ranks of runs that did not get near. */
const lastLoss = ({ trace }: FidelityResult): number => trace.at(-1)?.[2] ?? Infinity;

/** Who was near earlier is better; of those who never were, who came to the lower loss. */
const isAhead = (a: FidelityResult, b: FidelityResult): boolean => {
  const [first, second] = [arrivalAt(a, NEAR).time, arrivalAt(b, NEAR).time];
  if (first !== second) return first < second;
  return first === Infinity && lastLoss(a) < lastLoss(b);
};

const rankOf = (mine: FidelityResult, runs: readonly FidelityResult[]): number => {
  const better = runs.filter((each) => isAhead(each, mine)).length;
  const worse = runs.filter((each) => isAhead(mine, each)).length;
  return 1 + better + (runs.length - better - worse - 1) / 2;
};

export interface Row {
  readonly searcher: string;
  readonly studies: number;
  readonly rank: number;
  /** Share of the studies that got near the best known loss. */
  readonly share: number;
  /** Geometric means of the time to each level; a study that did not get there counts as the cap. */
  readonly times: readonly number[];
  /** The same of resource, to the last level. */
  readonly resource: number;
  /** Studies that were stopped because the searcher had used too much CPU time. */
  readonly cut: number;
  readonly busy: number;
  readonly milliseconds: number;
}

const studyOf = ({ problem, seed, workers }: FidelityResult) => `${problem} ${seed} ${workers}`;

/** Compares searchers on the studies that all of them have run, best first. */
export const compare = (results: readonly FidelityResult[], searchers: readonly string[]): Row[] => {
  const shared = [...Map.groupBy(results, studyOf).values()]
    .map((runs) => searchers.map((name) => runs.find(({ searcher }) => searcher === name)))
    .filter((runs) => runs.every((run) => run !== undefined));
  if (shared.length === 0) return [];
  return searchers
    .map((searcher, s) => {
      const mine = shared.map((runs) => runs[s]!);
      const capped = (run: FidelityResult, level: number) => Math.min(run.cap, arrivalAt(run, level).time);
      return {
        searcher,
        studies: mine.length,
        rank: mean(mine.map((run, i) => rankOf(run, shared[i]!))),
        share: mean(mine.map((run) => Number(arrivalAt(run, NEAR).time < Infinity))),
        times: LEVELS.map((level) => geometric(mine.map((run) => capped(run, level)))),
        resource: geometric(
          mine.map((run) => Math.min(run.cap * run.workers, arrivalAt(run, NEAR).resource)),
        ),
        cut: mine.filter(({ ended }) => ended === "patience").length,
        busy: mean(mine.map(({ busy }) => busy)),
        milliseconds: 1000 * mean(mine.map(({ seconds, jobs }) => seconds / jobs)),
      };
    })
    .sort((a, b) => a.rank - b.rank);
};

const HEAD = [
  "searcher",
  "rank",
  "reached",
  ...LEVELS.map((level) => `time to ${100 * level}%`),
  `resource to ${100 * NEAR}%`,
  "busy",
  "cut",
  "CPU ms a job",
];

/** The comparison as a Markdown table. */
export const table = (rows: readonly Row[]): string => {
  const lines = rows.map((row) => [
    row.searcher,
    row.rank.toFixed(2),
    `${(100 * row.share).toFixed(0)}%`,
    ...row.times.map((time) => time.toPrecision(3)),
    row.resource.toPrecision(3),
    `${(100 * row.busy).toFixed(0)}%`,
    String(row.cut),
    row.milliseconds.toPrecision(2),
  ]);
  return [HEAD, HEAD.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
};
