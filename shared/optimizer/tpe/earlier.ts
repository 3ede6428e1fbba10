import type { Parameter, Space } from "../../space/space.ts";
import type { EarlierResults, History } from "../algorithm.ts";
import { classOf, TrialClass } from "../common/ranking.ts";

/**
 * Earlier studies as observations of lower weight. Each has its own good and bad results; how much they count follows from how
 * well they predict the order of this study's results, and falls as these become many. The idea, not the measure, is that of Watanabe
 * and Hutter 2023 ("Speeding up multi-objective hyperparameter optimization by task similarity-based meta-learning").
 */

/** Observations for a density, with weights relative to an own observation's. */
export interface Weighted {
  readonly points: Float64Array;
  readonly weights: readonly number[];
}

/** What earlier studies add to both densities. */
export interface EarlierObservations {
  readonly good: Weighted;
  readonly bad: Weighted;
}

/** The part of an earlier study's results that is good. */
const GOOD = 0.1;
/** Own results after which earlier ones count half as much. */
const HALF = 10;
/** Kendall's tau between an earlier study's order and this one's that is expected before there are results, and how many pairs that counts. */
const EXPECTED = 0.6;
const EXPECTED_PAIRS = 6;
/** So much of tau's standard deviation under chance is subtracted from it. */
const MARGIN = 1;

/** @returns null when no earlier study is of use. */
export const observationsOf = (
  space: Space,
  history: History,
  earlier: readonly EarlierResults[],
): EarlierObservations | null => {
  const own = ownResults(history, space.parameters.length);
  const good: Collected = { points: [], weights: [] };
  const bad: Collected = { points: [], weights: [] };
  for (const results of earlier) {
    const count = Math.ceil(GOOD * results.n);
    const d = space.parameters.length;
    const [best, rest] = [results.x.subarray(0, count * d), results.x.subarray(count * d)];
    const weight =
      (relatedness(space, results, own.slice(-MOST_COMPARED)) * HALF) / (HALF + own.length) / earlier.length;
    if (weight < LEAST) continue;
    collect(good, best, weight, d);
    collect(bad, rest, weight, d);
  }
  return good.weights.length === 0 ? null : { good: packed(good), bad: packed(bad) };
};

/** A smaller weight is none: as a good observation of so many own ones would have. */
const LEAST = 0.02;

interface Collected {
  readonly points: number[];
  readonly weights: number[];
}

const collect = (into: Collected, points: Float64Array, weight: number, d: number): void => {
  into.points.push(...points);
  for (let i = 0; i < points.length / d; i++) into.weights.push(weight);
};

const packed = ({ points, weights }: Collected): Weighted => ({ points: Float64Array.from(points), weights });

interface OwnResult {
  readonly x: Float64Array;
  readonly y: number;
}

const ownResults = (history: History, d: number): OwnResult[] => {
  const results: OwnResult[] = [];
  for (let row = 0; row < history.n; row++) {
    if (classOf(history, row, 1) !== TrialClass.feasible) continue;
    results.push({ x: history.x.slice(row * d, (row + 1) * d), y: history.y[row]! });
  }
  return results;
};

/** Own results that are compared, the last ones. */
const MOST_COMPARED = 60;

/**
 * From 0, not better than chance, to 1: how far an earlier study's results next to the own ones are ordered as these are, by Kendall's
 * tau.
 */
const relatedness = (
  { parameters }: Space,
  { n: m, x }: EarlierResults,
  own: readonly OwnResult[],
): number => {
  const n = own.length;
  const d = parameters.length;
  const expected = own.map((one) => {
    const distances = Float64Array.from({ length: m }, (_, row) => distance(parameters, one.x, x, row * d));
    return meanRankOfNearest(distances);
  });
  let pairs = EXPECTED_PAIRS;
  let balance = EXPECTED * EXPECTED_PAIRS;
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < a; b++) {
      balance += Math.sign((own[b]!.y - own[a]!.y) * (expected[b]! - expected[a]!));
      pairs++;
    }
  }
  const chance = n < 2 ? 0 : Math.sqrt((2 * (2 * n + 5)) / (9 * n * (n - 1)));
  return Math.max(0, balance / pairs - MARGIN * chance);
};

/** Rows, which are in order of their results, next to a point. */
const NEAREST = 5;

/** @param distances of all rows, the best one first. */
const meanRankOfNearest = (distances: Float64Array): number => {
  const order = Array.from(distances, (_, row) => row).sort((a, b) => distances[a]! - distances[b]! || a - b);
  const nearest = order.slice(0, NEAREST);
  return nearest.reduce((sum, row) => sum + row, 0) / nearest.length;
};

/** The squared distance in the cube; what one of both does not know says nothing, and another choice is as far as can be. */
const distance = (
  parameters: readonly Parameter[],
  a: Float64Array,
  b: Float64Array,
  offset: number,
): number =>
  parameters.reduce((sum, { index, kind }) => {
    const [u, v] = [a[index]!, b[offset + index]!];
    if (Number.isNaN(u) || Number.isNaN(v)) return sum;
    return sum + (kind === "categorical" ? Number(u !== v) : (u - v) ** 2);
  }, 0);
