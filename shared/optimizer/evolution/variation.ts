import type { Random } from "../../numerics/random.ts";
import { coordinateOf, indexOf } from "../../space/axis.ts";
import { snap } from "../../space/cube.ts";
import { priorQuantile } from "../../space/prior.ts";
import { project } from "../../space/project.ts";
import { repair } from "../../space/repair.ts";
import type { Parameter, Space } from "../../space/space.ts";

/** Children of two configurations: crossover, then mutation, by the kind of each parameter. */

/** How similar children are to their parents: distribution indices of crossover and mutation. Source: Deb et al. 2002. */
const CROSSOVER_INDEX = 15;
const MUTATION_INDEX = 20;
/** The part of the children that are crossed, and the part of their parameters. */
const CROSSED = 0.9;
const EXCHANGED = 0.5;
/** A parameter of at most so many values mutates to another value, not by a distance. */
const FEW = 16;

/**
 * A child of two points of the cube.
 * @returns an allowed, snapped point; parameters that neither parent had come from their priors.
 */
export const childOf = (
  space: Space,
  mother: Float64Array,
  father: Float64Array,
  random: Random,
): Float64Array => {
  const isCrossed = random.uniform() < CROSSED;
  const rate = 1 / Math.max(1, space.parameters.length);
  const x = Float64Array.from(space.parameters, (parameter) => {
    const a = mother[parameter.index]!;
    const b = father[parameter.index]!;
    const inherited = isCrossed ? cross(parameter, a, b, random) : a;
    const u = Number.isNaN(inherited) ? priorQuantile(parameter, random.uniform()) : inherited;
    return random.uniform() < rate ? mutate(parameter, u, random) : u;
  });
  const child = snap(space, x);
  return project(space, child, random) ?? repair(space, child, random) ?? child;
};

/** Simulated binary crossover of numbers within [0, 1] (Deb and Agrawal 1995), a choice from either parent. */
const cross = (parameter: Parameter, a: number, b: number, random: Random): number => {
  if (Number.isNaN(a)) return b;
  if (Number.isNaN(b) || random.uniform() >= EXCHANGED) return a;
  if (parameter.kind === "categorical") return b;
  const low = Math.min(a, b);
  const high = Math.max(a, b);
  if (high - low < 1e-14) return a;
  const isLow = random.uniform() < 0.5;
  // The distance from the parents to the bound nearest to the child limits the spread.
  const room = isLow ? low : 1 - high;
  const alpha = 2 - (1 + (2 * room) / (high - low)) ** -(CROSSOVER_INDEX + 1);
  const u = random.uniform();
  const power = 1 / (CROSSOVER_INDEX + 1);
  const spread = u <= 1 / alpha ? (u * alpha) ** power : (1 / (2 - u * alpha)) ** power;
  const middle = (low + high) / 2;
  const offset = (spread * (high - low)) / 2;
  return Math.min(1, Math.max(0, isLow ? middle - offset : middle + offset));
};

/** Polynomial mutation of a number (Deb and Goyal 1996); another choice; a neighbouring value of few. */
const mutate = (parameter: Parameter, u: number, random: Random): number => {
  if (parameter.size === 1) return u;
  if (parameter.size <= FEW) {
    const k = indexOf(parameter, u);
    if (parameter.kind === "categorical") {
      return coordinateOf(parameter, (k + 1 + random.integer(parameter.size - 1)) % parameter.size);
    }
    const step = random.uniform() < 0.5 ? -1 : 1;
    const next = k + step < 0 || k + step >= parameter.size ? k - step : k + step;
    return coordinateOf(parameter, next);
  }
  const r = random.uniform();
  const power = 1 / (MUTATION_INDEX + 1);
  const shift =
    r < 0.5
      ? (2 * r + (1 - 2 * r) * (1 - u) ** (MUTATION_INDEX + 1)) ** power - 1
      : 1 - (2 * (1 - r) + 2 * (r - 0.5) * u ** (MUTATION_INDEX + 1)) ** power;
  return Math.min(1, Math.max(0, u + shift));
};
