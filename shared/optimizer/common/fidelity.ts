import { type History, type Levels, TrialKind } from "../algorithm.ts";

/**
 * The history at one fidelity, for algorithms that compare results: values that were measured at different resources are not
 * comparable. Source: BOHB (Falkner et al. 2018, section 3.3), whose model is of the highest resource with enough results. Trials that
 * were stopped or are paused below it count as pruned there: no better than the median.
 * @param d parameters.
 */
export const atOneFidelity = (history: History, d: number, objectives: number): History => {
  const { levels, n } = history;
  if (levels === undefined || levels.resources.length < 2) return history;
  const level = highestWithEnough(levels, n, objectives, d + 2);
  const y = history.y.slice();
  const kind = history.kind.slice();
  const resource = history.resource.slice();
  for (let row = 0; row < n; row++) {
    if (!hasCome(levels, row, level, objectives)) {
      if (kind[row] === TrialKind.completed) kind[row] = TrialKind.pruned;
      continue;
    }
    const from = (row * levels.resources.length + level) * objectives;
    y.set(levels.value.subarray(from, from + objectives), row * objectives);
    if (kind[row] !== TrialKind.failed) kind[row] = TrialKind.completed;
    resource[row] = levels.resources[level] ?? Number.NaN;
  }
  return { ...history, y, kind, resource };
};

/** The highest level that so many trials have come to; the lowest one when none has so many. */
const highestWithEnough = (levels: Levels, n: number, objectives: number, enough: number): number => {
  for (let level = levels.resources.length - 1; level > 0; level--) {
    let found = 0;
    for (let row = 0; row < n; row++) if (hasCome(levels, row, level, objectives)) found++;
    if (found >= enough) return level;
  }
  return 0;
};

/** Whether a trial has come to a level. */
export const hasCome = (
  { resources, value }: Levels,
  row: number,
  level: number,
  objectives: number,
): boolean => {
  const from = (row * resources.length + level) * objectives;
  for (let j = 0; j < objectives; j++) if (Number.isNaN(value[from + j]!)) return false;
  return true;
};
