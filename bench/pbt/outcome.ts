import { mean, median } from "../statistics.ts";

/** A search to run. */
export interface Task {
  readonly problem: string;
  readonly seed: number;
  /** Runs at a time, and workers. */
  readonly population: number;
  /** Of a run to its end. */
  readonly epochs: number;
  /** Epochs of a segment. */
  readonly segment: number;
  /** The chance that a worker is killed before the result of its segment arrives. */
  readonly killed: number;
}

export interface Losses {
  readonly valid: number;
  readonly test: number;
}

/** What a search came to. */
export interface Outcome {
  /** The least validation loss after any segment, and the test loss there; null without a result. */
  readonly valid: number | null;
  readonly test: number | null;
  readonly results: number;
  /** Epochs of segments whose worker was killed. */
  readonly lost: number;
  /** Runs that came to their end. */
  readonly ended: number;
  /** Whether it ended because its budget was used or its runs were at their end, and not because workers had been killed. */
  readonly finished: boolean;
}

export interface PbtResult extends Task, Outcome {
  readonly search: string;
  readonly version: string;
}

export const outcomeOf = (
  found: readonly Losses[],
  rest: Omit<Outcome, "valid" | "test" | "results">,
): Outcome => {
  const [first, ...others] = found;
  const best = others.reduce((a, b) => (a === undefined || b.valid < a.valid ? b : a), first);
  return { valid: best?.valid ?? null, test: best?.test ?? null, results: found.length, ...rest };
};

const DIGITS = 4;
const DIVERGED = 100;
const lossOf = (value: number | null): number => value ?? DIVERGED;
const rowOf = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** A row a search, in the order given; those without a result are left out. @param results of one problem and one chance of kills. */
export const table = (results: readonly PbtResult[], searches: readonly string[]): string => {
  const seeds = [...new Set(results.map(({ seed }) => seed))].sort((a, b) => a - b);
  const header = [
    "search",
    ...seeds.map((seed) => `seed ${seed}`),
    "mean",
    "median test",
    "results",
    "runs at their end",
    "epochs lost",
    "stopped early",
  ];
  const rows = searches.flatMap((search) => {
    const mine = results.filter((result) => result.search === search).sort((a, b) => a.seed - b.seed);
    if (mine.length === 0) return [];
    const valid = seeds.map((seed) => mine.find((result) => result.seed === seed)?.valid);
    const average = (pick: (result: PbtResult) => number) => mean(mine.map(pick));
    return [
      rowOf([
        search,
        ...valid.map((value) => value?.toFixed(DIGITS) ?? ""),
        average((result) => lossOf(result.valid)).toFixed(DIGITS),
        median(mine.map((result) => lossOf(result.test))).toFixed(DIGITS),
        average(({ results: count }) => count).toFixed(0),
        average(({ ended }) => ended).toFixed(1),
        average(({ lost }) => lost).toFixed(0),
        `${mine.filter(({ finished }) => !finished).length} of ${mine.length}`,
      ]),
    ];
  });
  return [rowOf(header), rowOf(header.map(() => "---")), ...rows].join("\n");
};
