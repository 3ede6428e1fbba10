import { type History, TrialKind } from "../algorithm.ts";
import { mergeDuplicates } from "./duplicates.ts";
import { selectRows } from "./select-rows.ts";

/** Studies in which a configuration has several runs. */

/** A run that is still to come. */
export interface MissingRun {
  /** The number of the configuration's first trial, and that trial's row. */
  readonly configuration: number;
  readonly row: number;
  readonly instance: number;
}

/** The configuration of each row: that of the trial, or a trial without one (an imported one) is its own. */
const configurationAt = ({ configuration, number }: History, row: number): number => {
  const known = configuration?.[row] ?? -1;
  return known >= 0 ? known : number[row]!;
};

/**
 * Runs of configurations that have begun and of which there is no trial yet, the oldest configurations first. Imported trials are
 * results on no known instance and need no more runs.
 * @param runs how many each configuration is to have.
 * @param most at most this many.
 */
export const missingRuns = (history: History, runs: number, most: number): MissingRun[] => {
  const { n, configuration, instance } = history;
  if (configuration === undefined || instance === undefined) return [];
  const begun = new Map<number, { readonly row: number; readonly has: Set<number> }>();
  for (let row = 0; row < n; row++) {
    const known = configuration[row]!;
    if (known < 0) continue;
    const entry = begun.get(known);
    if (entry === undefined) begun.set(known, { row, has: new Set([instance[row]!]) });
    else entry.has.add(instance[row]!);
  }
  const missing: MissingRun[] = [];
  for (const [known, { row, has }] of begun) {
    if (has.size >= runs) continue;
    for (let k = 0; k < runs && missing.length < most; k++) {
      if (!has.has(k)) missing.push({ configuration: known, row, instance: k });
    }
    if (missing.length >= most) break;
  }
  return missing;
};

/**
 * The history as an algorithm sees it that knows of no runs: a row a configuration, with the mean of the results that it has and how
 * many they are, numbered as if each configuration were one trial. One without any result runs while a run of it does.
 * Cost O(n * parameters).
 */
export const asConfigurations = (history: History): History => {
  const { configuration: _, instance: __, iteration: ___, ...plain } = history;
  const hasEnded = new Set<number>();
  for (let row = 0; row < history.n; row++) {
    if (history.kind[row] !== TrialKind.running) hasEnded.add(configurationAt(history, row));
  }
  const isShown = new Set<number>();
  const rows: number[] = [];
  for (let row = 0; row < history.n; row++) {
    const known = configurationAt(history, row);
    const isRunning = history.kind[row] === TrialKind.running;
    if (isRunning && (hasEnded.has(known) || isShown.has(known))) continue;
    isShown.add(known);
    rows.push(row);
  }
  const merged = mergeDuplicates(selectRows(plain, rows));
  return { ...merged, number: Uint32Array.from({ length: merged.n }, (__, i) => i) };
};
