import { createRandom } from "../../numerics/random.ts";
import { snap } from "../../space/cube.ts";
import { project } from "../../space/project.ts";
import type { Space } from "../../space/space.ts";
import { type Algorithm, answer, type Draft, type EarlierResults, type OptionSchemas } from "../algorithm.ts";
import { createFresh } from "./fresh.ts";
import { middleOf } from "./initial-design.ts";

/** The first trials of a study that names earlier ones: the best distinct configurations of these. */

/** So many trials. Of 1 to 5, see `bench/transfer`. */
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

/** An algorithm whose trial k is the k-th start, as long as there are starts; trials that nobody has tried only. */
export const startingFromEarlier = <Schemas extends OptionSchemas>(
  algorithm: Algorithm<Schemas>,
): Algorithm<Schemas> => ({
  ...algorithm,
  propose: (problem, history, count, random) => {
    const { space, earlier = [], firstNumber } = problem;
    if (earlier.length === 0 || firstNumber >= STARTS || !usesEarlier(algorithm as unknown as Algorithm))
      return algorithm.propose(problem, history, count, random);
    const fresh = createFresh(space, history);
    for (const x of earlierStarts(space, earlier).slice(firstNumber, firstNumber + count)) {
      if (fresh.accepts(x)) fresh.take(x);
    }
    const first = fresh.taken.map(
      (x): Draft => ({ x, algorithm: algorithm.name, why: "among the best of earlier studies" }),
    );
    if (first.length === count) return answer(first);
    const left = count - first.length;
    const further = { ...problem, firstNumber: firstNumber + first.length };
    const { proposals, hint } = algorithm.propose(further, history, left, random);
    return { proposals: [...first, ...proposals], hint };
  },
});
