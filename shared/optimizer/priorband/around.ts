import {
  truncatedNormalCdf,
  truncatedNormalDensity,
  truncatedNormalQuantile,
} from "../../numerics/normal.ts";
import type { Random } from "../../numerics/random.ts";
import { coordinateOf, indexOf, snapCoordinate } from "../../space/axis.ts";
import { snap } from "../../space/cube.ts";
import { priorDensity, priorQuantile } from "../../space/prior.ts";
import { project } from "../../space/project.ts";
import { repair } from "../../space/repair.ts";
import type { Parameter, Space } from "../../space/space.ts";

/** The distribution around the incumbent. */

/** How likely each parameter is to be drawn anew. */
const CHANGED = 0.5;
/** The standard deviation of numbers and ordinals, on the cube's axis. */
const SD = 0.25;
/** A choice that is drawn anew is the incumbent's so many times as likely as each other one. */
const WEIGHT = 2;

/**
 * A point around the incumbent: about half of its parameters are drawn anew. What it has no value of comes from the prior.
 * @returns null when nothing allowed is near.
 */
export const drawAround = (space: Space, incumbent: Float64Array, random: Random): Float64Array | null => {
  const x = space.parameters.map((parameter) => {
    const u = incumbent[parameter.index]!;
    if (Number.isNaN(u)) return priorQuantile(parameter, random.uniform());
    return random.uniform() < CHANGED ? changed(parameter, u, random) : u;
  });
  const point = snap(space, x);
  return project(space, point, random) ?? repair(space, point, random);
};

const changed = (parameter: Parameter, u: number, random: Random): number => {
  if (parameter.kind !== "categorical") {
    return snapCoordinate(parameter, truncatedNormalQuantile(random.uniform(), u, SD, 0, 1));
  }
  const k = random.integer(parameter.size + WEIGHT - 1);
  return k < parameter.size ? coordinateOf(parameter, k) : u;
};

/**
 * The logarithms of two densities at a point, on the cube: around the incumbent, of parameters that are drawn anew, and of the prior.
 * A parameter that the point does not have counts in neither.
 */
export const logDensities = (
  space: Space,
  incumbent: Float64Array,
  x: Float64Array,
): { readonly around: number; readonly prior: number } => {
  let around = 0;
  let prior = 0;
  for (const parameter of space.parameters) {
    const u = x[parameter.index]!;
    if (Number.isNaN(u) || parameter.size === 1) continue;
    const believed = priorDensity(parameter, u);
    const centre = incumbent[parameter.index]!;
    prior += Math.log(believed);
    around += Math.log(Number.isNaN(centre) ? believed : densityAround(parameter, centre, u));
  }
  return { around, prior };
};

const densityAround = (parameter: Parameter, centre: number, u: number): number => {
  const { kind, size } = parameter;
  if (kind === "categorical") {
    const weight = indexOf(parameter, u) === indexOf(parameter, centre) ? WEIGHT : 1;
    return (size * weight) / (size + WEIGHT - 1);
  }
  if (kind !== "ordinal") return truncatedNormalDensity(u, centre, SD, 0, 1);
  const k = indexOf(parameter, u);
  const below = (edge: number) => truncatedNormalCdf(edge / size, centre, SD, 0, 1);
  return size * (below(k + 1) - below(k));
};
