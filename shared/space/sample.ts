import { InvalidInput } from "../errors.ts";
import type { Random } from "../numerics/random.ts";
import { isActive } from "./activity.ts";
import { isAllowed } from "./constraints.ts";
import { snap } from "./cube.ts";
import { enumerate, everyValue } from "./enumerate.ts";
import { priorQuantile } from "./prior.ts";
import { repair } from "./repair.ts";
import type { Space } from "./space.ts";

/** Draws that are rejected when constraints refuse them, before draws are repaired. */
const REJECTIONS = 200;
/** Draws that are repaired before a finite space is enumerated instead. */
const REPAIRS = 20;
/** Values that this walk visits before the space counts as empty. */
const WALK = 200_000;

const isFree = (space: Space) => space.constraints.length === 0 && space.forbidden.length === 0;

/**
 * The point whose coordinates lie at the given quantiles of the parameters' priors and weights. Constraints and
 * forbidden combinations are not checked.
 * @param u one quantile in [0, 1] per parameter.
 * @returns a snapped point.
 */
export const fromPriorQuantiles = (space: Space, u: ArrayLike<number>): Float64Array => {
  const x = new Float64Array(space.parameters.length).fill(Number.NaN);
  for (const parameter of space.parameters) {
    if (isActive(space, parameter, x)) x[parameter.index] = priorQuantile(parameter, u[parameter.index]!);
  }
  return x;
};

/** A draw from the priors and weights alone, as if the space had no constraints. */
export const samplePrior = (space: Space, random: Random): Float64Array =>
  fromPriorQuantiles(
    space,
    Float64Array.from(space.parameters, () => random.uniform()),
  );

/**
 * A random allowed point: drawn from the priors and weights given that it satisfies the constraints and agrees with
 * no forbidden combination. Where such points are rare (under about one draw in 100) they are found by repairing draws,
 * and the distribution is only close to the prior.
 * @throws InvalidInput when no allowed point can be found.
 */
export const sampleCube = (space: Space, random: Random): Float64Array =>
  sampleAllowed(space, random, () => samplePrior(space, random));

/**
 * A random allowed point as `sampleCube` draws it, with no regard to priors and weights: uniform on every axis of the cube.
 * @throws InvalidInput when no allowed point can be found.
 */
export const sampleUniform = (space: Space, random: Random): Float64Array =>
  sampleAllowed(space, random, () =>
    snap(
      space,
      space.parameters.map(() => random.uniform()),
    ),
  );

const sampleAllowed = (space: Space, random: Random, draw: () => Float64Array): Float64Array => {
  for (let i = 0; i < (isFree(space) ? 1 : REJECTIONS); i++) {
    const x = draw();
    if (isAllowed(space, x)) return x;
  }
  for (let i = 0; i < REPAIRS; i++) {
    const x = repair(space, draw(), random);
    if (x !== null) return x;
  }
  const axes = space.parameters.map(everyValue);
  const [first] =
    space.size === Infinity ? [] : enumerate(space, axes, { n: 0, x: new Float64Array(0) }, 1, WALK);
  if (first !== undefined) return first;
  const pointer = space.constraints.length > 0 ? "/constraints" : "/forbidden";
  throw new InvalidInput([{ pointer, fault: { kind: "nothing-allowed" } }]);
};
