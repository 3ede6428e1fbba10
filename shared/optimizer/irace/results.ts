import { type History, TrialKind } from "../algorithm.ts";

/** The results of a study by configuration and instance. */
export interface Results {
  /** In order of their first trials. */
  readonly configurations: ReadonlyMap<number, Configuration>;
  /** How many runs each race has taken, at its number. */
  readonly used: readonly number[];
}

export interface Configuration {
  /** The row of its first trial. */
  readonly row: number;
  /** The race that it began in. */
  readonly iteration: number;
  /** The cost of each instance it was run on: NaN while the run lasts, Infinity when it failed or was not feasible. */
  readonly costs: Map<number, number>;
  /** Instances that it was run on for each race. */
  readonly runs: Map<number, Set<number>>;
}

/** Reads a history of one objective. Trials of no race, imported ones, are left out. Cost O(n). */
export const resultsOf = (history: History): Results => {
  const { n, configuration, instance, iteration } = history;
  const configurations = new Map<number, Configuration>();
  const used: number[] = [];
  if (configuration === undefined || instance === undefined || iteration === undefined) {
    return { configurations, used };
  }
  for (let row = 0; row < n; row++) {
    const race = iteration[row]!;
    if (race < 1) continue;
    const known = configurations.get(configuration[row]!) ?? {
      row,
      iteration: race,
      costs: new Map<number, number>(),
      runs: new Map<number, Set<number>>(),
    };
    configurations.set(configuration[row]!, known);
    known.costs.set(instance[row]!, costAt(history, row));
    const runs = known.runs.get(race) ?? new Set<number>();
    known.runs.set(race, runs.add(instance[row]!));
    used[race] = (used[race] ?? 0) + 1;
  }
  return { configurations, used };
};

/** A configuration as it was known when a race was over: later races have run it on further instances. */
export const knownTo = (race: number, configuration: Configuration): Configuration => {
  const later = [...configuration.runs].filter(([other]) => other > race);
  if (later.length === 0) return configuration;
  const costs = new Map(configuration.costs);
  for (const [, instances] of later) for (const instance of instances) costs.delete(instance);
  return { ...configuration, costs };
};

const costAt = ({ kind, y, violation }: History, row: number): number => {
  if (kind[row] === TrialKind.running) return Number.NaN;
  const isGood = kind[row] === TrialKind.completed && !(violation[row]! > 0) && !Number.isNaN(y[row]);
  return isGood ? y[row]! : Infinity;
};
