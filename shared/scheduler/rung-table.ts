import { hashed } from "../numerics/hash.ts";
import { inOrder, type Standing } from "./standing.ts";

/**
 * What a rung has seen, at a size that does not grow with the study: how many trials, a sample of them that ranks others (all of
 * them while they are few), and the best of those that wait to go on. A busy rung has several tables, each for some of the trials, so
 * that reports do not compete for one.
 */
export interface RungTable {
  /** Trials that have a result here. */
  readonly entered: number;
  /** Of them, at most `SAMPLE`, chosen by a hash of their numbers: the same trials in every rung that they reach. */
  readonly sample: readonly Standing[];
  /** Trials that are paused here, best first: the most promising of them. */
  readonly waiting: readonly Standing[];
  /** How many of those that waited have gone on. */
  readonly promoted: number;
}

export const EMPTY_TABLE: RungTable = { entered: 0, sample: [], waiting: [], promoted: 0 };

/** Up to so many results a table ranks exactly; of more, a rank is within a few percent. */
export const SAMPLE = 128;

/**
 * A table that a trial has entered; what it came to before at the same rung is replaced.
 * @param room how many waiting trials the table keeps; 0 for a trial that does not wait.
 */
export const withEntry = (table: RungTable, standing: Standing, room: number): RungTable => {
  const others = table.sample.filter(({ trial }) => trial !== standing.trial);
  return {
    ...table,
    entered: table.entered + (others.length === table.sample.length ? 1 : 0),
    sample: [...others, standing].sort(byHash).slice(0, SAMPLE),
    waiting: room === 0 ? table.waiting : inOrder([...table.waiting, standing]).slice(0, room),
  };
};

const byHash = (a: Standing, b: Standing) => hashed(a.trial) - hashed(b.trial) || a.trial - b.trial;

/** A table that a waiting trial has left to go on. */
export const withoutWaiting = (table: RungTable, trial: number): RungTable => ({
  ...table,
  waiting: table.waiting.filter((standing) => standing.trial !== trial),
  promoted: table.promoted + 1,
});

/** A rung as a scheduler sees it: its tables together. */
export interface Rung {
  readonly entered: number;
  readonly promoted: number;
  /** How many trials failed on their way to this rung. */
  readonly failed: number;
  /** Those of them that came from a rung below. */
  readonly lost: ReadonlySet<number>;
  /** Each with the number of trials that it stands for. */
  readonly sample: readonly { readonly standing: Standing; readonly weight: number }[];
  /** Best first. */
  readonly waiting: readonly Standing[];
}

export const EMPTY_RUNG: Rung = {
  entered: 0,
  promoted: 0,
  failed: 0,
  lost: new Set(),
  sample: [],
  waiting: [],
};

/** The rung of these tables, and of what failed on its way there. */
export const rungOf = (
  tables: readonly RungTable[],
  { failed, lost }: Pick<Rung, "failed" | "lost">,
): Rung => ({
  entered: total(tables.map(({ entered }) => entered)),
  promoted: total(tables.map(({ promoted }) => promoted)),
  failed,
  lost,
  sample: tables.flatMap(({ entered, sample }) =>
    sample.map((standing) => ({ standing, weight: entered / sample.length })),
  ),
  waiting: inOrder(tables.flatMap(({ waiting }) => waiting)),
});

const total = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0);

/** How a trial compares with those of a rung. */
export interface Comparison {
  /** From 1. */
  readonly rank: number;
  /** How many are compared, itself included. */
  readonly of: number;
  /** How many of them go on. */
  readonly goOn: number;
  /** The cost of the last one that goes on, of a single objective; null when it has none to tell. */
  readonly threshold: number | null;
}

/**
 * Compares a trial that reports at a rung with all that did so before.
 * @param goOn how many of so many go on.
 */
export const compareIn = (rung: Rung, standing: Standing, goOn: (of: number) => number): Comparison => {
  const others = rung.sample.filter((each) => each.standing.trial !== standing.trial);
  const of = rung.entered + 1;
  const ranks = ranksOf([...others, { standing, weight: 1 }]);
  const last = ranks.findLast(({ rank, standing: each }) => rank <= goOn(of) && each.violation <= 0);
  return {
    rank: Math.min(of, ranks.find((each) => each.standing === standing)?.rank ?? of),
    of,
    goOn: goOn(of),
    threshold: last?.standing.costs.length === 1 ? (last.standing.costs[0] ?? null) : null,
  };
};

interface Ranked {
  readonly standing: Standing;
  /** From 1: one more than the trials before it. */
  readonly rank: number;
}

const ranksOf = (entries: Rung["sample"]): Ranked[] => {
  const weights = new Map(entries.map(({ standing, weight }) => [standing.trial, weight]));
  let before = 0;
  return inOrder(entries.map(({ standing }) => standing)).map((standing) => {
    const rank = 1 + Math.floor(before + 1e-9);
    before += weights.get(standing.trial) ?? 0;
    return { standing, rank };
  });
};

/**
 * The waiting trials of a rung that are among its best, best first. Those that went on and failed count no more, so that the next
 * ones take their place.
 * @param above the rung that trials go on to.
 * @param goOn how many of the rung may go on.
 */
export const promotable = (rung: Rung, above: Rung, goOn: number): Standing[] => {
  const left = rung.sample.filter(({ standing }) => !above.lost.has(standing.trial));
  const sampled = new Set(left.map(({ standing }) => standing.trial));
  // Those outside the sample are represented in it.
  const others = rung.waiting.filter(({ trial }) => !sampled.has(trial));
  const waits = new Set(rung.waiting.map(({ trial }) => trial));
  return ranksOf([...left, ...others.map((standing) => ({ standing, weight: 0 }))])
    .filter(({ standing, rank }) => waits.has(standing.trial) && rank <= goOn)
    .map(({ standing }) => standing);
};
