import { createRandom, type Random } from "../numerics/random.ts";
import { snap } from "../space/cube.ts";
import { type Axis, enumerate, everyValue, type Tried } from "../space/enumerate.ts";
import { sampleCube } from "../space/sample.ts";
import type { Space } from "../space/space.ts";
import type {
  Algorithm,
  AlgorithmName,
  Answer,
  History,
  Problem,
  Proposal,
  SeededProblem,
} from "./algorithm.ts";
import { createFresh, type Fresh } from "./common/fresh.ts";
import { algorithms } from "./registry.ts";

/** Draws before what is left of a finite space is looked through instead. */
const TRIES = 100;

/** How an answer says that its time was up before it was finished. */
const CUT_SHORT = "cut short for time";

/** What makes an ask quicker, or ends it in time; nothing of it is needed. */
export type Circumstances = Partial<Pick<SeededProblem, "hint" | "isLate">>;

/**
 * Asks a study's algorithm for trials: see `proposeWith`.
 * @param seed the study's.
 * @param circumstances an earlier ask's hint, and the deadline; neither by default.
 */
export const askAlgorithm = (
  problem: Problem,
  name: AlgorithmName,
  history: History,
  count: number,
  seed: number,
  firstNumber: number,
  { hint = null, isLate = () => false }: Circumstances = {},
): Answer => proposeWith(algorithms[name], { ...problem, seed, firstNumber, hint, isLate }, history, count);

/** The proposals alone, of an ask without hint and deadline. */
export const proposeTrials = (...ask: Parameters<typeof askAlgorithm>): Proposal[] =>
  askAlgorithm(...ask).proposals;

/**
 * Asks an algorithm for trials and sees to what holds for every algorithm: a proposal is allowed by the space and is
 * neither running nor tried before. What an algorithm owes beyond that is replaced by a draw from the prior, in a
 * finite space by what is left of it; only the grid ends where its points end.
 * @param history all trials that exist, running ones included.
 * Whether time ran out is said once for all algorithms.
 * @returns `count` proposals, fewer only when a finite space, or the grid, holds nothing new; the algorithm's hint.
 * @throws InvalidInput when no allowed point can be found.
 */
export const proposeWith = (
  algorithm: Algorithm,
  problem: SeededProblem,
  history: History,
  count: number,
): Answer => {
  const { space, seed, firstNumber } = problem;
  const random = createRandom(seed, firstNumber);
  const fresh = createFresh(space, history);
  const proposals: Proposal[] = [];
  let isCut = false;
  const isLate = () => {
    isCut ||= problem.isLate();
    return isCut;
  };
  const { proposals: wishes, hint } = algorithm.propose({ ...problem, isLate }, history, count, random);
  // An algorithm that knows which of a batch were cut short says so itself.
  const isSilent = isCut && !wishes.some(({ why }) => why.includes(CUT_SHORT));
  for (const proposal of wishes) {
    const x = snap(space, proposal.x);
    if (!fresh.accepts(x)) continue;
    fresh.take(x);
    const why = isSilent ? `${proposal.why}, ${CUT_SHORT}` : proposal.why;
    proposals.push({ ...proposal, x, why });
  }
  if (algorithm.name === "grid") return { proposals, hint };
  while (proposals.length < count) {
    const x = fallback(space, history, fresh, random);
    if (x === null) break;
    fresh.take(x);
    const why = isCut ? `fallback, ${CUT_SHORT}` : "fallback";
    proposals.push({ x, algorithm: algorithm.name === "auto" ? "random" : algorithm.name, why });
  }
  return { proposals, hint };
};

/** A point that is allowed and new; null when there is none. */
const fallback = (space: Space, history: History, fresh: Fresh, random: Random): Float64Array | null => {
  for (let i = 0; i < TRIES; i++) {
    const x = sampleCube(space, random);
    if (fresh.accepts(x)) return x;
  }
  // What is left may be rare: go through all branches, with a few random values of what is continuous.
  const axes = space.parameters.map((parameter) =>
    parameter.size === Infinity ? randomValues(random) : everyValue(parameter),
  );
  return enumerate(space, axes, withTaken(history, space.parameters.length, fresh.taken), 1)[0] ?? null;
};

/** An axis of a few values that were hardly tried before. */
const randomValues = (random: Random): Axis => {
  const values = Array.from({ length: 8 }, () => random.uniform());
  return { size: values.length, at: (j) => values[j]!, positionOf: () => -1 };
};

/** The points of a history and those taken since, by rows. */
const withTaken = (history: History, d: number, taken: readonly Float64Array[]): Tried => {
  const n = history.n + taken.length;
  const x = new Float64Array(n * d);
  x.set(history.x.subarray(0, history.n * d));
  for (const [i, point] of taken.entries()) x.set(point, (history.n + i) * d);
  return { n, x };
};
