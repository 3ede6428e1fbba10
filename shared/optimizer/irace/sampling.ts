import { createRandom, type Random } from "../../numerics/random.ts";
import { isAllowed } from "../../space/constraints.ts";
import { repair } from "../../space/repair.ts";
import { samplePrior } from "../../space/sample.ts";
import type { Space } from "../../space/space.ts";
import type { SeededProblem } from "../algorithm.ts";
import type { Fresh } from "../common/fresh.ts";
import { sobolPointOf } from "../common/initial-design.ts";
import { drawAround, isNear, type Model, type Stage, widened } from "./model.ts";

/** The new configurations of a race: a function of the study's seed, the race and its elites, whoever asks. */

/** A configuration that new ones are drawn around, best first among them. */
export interface Elite {
  readonly number: number;
  readonly x: Float64Array;
  readonly model: Model;
}

/** A new configuration of a race. */
export interface Sample {
  readonly x: Float64Array;
  /** The model it was drawn from. */
  readonly model: Model;
}

/** Draws until one is allowed and new; then the prior is tried as often. */
const TRIES = 50;

/**
 * The first race: points of a Sobol sequence, spread over the priors.
 * @param begun the points of those that have begun, of which the client may have chosen the first ones.
 */
export const firstSamples = (
  problem: SeededProblem,
  begun: readonly Float64Array[],
  count: number,
  model: Model,
  fresh: Fresh,
): Sample[] => {
  const samples: Sample[] = [];
  for (let k = 0; k < count; k++) {
    const x = begun[k] ?? sobolPointOf(problem, k, fresh);
    if (x === null) break;
    fresh.take(x);
    samples.push({ x, model });
  }
  return samples;
};

/** A later race: draws around its elites. Fewer than wanted only when the space holds almost nothing new. */
export const laterSamples = (
  { space, seed }: SeededProblem,
  elites: readonly Elite[],
  stage: Stage,
  fresh: Fresh,
): Sample[] => {
  const streamOf = (k: number) => createRandom(seed, stage.iteration, k);
  const tried = Array.from({ length: stage.count }, (_, k) => {
    const random = streamOf(k);
    const elite = chosenElite(elites, random);
    return { elite, x: drawAround(space, elite.x, elite.model, random) };
  });
  const crowded = crowdedElites(space, elites, tried);
  const models = new Map(
    elites.map(({ number, model }) => [number, crowded.has(number) ? widened(model, stage) : model]),
  );
  const samples: Sample[] = [];
  for (let k = 0; k < stage.count; k++) {
    const random = streamOf(k);
    const elite = chosenElite(elites, random);
    const model = models.get(elite.number) ?? elite.model;
    const x = newPoint(space, () => drawAround(space, elite.x, model, random), random, fresh);
    if (x === null) break;
    fresh.take(x);
    samples.push({ x, model });
  }
  return samples;
};

/** The best of r elites is chosen r times as often as the worst. */
const chosenElite = (elites: readonly Elite[], random: Random): Elite => {
  const r = elites.length;
  let left = random.uniform() * ((r * (r + 1)) / 2);
  for (const [i, elite] of elites.entries()) {
    left -= r - i;
    if (left < 0) return elite;
  }
  return elites[r - 1]!;
};

/** The elites around which almost the same configuration was drawn twice, or almost themselves. */
const crowdedElites = (
  space: Space,
  elites: readonly Elite[],
  tried: readonly { readonly elite: Elite; readonly x: Float64Array }[],
): Set<number> => {
  const crowded = new Set<number>();
  for (const [k, { elite, x }] of tried.entries()) {
    for (const other of elites) {
      if (isNear(space, x, other.x)) crowded.add(elite.number).add(other.number);
    }
    for (let before = 0; before < k; before++) {
      const other = tried[before]!;
      if (isNear(space, x, other.x)) crowded.add(elite.number).add(other.elite.number);
    }
  }
  return crowded;
};

const newPoint = (space: Space, draw: () => Float64Array, random: Random, fresh: Fresh) => {
  for (let i = 0; i < 2 * TRIES; i++) {
    const x = i < TRIES ? draw() : samplePrior(space, random);
    const point = isAllowed(space, x) ? x : repair(space, x, random);
    if (point !== null && fresh.accepts(point)) return point;
  }
  return null;
};
