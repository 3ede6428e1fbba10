import * as z from "zod";
import { createRandom, type Random } from "../../numerics/random.ts";
import { snap } from "../../space/cube.ts";
import { project } from "../../space/project.ts";
import { repair } from "../../space/repair.ts";
import { isNumeric, type Space } from "../../space/space.ts";
import { type Algorithm, answer, type Draft, type History, type OptionsOf, TrialKind } from "../algorithm.ts";
import { createFresh, type Fresh } from "../common/fresh.ts";
import { initialDesign } from "../common/initial-design.ts";
import { pointOf } from "../common/rows.ts";
import { agreementOf } from "./agreement.ts";
import { acceptsBy, type Lengths, METHODS, type Method, nextPoint } from "./step.ts";
import { checkedRow, gradientOf, type Trace, tracesOf } from "./trace.ts";

const DEFAULTS = { method: "lbfgs", rate: 0.05, most: 0.25, check: 0 } as const;
/** Starts at once by default: as many as run in parallel, at most so many. */
const MOST_STARTS = 8;

const options = {
  method: z.enum(METHODS).optional().meta({
    description:
      "How a step follows from the gradients so far; `lbfgs` by default. `rprop` looks at signs only, `adam` and `rmsprop` bear noise.",
  }),
  rate: z.number().min(1e-4).max(0.5).optional().meta({
    description:
      "As a part of each axis: the learning rate of `adam` and `rmsprop`, or the first step of the others; 0.05 by default.",
  }),
  maxStep: z.number().min(1e-3).max(1).optional().meta({
    description: "The furthest that a step moves any parameter, as a part of its axis; 0.25 by default.",
  }),
  starts: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({
      description: `Starts that go on at once; as many as run in parallel by default, at most ${MOST_STARTS}.`,
    }),
  check: z.int().min(0).max(10).optional().meta({
    description:
      "Trials next to the first one that only check its gradient by differences of results; none by default.",
  }),
};

/** A check moves by this much along a random direction. */
const NEARBY = 0.01;
/** A step that moves no parameter further than this is none. */
const CONVERGED = 1e-7;
/** From so many differences on, of which gradients explain less than this part, trials say so. */
const ENOUGH = 3;
const DOUBTFUL = 0.5;

/**
 * Gradient descent on told gradients (card 5 of the methods; Bengio 2000, Maclaurin et al. 2015, Pedregosa 2016): every trial is a step
 * from another one and names it, so that its program may go on from that one's checkpoint. Optimiser states are replayed from the
 * trials. Steps are taken in the unit cube, where scales are straight, and projected onto what the space allows; choices stay what
 * their start has. A start that has come to its end, or tells no gradient, is followed by another one.
 * Cost of an ask: O(n * d).
 */
export const gradient: Algorithm<typeof options> = {
  name: "gradient",
  revision: 3,
  options,
  gradients: "follows",
  propose: (problem, history, count) => {
    const { space, seed, firstNumber, budget, options: given } = problem;
    const { method = DEFAULTS.method, check = DEFAULTS.check } = given;
    const { rate = DEFAULTS.rate, maxStep: most = DEFAULTS.most } = given;
    const { starts = Math.min(MOST_STARTS, budget.parallel) } = given;
    const random = createRandom(seed, firstNumber, 0x67726164);
    const search: Search = { space, history, fresh: createFresh(space, history), random };
    const traces = tracesOf(history, acceptsBy(method, history), check);
    const open = traces.filter(({ state }) => state !== "ended").length;
    const missing = traces.length < starts ? starts - open : 0;
    const doubt = doubtOf(history);
    const newStarts = (wanted: number): Draft[] => {
      const design = { algorithm: "gradient", startsInMiddle: true, why: `start${doubt}` };
      const number = firstNumber + search.fresh.taken.length;
      const drafts = initialDesign({ ...problem, firstNumber: number }, history, wanted, design);
      return drafts.filter(({ x }) => search.fresh.accepts(x));
    };
    const drafts: Draft[] = [];
    const take = (next: Iterable<Draft>) => {
      for (const draft of next) {
        if (drafts.length >= count) return;
        search.fresh.take(draft.x);
        drafts.push(draft);
      }
    };
    take(checksOf(search, check));
    take(newStarts(Math.min(missing, count - drafts.length)));
    take(stepsOf(search, traces, method, { rate, most }, doubt));
    take(newStarts(count - drafts.length));
    return answer(drafts);
  },
};

