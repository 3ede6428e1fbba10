import { type History, type Levels, TrialKind } from "../algorithm.ts";
import { keepBest, thinEvenly } from "../common/thin.ts";

/** What is known of learning curves, as targets that a process is fitted to. */

/** A trial's result after one of the levels. */
export interface Observation {
  readonly row: number;
  readonly level: number;
  /** On a scale on which differences near the best count in full, and the further away the less. */
  readonly value: number;
}

export interface Observations {
  /** All of them, or a selection. */
  readonly list: readonly Observation[];
  /** How many results there are, those left out of the list included. */
  readonly results: number;
  /** The least value of all. */
  readonly least: number;
  /** What a difference of 1 near the best is, as a part of the distance between the best result and the median trial; Infinity where that is 0. */
  readonly share: number;
  /** How many trials have come to their ends; 0 as long as the one that looks best has not. */
  readonly ends: number;
  /** By how much values at each level are above those at the end, on average. */
  readonly excess: Float64Array;
}

/**
 * Gathers the results of one objective at all levels. A trial that failed on its way to a level, or broke a constraint, counts as
 * the worst there.
 * @returns null while fewer than two trials have a result.
 */
export const observe = (history: History, levels: Levels, most: number): Observations | null => {
  const count = levels.resources.length;
  const measured: Observation[] = [];
  const bad: Omit<Observation, "value">[] = [];
  for (const row of worthALook(history, levels)) {
    const last = lastLevel(levels, row);
    if (history.violation[row]! > 0) {
      bad.push({ row, level: Math.max(0, last) });
      continue;
    }
    for (let level = 0; level <= last; level++) {
      const value = levels.value[row * count + level]!;
      if (Number.isFinite(value)) measured.push({ row, level, value });
    }
    if (history.kind[row] === TrialKind.failed) bad.push({ row, level: Math.min(count - 1, last + 1) });
  }
  if (new Set(measured.map(({ row }) => row)).size < 2) return null;
  const low = measured.reduce((low, { value }) => Math.min(low, value), Infinity);
  const width = widthOf(measured, low, count);
  const known = measured.map((one) => ({ ...one, value: Math.log1p((one.value - low) / width) }));
  const excess = excessOf(known, count);
  const worst = known.reduce((high, { value }) => Math.max(high, value), -Infinity);
  const least = known.reduce((low, { value }) => Math.min(low, value), Infinity);
  const list = [...known, ...bad.map((one) => ({ ...one, value: worst }))];
  const share = width / median(measured.filter(isLastOf(measured)).map(({ value }) => value - low));
  const standing = known.filter(isLastOf(known)).filter(({ row }) => history.kind[row] !== TrialKind.failed);
  const ended = standing.filter(({ level }) => level === count - 1);
  const promiseOf = (list: readonly Observation[]) =>
    list.reduce((low, one) => Math.min(low, promise(one, excess)), Infinity);
  return {
    ...{ list: select(list, excess, most), results: countResults(history, levels), least, share, excess },
    ends: promiseOf(ended) <= promiseOf(standing) ? ended.length : 0,
  };
};

/** Of the trials that stand at one level, twice so many are looked at: the best ones and a sample, so that an ask costs no more in a long study. */
const LOOKED_AT = 200;

/** Rows, ascending. Trials that failed or broke a constraint are looked at like the others. */
const worthALook = ({ n }: History, levels: Levels): number[] => {
  const standing = Array.from({ length: levels.resources.length + 1 }, (): number[] => []);
  for (let row = 0; row < n; row++) standing[lastLevel(levels, row) + 1]!.push(row);
  return standing.flatMap((rows, i) => bestAndSome(rows, levels, i - 1)).sort((a, b) => a - b);
};

const bestAndSome = (rows: readonly number[], { resources, value }: Levels, level: number) => {
  if (rows.length <= 2 * LOOKED_AT) return rows;
  if (level < 0) return thinEvenly(rows, 2 * LOOKED_AT, "last");
  const resultOf = (row: number) => value[row * resources.length + level]!;
  const limit = Float64Array.from(rows, resultOf).sort()[LOOKED_AT - 1]!;
  const better = rows.filter((row) => resultOf(row) < limit);
  const equal = rows.filter((row) => resultOf(row) === limit).slice(0, LOOKED_AT - better.length);
  const others = rows.filter((row) => resultOf(row) > limit);
  return [...better, ...equal, ...thinEvenly(others, LOOKED_AT, "last")];
};

/** The highest level that a trial has a result of; -1 when it has none. */
export const lastLevel = ({ resources, value }: Levels, row: number): number => {
  const count = resources.length;
  for (let level = count - 1; level >= 0; level--) {
    if (Number.isFinite(value[row * count + level]!)) return level;
  }
  return -1;
};

const countResults = ({ n }: History, levels: Levels): number => {
  let results = 0;
  for (let row = 0; row < n; row++) results += lastLevel(levels, row) + 1;
  return results;
};

/** How promising a result is, whatever its level: lower is better. */
export const promise = ({ value, level }: Observation, excess: Float64Array): number =>
  value - excess[level]!;

/** The highest level with so many values sets the scale. */
const ENOUGH = 6;

/** The median distance from the best at a high level: up to there the scale is about linear, beyond it logarithmic. */
const widthOf = (measured: readonly Observation[], low: number, levels: number): number => {
  for (let level = levels - 1; level >= 0; level--) {
    const distances = measured.filter((one) => one.level === level).map(({ value }) => value - low);
    const width = median(distances);
    if ((distances.length >= ENOUGH || level === 0) && width > 0) return width;
  }
  return 1;
};

/** 0 of none. */
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Whether an observation is the last one of its trial. */
const isLastOf = (list: readonly Observation[]): ((one: Observation) => boolean) => {
  const lastOf = new Map<number, number>();
  for (const { row, level } of list) lastOf.set(row, Math.max(level, lastOf.get(row) ?? 0));
  return ({ row, level }) => lastOf.get(row) === level;
};

/** By the trials that have come to neighbouring levels; by none at first. */
const excessOf = (known: readonly Observation[], count: number): Float64Array => {
  const values = new Map(known.map(({ row, level, value }) => [row * count + level, value]));
  const excess = new Float64Array(count);
  for (let level = count - 2; level >= 0; level--) {
    let sum = 0;
    let pairs = 0;
    for (const one of known) {
      const next = one.level === level ? values.get(one.row * count + level + 1) : undefined;
      if (next === undefined) continue;
      sum += one.value - next;
      pairs++;
    }
    excess[level] = excess[level + 1]! + sum / (pairs + 1);
  }
  return excess;
};

/** Of a long list the part that is about where trials stand now. */
const STANDING = 2 / 3;

/** Where trials stand now, of the less promising ones a sample; and how those that have come furthest got there. */
const select = (list: readonly Observation[], excess: Float64Array, most: number): readonly Observation[] => {
  if (list.length <= most) return list;
  const lastOf = new Map<number, number>();
  for (const { row, level } of list) lastOf.set(row, Math.max(level, lastOf.get(row) ?? 0));
  const isLast = isLastOf(list);
  const standing = list.filter(isLast).sort((a, b) => promise(a, excess) - promise(b, excess));
  const kept = keepBest(standing, Math.ceil(STANDING * most), "middle");
  const rows = new Set(kept.map(({ row }) => row));
  const earlier = list
    .filter((one) => !isLast(one) && rows.has(one.row))
    .sort((a, b) => lastOf.get(b.row)! - lastOf.get(a.row)! || b.level - a.level || a.row - b.row);
  return [...kept, ...earlier.slice(0, most - kept.length)];
};
