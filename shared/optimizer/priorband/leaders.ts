import { fronts } from "../../numerics/fronts.ts";
import { type History, type Levels, TrialKind } from "../algorithm.ts";
import { hasCome } from "../common/fidelity.ts";
import { bestOf, classOf, TrialClass } from "../common/ranking.ts";
import { hasResult } from "../common/rows.ts";

/** The results that speak for the prior or for the incumbent. */

/** At most so many leaders: the densities of all of them are computed at each ask. */
const MOST = 100;
/** Of logarithms. */
const NOISE = 1e-9;

interface Search {
  readonly objectives: number;
  readonly eta: number;
  readonly isLate: () => boolean;
}

/**
 * The best 1/eta of the trials that have come to the history's level, best first; none before the incumbent counts: before a trial
 * has come to the top, one bracket's worth of resource is spent and there are eta results.
 */
export const leadersOf = (history: History, { objectives, eta, isLate }: Search): number[] => {
  if (!hasSpentBracket(history, objectives, eta)) return [];
  const rows: number[] = [];
  for (let row = 0; row < history.n; row++) {
    if (history.kind[row] === TrialKind.completed && hasResult(history, row, objectives)) rows.push(row);
  }
  if (rows.length < eta) return [];
  return bestOf(history, rows, { objectives, most: Math.min(MOST, Math.floor(rows.length / eta)), isLate });
};

/** The leaders that trials are drawn around: the best one; of several objectives any of the front. */
export const incumbentsOf = (history: History, leaders: readonly number[], objectives: number): number[] => {
  const feasible = leaders.filter((row) => classOf(history, row, objectives) === TrialClass.feasible);
  const [front] = objectives > 1 ? fronts(feasible, history.y, objectives) : [];
  return front ?? leaders.slice(0, 1);
};

/** Whether the trials have spent what one bracket of successive halving does, and one has come to the top. */
const hasSpentBracket = ({ levels, n }: History, objectives: number, eta: number): boolean => {
  if (levels === undefined || levels.resources.length < 2) return true;
  const top = levels.resources.length - 1;
  const bracket = (1 - NOISE) * bracketCost(levels.resources[0]!, levels.resources[top]!, eta);
  let spent = 0;
  let hasArrived = false;
  for (let row = 0; row < n && !(hasArrived && spent >= bracket); row++) {
    const level = highestOf(levels, row, objectives);
    spent += levels.resources[level] ?? 0;
    hasArrived ||= level === top;
  }
  return hasArrived && spent >= bracket;
};

/** The highest level that a trial has come to; -1 when it has come to none. */
const highestOf = (levels: Levels, row: number, objectives: number): number => {
  let level = levels.resources.length - 1;
  while (level >= 0 && !hasCome(levels, row, level, objectives)) level--;
  return level;
};

/**
 * What a bracket of successive halving costs whose trials go on from where they were: as much as one trial to the top for its lowest rung,
 * and for each rung above, where 1/eta of the trials go on, 1 - 1/eta of that.
 */
const bracketCost = (lowest: number, highest: number, eta: number): number =>
  highest * (1 + (Math.log(highest / lowest) / Math.log(eta)) * (1 - 1 / eta));