/** The numbers of the trials that a step goes on from, or may go on from next. */
export const openTips = (
  history: History,
  { method = DEFAULTS.method, check = DEFAULTS.check }: OptionsOf<typeof options>,
): ReadonlySet<number> => {
  const open = tracesOf(history, acceptsBy(method, history), check).filter(({ state }) => state !== "ended");
  const begun = Array.from(history.parent ?? []).filter((_, row) => history.kind[row] === TrialKind.running);
  return new Set([...open.map(({ path }) => history.number[path.at(-1)!]!), ...begun]);
};

interface Search {
  readonly space: Space;
  readonly history: History;
  readonly fresh: Fresh;
  readonly random: Random;
}

/** The next step of each start that waits for one, that of the best first. */
function* stepsOf(
  search: Search,
  traces: readonly Trace[],
  method: Method,
  lengths: Lengths,
  doubt: string,
): Generator<Draft> {
  const { space, history, fresh } = search;
  const m = history.y.length / history.n;
  const reached = ({ path }: Trace) => history.y[path.at(-1)! * m]!;
  const ready = traces.filter(({ state }) => state === "ready").sort((a, b) => reached(a) - reached(b));
  for (const trace of ready) {
    const tip = trace.path.at(-1)!;
    const x = allowed(search, nextPoint(history, trace, method, lengths));
    const before = pointOf(history, tip, space.parameters.length);
    if (x === null || !hasMoved(before, x) || !fresh.accepts(x)) continue;
    const which = trace.refused.length > 0 ? "shorter step" : `step ${trace.path.length}`;
    yield {
      x,
      algorithm: "gradient",
      why: `${which} along the gradient${doubt}`,
      parent: history.number[tip]!,
    };
  }
}

const hasMoved = (before: Float64Array, after: Float64Array): boolean =>
  after.some((u, j) => Number.isNaN(u) !== Number.isNaN(before[j]!) || Math.abs(u - before[j]!) > CONVERGED);

/** The allowed point next to a point; null where there is none. */
const allowed = ({ space, random }: Search, x: Float64Array): Float64Array | null => {
  const snapped = snap(space, x);
  return project(space, snapped, random) ?? repair(space, snapped, random);
};

/** Trials next to the one whose gradient is checked, as many as are missing. */
function* checksOf(search: Search, wanted: number): Generator<Draft> {
  const { space, history, fresh, random } = search;
  const row = wanted > 0 ? checkedRow(history) : -1;
  if (row < 0) return;
  const number = history.number[row]!;
  const done = Array.from(history.parent ?? []).filter((parent) => parent === number).length;
  const x = pointOf(history, row, space.parameters.length);
  const slopes = gradientOf(history, row);
  for (let missing = wanted - done; missing > 0; missing--) {
    // Inwards where a bound is near, and only along what has a derivative.
    const moved = x.map((u, j) => {
      const isFixed = slopes[j] === 0 || !isNumeric(space.parameters[j]!);
      const sign = u > 1 - NEARBY ? -1 : u < NEARBY ? 1 : random.uniform() < 0.5 ? -1 : 1;
      return isFixed ? u : u + sign * NEARBY * (0.5 + random.uniform());
    });
    const next = allowed(search, moved);
    if (next === null || !fresh.accepts(next)) continue;
    yield { x: next, algorithm: "gradient", why: "check of a gradient by a difference", parent: number };
  }
}

/** What trials say when results contradict the gradients. */
const doubtOf = (history: History): string => {
  const { differences, explained } = agreementOf(history);
  if (differences < ENOUGH || explained >= DOUBTFUL) return "";
  const part = Math.max(0, Math.round(100 * explained));
  return `; told gradients explain only ${part}% of ${differences} differences between results`;
};
