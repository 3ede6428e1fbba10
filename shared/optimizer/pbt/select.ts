import { dominates } from "../../numerics/pareto.ts";
import type { Random } from "../../numerics/random.ts";
import type { History } from "../algorithm.ts";
import { bestFirst, classOf, TrialClass } from "../common/ranking.ts";
import type { Settings } from "./options.ts";

/** Which segment a member's next one begins from. */

export interface Choice {
  readonly parent: number;
  readonly why: string;
  /** Whether it goes on with other settings. */
  readonly explores: boolean;
}

const onItsOwn = (parent: number): Choice => ({ parent, why: "goes on", explores: false });

/** Whether one segment beats another: feasible before infeasible, then by Pareto dominance, which for one objective is the lower value. */
export const beats = (history: History, a: number, b: number, objectives: number): boolean => {
  const [classA, classB] = [classOf(history, a, objectives), classOf(history, b, objectives)];
  if (classA !== classB) return classA < classB;
  if (classA === TrialClass.infeasible) return history.violation[a]! < history.violation[b]!;
  return dominates(a, b, history.y, objectives);
};

/**
 * A segment to go on from after one that is committed: its own, or that of whoever it loses to.
 * @param candidates rows of its generation, its own among them.
 */
export const chooseParent = (
  history: History,
  own: number,
  candidates: readonly number[],
  objectives: number,
  settings: Settings,
  random: Random,
): Choice => {
  if (settings.selection === "truncation") {
    const count = quantileOf(candidates.length, settings.quantile);
    const order = bestFirst(history, candidates, objectives);
    if (count === 0 || order.indexOf(own) < order.length - count) return onItsOwn(own);
    return { parent: order[random.integer(count)]!, why: "copies one of the best", explores: true };
  }
  const others = candidates.filter((row) => row !== own);
  const opponent = others[random.integer(others.length)];
  if (opponent === undefined || beats(history, own, opponent, objectives)) return onItsOwn(own);
  // Where all are alike nobody would ever lose, and nothing else would be tried.
  return beats(history, opponent, own, objectives)
    ? { parent: opponent, why: "copies the winner of a tournament", explores: true }
    : { parent: own, why: "goes on from a draw", explores: true };
};

/** After a segment that was lost: the better of two of the generation that it began from. */
export const chooseAfterLoss = (
  history: History,
  candidates: readonly number[],
  objectives: number,
  random: Random,
): Choice | null => {
  const first = candidates[random.integer(candidates.length)];
  const second = candidates[random.integer(candidates.length)];
  if (first === undefined || second === undefined) return null;
  const parent = beats(history, second, first, objectives) ? second : first;
  return { parent, why: "copies a winner, after a loss", explores: true };
};

/** How many of `n` are the best, and as many the worst. Source: Syne Tune's `pbt.py`. */
const quantileOf = (n: number, quantile: number): number =>
  Math.min(Math.ceil(n * quantile), Math.floor(n / 2));
