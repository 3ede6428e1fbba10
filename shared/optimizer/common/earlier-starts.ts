import { createRandom } from "../../numerics/random.ts";
import { snap } from "../../space/cube.ts";
import { project } from "../../space/project.ts";
import type { Space } from "../../space/space.ts";
import {
  type Algorithm,
  answer,
  type Draft,
  type EarlierResults,
  type History,
  type OptionSchemas,
  TrialKind,
} from "../algorithm.ts";
import { createFresh } from "./fresh.ts";
import { middleOf } from "./initial-design.ts";
import { isSamePoint } from "./nearness.ts";

/** Some of the first trials of a study that names earlier ones: the best distinct configurations of these. */

/** At most so many trials. Of 1 to 5, see `bench/transfer`. */
export const STARTS = 3;
/** Starts differ by more than this part of the axis in some number, or in a choice. */
const APART = 0.1;

/** Whether an algorithm can learn anything from earlier studies: those that look at no results, continue trials or race cannot. */
export const usesEarlier = ({ ignoresResults, continues, races }: Algorithm): boolean =>
  !ignoresResults && !continues && !races;

/**
 * The best configurations of earlier studies, taken from each in turn, without those near another one. What an earlier study
 * does not know gets the middle of its prior.
 * @returns at most `STARTS` snapped and allowed points.
 */
export const earlierStarts = (space: Space, earlier: readonly EarlierResults[]): Float64Array[] => {
  const d = space.parameters.length;
  const middle = middleOf(space);
  const starts: Float64Array[] = [];
  const most = earlier.reduce((rows, { n }) => Math.max(rows, n), 0);
  for (let row = 0; row < most; row++) {
    for (const { n, x } of earlier) {
      if (starts.length === STARTS) return starts;
      if (row >= n) continue;
      const given = x.slice(row * d, (row + 1) * d).map((u, j) => (Number.isNaN(u) ? middle[j]! : u));
      const point = project(space, snap(space, given), createRandom(row));
      if (point !== null && starts.every((other) => isApart(space, point, other))) starts.push(point);
    }
  }
  return starts;
};

const isApart = ({ parameters }: Space, a: Float64Array, b: Float64Array): boolean =>
  parameters.some(({ index, kind }) => {
    const [u, v] = [a[index]!, b[index]!];
    if (Number.isNaN(u) || Number.isNaN(v)) return Number.isNaN(u) !== Number.isNaN(v);
    return kind === "categorical" ? u !== v : Math.abs(u - v) > APART;
  });

/**
 * An algorithm whose every second trial is a start, as long as there are starts and they lead; trials that nobody has tried only.
 * What lies between is its own, so that starts of an unrelated study cost one trial: by then they have fallen behind.
 */
export const startingFromEarlier = <Schemas extends OptionSchemas>(
  algorithm: Algorithm<Schemas>,
): Algorithm<Schemas> => ({
  ...algorithm,
  propose: (problem, history, count, random) => {
    const { earlier = [], firstNumber } = problem;
    const isOver = earlier.length === 0 || firstNumber >= 2 * STARTS;
    if (isOver || !usesEarlier(algorithm as unknown as Algorithm))
      return algorithm.propose(problem, history, count, random);
    const fresh = createFresh(problem.space, history);
    const starts = earlierStarts(problem.space, earlier);
    const untried = starts.filter((x) => fresh.accepts(x));
    const drafts = doLead(starts, history, problem.objectives)
      ? draftsOf(untried, { firstNumber, count, algorithm: algorithm.name })
      : Array<null>(count).fill(null);
    const first = drafts.filter((draft) => draft !== null);
    if (first.length === count) return answer(first);
    // Its own trials follow one another, as if there were no starts: its design begins with its first point.
    const tried = Math.min(firstNumber, starts.length - untried.length);
    const own = algorithm.propose(
      { ...problem, firstNumber: firstNumber - tried },
      history,
      count - first.length,
      random,
    );
    return { ...own, proposals: merged(drafts, own.proposals) };
  },
});

/** Per trial to propose, its start, or null where the algorithm itself proposes. */
const draftsOf = (
  untried: readonly Float64Array[],
  { firstNumber, count, algorithm }: Turn,
): (Draft | null)[] => {
  const left = [...untried];
  return Array.from({ length: count }, (_, i) => {
    const number = firstNumber + i;
    const x = number % 2 === 0 && number < 2 * STARTS ? left.shift() : undefined;
    return x === undefined ? null : { x, algorithm, why: "among the best of earlier studies" };
  });
};

interface Turn {
  readonly firstNumber: number;
  readonly count: number;
  readonly algorithm: string;
}

/** Whether the best trial is a start, as far as is known; with several objectives nobody falls behind. */
const doLead = (starts: readonly Float64Array[], { n, x, y, kind }: History, objectives: number): boolean => {
  if (objectives > 1) return true;
  const best = { start: Number.NaN, other: Number.NaN };
  for (let row = 0; row < n; row++) {
    if (kind[row] === TrialKind.running) continue;
    const cost = kind[row] === TrialKind.failed ? Number.POSITIVE_INFINITY : y[row]!;
    const d = x.length / n;
    const group = starts.some((start) => isSamePoint(start, 0, x, row * d, d)) ? "start" : "other";
    if (!(best[group] <= cost)) best[group] = cost;
  }
  return !(best.start > best.other);
};

/** The drafts, with the algorithm's own proposals where there is none. */
const merged = (drafts: readonly (Draft | null)[], own: readonly Draft[]): Draft[] => {
  const left = [...own];
  return drafts.flatMap((draft) => draft ?? left.shift() ?? []);
};
