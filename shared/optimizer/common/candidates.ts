import type { Random } from "../../numerics/random.ts";
import { coordinateOf, indexOf } from "../../space/axis.ts";
import { snap } from "../../space/cube.ts";
import { project } from "../../space/project.ts";
import { sampleCube, samplePrior } from "../../space/sample.ts";
import type { Parameter, Space } from "../../space/space.ts";

/** Points that an algorithm with a model of the objective evaluates before it proposes one. */

/** A parameter of more values than this moves as if it were continuous and is snapped afterwards. */
const NEARLY_CONTINUOUS = 16;

export const isSmooth = (parameter: Parameter): boolean =>
  parameter.kind !== "categorical" && parameter.size > NEARLY_CONTINUOUS;

/**
 * Points drawn over the whole space: half uniformly over the cube, half from the priors. Those that break a constraint are
 * moved to where it holds.
 */
export const globalCandidates = (space: Space, count: number, random: Random): Float64Array[] => {
  const points: Float64Array[] = [];
  for (let i = 0; i < count; i++) {
    const x =
      i % 2 === 0
        ? snap(
            space,
            space.parameters.map(() => random.uniform()),
          )
        : samplePrior(space, random);
    const point = project(space, x, random, "anywhere");
    if (point !== null) points.push(point);
  }
  // If the rules of the space refuse most points, a few allowed ones are constructed one by one.
  for (let i = points.length; i < Math.min(count, 32); i++) points.push(sampleCube(space, random));
  return points;
};

/**
 * Neighbours of some points: a few coordinates each moved by a step whose size is drawn on a logarithmic scale, and others as
 * far as constraints make it necessary.
 */
export const localCandidates = (
  space: Space,
  centres: readonly Float64Array[],
  count: number,
  largest: number,
  random: Random,
): Float64Array[] => {
  const points: Float64Array[] = [];
  const d = space.parameters.length;
  for (let i = 0; i < count; i++) {
    const centre = centres[i % centres.length]!;
    const share = Math.max(1 / d, Math.min(1, [0.15, 0.4, 1][i % 3]!));
    const size = largest * 10 ** (-2 * random.uniform());
    const forced = random.integer(d);
    const x = centre.map((u, j) =>
      j === forced || random.uniform() < share ? moved(space.parameters[j]!, u, size, random) : u,
    );
    const point = project(space, snap(space, x), random);
    if (point !== null) points.push(point);
  }
  return points;
};

/** A coordinate after a step; of a finite parameter always another value. */
const moved = (parameter: Parameter, u: number, size: number, random: Random): number => {
  if (Number.isNaN(u)) return random.uniform();
  if (parameter.size === 1) return u;
  if (parameter.kind === "categorical") {
    const other = (indexOf(parameter, u) + 1 + random.integer(parameter.size - 1)) % parameter.size;
    return coordinateOf(parameter, other);
  }
  const step = size * random.normal();
  const next = reflect(u + step);
  if (parameter.size === Infinity || indexOf(parameter, next) !== indexOf(parameter, u)) return next;
  const k = indexOf(parameter, u) + (step < 0 ? -1 : 1);
  return coordinateOf(parameter, k < 0 ? 1 : k >= parameter.size ? parameter.size - 2 : k);
};

const reflect = (u: number): number => {
  const v = Math.abs(u) % 2;
  return v > 1 ? 2 - v : v;
};

/**
 * Every point that differs from x in the value of one parameter that does not move smoothly, and in others as far as
 * constraints make it necessary.
 */
export const neighbours = (space: Space, x: Float64Array, random: Random): Float64Array[] => {
  const points: Float64Array[] = [];
  for (const parameter of space.parameters) {
    const u = x[parameter.index]!;
    if (Number.isNaN(u) || parameter.size === 1 || isSmooth(parameter)) continue;
    const k = indexOf(parameter, u);
    const others =
      parameter.kind === "categorical"
        ? Array.from({ length: parameter.size }, (_, i) => i).filter((i) => i !== k)
        : [k - 1, k + 1].filter((i) => i >= 0 && i < parameter.size);
    for (const other of others) {
      const changed = Float64Array.from(x);
      changed[parameter.index] = coordinateOf(parameter, other);
      const point = project(space, snap(space, changed), random, "nearest", parameter.index);
      if (point !== null) points.push(point);
    }
  }
  return points;
};
