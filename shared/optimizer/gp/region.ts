import { smallestAt } from "../../numerics/select.ts";
import type { Space } from "../../space/space.ts";
import { type History, TrialKind } from "../algorithm.ts";
import { SAME } from "../common/nearness.ts";
import { classOf, TrialClass } from "../common/ranking.ts";

/**
 * A part of the space around the best result, and the trials next to it. A process is fitted to a few hundred trials, so of
 * a long history one that is fitted to a sample of all of them knows little about the place where the search goes on.
 * Source: Eriksson et al. 2019, "Scalable global optimization via local Bayesian optimization" (TuRBO), with one
 * region; its size follows from the history alone, so that nothing but the history must be kept.
 */
export interface Region {
  /** The best point so far. */
  readonly centre: Float64Array;
  /** How far the region reaches from it, as a part of each axis. */
  readonly reach: number;
}

/** Reach at first and at most; below the least one the region starts again. TuRBO's lengths are twice these. */
const FIRST = 0.2;
const LARGEST = 0.4;
const LEAST = 2 ** -8;
/** Successes in a row after which the region is doubled. */
const SUCCESSES = 3;
/** Failures in a row after which it is halved: one per parameter, within these bounds. */
const FEWEST = 4;
const MOST = 20;

/**
 * The region after all trials of one objective. A trial within the region that improves on the best result so far counts
 * as a success and any other as a failure; one elsewhere that is better begins a new region, one that is not says nothing.
 * Cost O(n * parameters).
 * @returns null while no trial is feasible.
 */
export const regionOf = (space: Space, history: History): Region | null => {
  const { n, x, y, kind } = history;
  const d = space.parameters.length;
  const patience = Math.min(MOST, Math.max(FEWEST, d));
  let centre: Float64Array | null = null;
  let least = Infinity;
  let reach = FIRST;
  let successes = 0;
  let failures = 0;
  for (let row = 0; row < n; row++) {
    if (kind[row] === TrialKind.running) continue;
    const isBetter = classOf(history, row, 1) === TrialClass.feasible && (centre === null || y[row]! < least);
    const isInside: boolean = centre !== null && isWithin(space, { centre, reach }, x, row * d);
    if (!isInside && !isBetter) continue;
    successes = isInside && isBetter ? successes + 1 : 0;
    failures = isBetter ? 0 : failures + 1;
    if (!isInside) reach = FIRST;
    if (isBetter) [centre, least] = [x.subarray(row * d, (row + 1) * d), y[row]!];
    if (successes === SUCCESSES) [reach, successes] = [Math.min(LARGEST, 2 * reach), 0];
    if (failures === patience) [reach, failures] = [reach / 2, 0];
    if (reach < LEAST) reach = FIRST;
  }
  return centre === null ? null : { centre: centre.slice(), reach };
};

/** Whether the numbers of a point that the region's centre has too lie within the region. Choices may be any. */
export const isWithin = (
  { parameters }: Space,
  { centre, reach }: Region,
  x: Float64Array,
  offset = 0,
): boolean => {
  // What was rounded on the way out of the cube and back still lies within.
  const most = reach + SAME;
  for (const { kind, index } of parameters) {
    if (kind !== "categorical" && Math.abs(x[offset + index]! - centre[index]!) > most) return false;
  }
  return true;
};

/** What another choice, or a parameter that only one of two points has, adds to their squared distance. */
const OTHER = 0.25;

/**
 * The rows nearest to a point, ascending, and all running ones.
 * @param most rows that have ended.
 */
export const nearestRows = (
  { parameters }: Space,
  { n, x, kind }: History,
  centre: Float64Array,
  most: number,
): number[] => {
  const d = parameters.length;
  const distance = new Float64Array(n);
  for (const { index, kind: kindOfParameter } of parameters) {
    const v = centre[index]!;
    for (let row = 0; row < n; row++) {
      const u = x[row * d + index]!;
      if (u === v || (Number.isNaN(u) && Number.isNaN(v))) continue;
      const isOther = kindOfParameter === "categorical" || Number.isNaN(u) || Number.isNaN(v);
      distance[row]! += isOther ? OTHER : (u - v) ** 2;
    }
  }
  const known = distance.filter((_, row) => kind[row] !== TrialKind.running);
  const limit = most < known.length ? smallestAt(known, most) : Infinity;
  // Of those at the limit the oldest, as many as there is room for.
  let room = Math.min(most, known.length) - known.reduce((count, v) => count + Number(v < limit), 0);
  const kept: number[] = [];
  for (let row = 0; row < n; row++) {
    const isTied = kind[row] !== TrialKind.running && distance[row] === limit && room > 0;
    if (isTied) room--;
    if (isTied || kind[row] === TrialKind.running || distance[row]! < limit) kept.push(row);
  }
  return kept;
};
