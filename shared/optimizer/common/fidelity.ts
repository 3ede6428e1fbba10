import { type History, type Levels, TrialKind } from "../algorithm.ts";
import { thinEvenly } from "./thin.ts";

/**
 * The history at one fidelity, for algorithms that compare results: values that were measured at different resources are not
 * comparable. Source of the level: BOHB (Falkner et al. 2018, section 3.3), whose model is of the highest resource with enough results.
 * Trials that were stopped or are paused below it count as pruned there, with the value that lower levels let expect: to count them as
 * bad would tell a model that the surroundings of the best trials are bad, where most trials are stopped by small differences.
 * @param d parameters.
 */
export const atOneFidelity = (history: History, d: number, objectives: number): History => {
  const { levels, n } = history;
  if (levels === undefined || levels.resources.length < 2) return history;
  const level = highestWithEnough(levels, n, objectives, d + 2);
  const changes = changesUpTo(levels, n, objectives, level);
  const y = history.y.slice();
  const kind = history.kind.slice();
  const resource = history.resource.slice();
  for (let row = 0; row < n; row++) {
    if (!hasCome(levels, row, level, objectives)) {
      if (kind[row] === TrialKind.completed) kind[row] = TrialKind.pruned;
      const last = lastBelow(levels, row, level, objectives);
      if (kind[row] !== TrialKind.pruned || last < 0) continue;
      for (let j = 0; j < objectives; j++) {
        let value = levels.value[(row * levels.resources.length + last) * objectives + j]!;
        for (let l = last; l < level; l++) value += changeAt(changes[l * objectives + j]!, value);
        y[row * objectives + j] = value;
      }
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

/** The highest level below this one that a trial has come to; -1 when there is none. */
const lastBelow = (levels: Levels, row: number, level: number, objectives: number): number => {
  for (let l = level - 1; l >= 0; l--) if (hasCome(levels, row, l, objectives)) return l;
  return -1;
};

/** How values change from a level to the next: of the trials that came to both, by their value at the first one, rising. */
interface Changes {
  readonly values: readonly number[];
  /** At each of them the median change of its neighbours in this order. */
  readonly changes: readonly number[];
}

/** Trials that a change is taken from at most, evenly spread over the study, so that an ask costs no more in a long one. */
const MOST_PAIRS = 512;
/** Trials on each side whose changes count for one between them. */
const BESIDE = 4;

/** By level and objective: `level * objectives + j`. */
const changesUpTo = (levels: Levels, n: number, objectives: number, level: number): Changes[] =>
  Array.from({ length: level * objectives }, (_, i) =>
    changesAt(levels, n, objectives, Math.floor(i / objectives), i % objectives),
  );

const changesAt = ({ resources, value }: Levels, n: number, objectives: number, level: number, j: number) => {
  const pairs: { from: number; change: number }[] = [];
  for (let row = 0; row < n; row++) {
    const at = (row * resources.length + level) * objectives + j;
    const from = value[at]!;
    const change = value[at + objectives]! - from;
    if (Number.isFinite(change)) pairs.push({ from, change });
  }
  const sorted = [...thinEvenly(pairs, MOST_PAIRS, "last")].sort((a, b) => a.from - b.from);
  return {
    values: sorted.map(({ from }) => from),
    changes: sorted.map((_, i) => {
      const near = sorted.slice(Math.max(0, i - BESIDE), i + BESIDE + 1).map(({ change }) => change);
      return near.sort((a, b) => a - b)[near.length >> 1] ?? 0;
    }),
  };
};

/** The change to expect of a value; that of the nearest one that is known, beyond all of them. */
const changeAt = ({ values, changes }: Changes, value: number): number => {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return changes[Math.min(low, changes.length - 1)] ?? 0;
};
