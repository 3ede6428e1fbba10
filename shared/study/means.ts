import type { BestTrial } from "../schemas/study.ts";
import type { Run, TrialItem } from "../store/trial.ts";
import type { FiniteValues } from "../values.ts";
import { bestOf, type Candidate } from "./best.ts";
import type { StudySpec } from "./study.ts";

/** What a study whose configurations have several runs has found: means over runs. */

/** Of a trial, what counts for the mean of its configuration. */
export type RunResult = Pick<TrialItem, "number" | "state" | "values"> & { readonly run: Run | null };

/** The results of a configuration so far, one total a metric. */
interface Total {
  readonly configuration: number;
  results: number;
  readonly metrics: Map<string, Moments>;
}

/** Count, mean and sum of squared distances from the mean, by Welford's updates. */
interface Moments {
  count: number;
  mean: number;
  squares: number;
}

/** A configuration with the means of its results. */
export interface Mean {
  /** The number of its first trial. */
  readonly configuration: number;
  readonly results: number;
  readonly values: FiniteValues;
  /** Of each mean; of a single result there is none. */
  readonly standardErrors: FiniteValues;
}

/** The mean of every configuration that has a completed run, in order of their first trials. Cost O(results). */
export const meansOf = (trials: Iterable<RunResult>): Mean[] => {
  const totals = new Map<number, Total>();
  for (const { number, state, values, run } of trials) {
    if (state !== "completed" || values === null) continue;
    const configuration = run?.configuration ?? number;
    const total = totals.get(configuration) ?? { configuration, results: 0, metrics: new Map() };
    totals.set(configuration, total);
    total.results++;
    for (const [metric, value] of Object.entries(values)) {
      const moments = total.metrics.get(metric) ?? { count: 0, mean: 0, squares: 0 };
      total.metrics.set(metric, moments);
      moments.count++;
      const distance = value - moments.mean;
      moments.mean += distance / moments.count;
      moments.squares += distance * (value - moments.mean);
    }
  }
  return [...totals.values()].map(toMean).sort((a, b) => a.configuration - b.configuration);
};

const toMean = ({ configuration, results, metrics }: Total): Mean => {
  const moments = [...metrics];
  return {
    configuration,
    results,
    values: Object.fromEntries(moments.map(([metric, { mean }]) => [metric, mean])),
    standardErrors: Object.fromEntries(
      moments.flatMap(([metric, { count, squares }]) =>
        count < 2 ? [] : [[metric, Math.sqrt(squares / (count - 1) / count)]],
      ),
    ),
  };
};

/**
 * The best configurations by their means. Only those with the most results are ranked: means over different instances cannot be
 * compared. A configuration of which a run has failed is therefore behind those of which none has.
 * @param paramsOf the configuration whose first trial has a number.
 */
export const bestMeans = (
  spec: StudySpec,
  means: readonly Mean[],
  paramsOf: (configuration: number) => Candidate["params"],
): BestTrial[] => {
  const most = means.reduce((results, mean) => Math.max(results, mean.results), 0);
  const candidates = means
    .filter(({ results }) => results === most)
    .map((mean): Candidate & { readonly mean: Mean } => ({
      mean,
      number: mean.configuration,
      state: "completed",
      params: {},
      values: mean.values,
      resource: null,
      curve: [],
    }));
  return bestOf(spec, candidates).map(({ mean }) => meanAsBest(mean, paramsOf(mean.configuration)));
};

/** A configuration with its means, as clients see it. */
export const meanAsBest = (
  { configuration, results, values, standardErrors }: Mean,
  params: Candidate["params"],
): BestTrial => ({
  number: configuration,
  params,
  values,
  ...(results > 1 && { standardErrors }),
  results,
});
