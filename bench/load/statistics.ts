import { quantile } from "../statistics.ts";

/** Pure statistics of a run: what was measured in, the cells of the table out. */

export type Call = "ask" | "tell" | "report";

/** One request and its answer. */
export interface Sample {
  readonly call: Call;
  /** Milliseconds since the start of the run. */
  readonly began: number;
  readonly ended: number;
  readonly status: number;
  /** Whether the answer says when to try again. */
  readonly hasRetryAfter: boolean;
}

/** What a run cost the table, as DynamoDB bills it. */
export interface Cost {
  readonly reads: number;
  readonly writes: number;
  /** Writes that changed nothing because another request was first. */
  readonly lost: number;
}

/** The limits of one partition of a table, units a second ("Best practices for designing partition keys"). */
const PARTITION = { reads: 3000, writes: 1000 } as const;

/** The samples of requests that were sent within a window, milliseconds since the start of the run. */
export const within = (samples: readonly Sample[], from: number, to: number): Sample[] =>
  samples.filter(({ began }) => began >= from && began < to);

/** Milliseconds that the answers with status 200 took: the median, and what 95 and 99 of 100 do not exceed. */
export const latencyOf = (samples: readonly Sample[], call: Call) => {
  const times = samples
    .filter((sample) => sample.call === call && sample.status === 200)
    .map(({ began, ended }) => ended - began);
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95), p99: quantile(times, 0.99) };
};

/** Tells answered with 200 within a window of `seconds`, a second: a pair ends with its tell. */
export const pairsPerSecond = (samples: readonly Sample[], from: number, to: number): number =>
  samples.filter(
    ({ call, status, ended }) => call === "tell" && status === 200 && ended >= from && ended < to,
  ).length /
  ((to - from) / 1000);

/**
 * How often each status was answered, for example `{"200": 90, "503": 2, "500 bare": 1}`: "bare" is an error that a retry may
 * overcome and that does not say when.
 */
export const statusesOf = (samples: readonly Sample[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status, hasRetryAfter } of samples) {
    const isBare = (status === 0 || status === 429 || status >= 500) && !hasRetryAfter;
    const name = isBare ? `${status} bare` : String(status);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
};

/** Percent of the requests that were not answered with 200. */
export const refusedPercent = (samples: readonly Sample[]): number =>
  samples.length === 0
    ? Number.NaN
    : (100 * samples.filter(({ status }) => status !== 200).length) / samples.length;

/** The larger one of the percentages of a partition's limits that a run takes. */
export const partitionPercent = ({ reads, writes }: Cost, seconds: number): number =>
  100 * Math.max(reads / seconds / PARTITION.reads, writes / seconds / PARTITION.writes);

/** The cost of both, added. */
export const sumOf = (one: Cost, other: Cost): Cost => ({
  reads: one.reads + other.reads,
  writes: one.writes + other.writes,
  lost: one.lost + other.lost,
});

/** The cost between two readings of a meter. */
export const between = (before: Cost, after: Cost): Cost => ({
  reads: after.reads - before.reads,
  writes: after.writes - before.writes,
  lost: after.lost - before.lost,
});

/**
 * Arrivals of a Poisson process.
 * @param uniform draws from [0, 1).
 * @returns milliseconds since the start, rising, all below `seconds`.
 */
export const poissonArrivals = (rate: number, seconds: number, uniform: () => number): number[] => {
  const arrivals: number[] = [];
  for (let at = 0; ; ) {
    at += (-Math.log(1 - uniform()) / rate) * 1000;
    if (!(at < seconds * 1000)) return arrivals;
    arrivals.push(at);
  }
};
