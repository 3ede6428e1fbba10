import type { Random } from "../../numerics/random.ts";
import { coordinateOf, coordinateOfNumber, indexOf, numberAt } from "../../space/axis.ts";
import { snap } from "../../space/cube.ts";
import { priorQuantile } from "../../space/prior.ts";
import { project } from "../../space/project.ts";
import { repair } from "../../space/repair.ts";
import { isNumeric, type Parameter, type Space } from "../../space/space.ts";
import type { Settings } from "./options.ts";

/** Settings next to those of a parent. Source: Jaderberg et al. 2017, with the constants of Syne Tune and Katib. */

const LESS = 0.8;
const MORE = 1.2;
/** Draws until one is allowed. */
const TRIES = 10;

/** @returns an allowed point; the parent's own where constraints leave nothing near it. */
export const perturbed = (
  space: Space,
  parent: Float64Array,
  { resample, keep }: Pick<Settings, "resample" | "keep">,
  random: Random,
): Float64Array => {
  for (let tries = 0; tries < TRIES; tries++) {
    const x = snap(
      space,
      space.parameters.map((parameter) => {
        const u = parent[parameter.index]!;
        if (keep.includes(parameter.name)) return u;
        // One that comes to be active has no value to begin from.
        if (Number.isNaN(u) || random.uniform() < resample) return priorQuantile(parameter, random.uniform());
        return nextTo(parameter, u, random.uniform() < 0.5);
      }),
    );
    const allowed = project(space, x, random) ?? repair(space, x, random);
    if (allowed !== null && keeps(space, allowed, parent, keep)) return allowed;
  }
  return parent;
};

/** Whether what a child takes over unchanged is what its parent has. */
export const keeps = (
  { byName }: Space,
  x: Float64Array,
  parent: Float64Array,
  keep: readonly string[],
): boolean => keep.every((name) => Object.is(x[byName.get(name)!.index], parent[byName.get(name)!.index]));

/** The coordinate of a smaller or a larger value; that of the same one at a bound, and for a categorical parameter. */
const nextTo = (parameter: Parameter, u: number, isLess: boolean): number => {
  if (parameter.kind === "categorical" || parameter.size === 1) return u;
  const scaled = isNumeric(parameter) ? scaledBy(parameter, u, isLess ? LESS : MORE) : u;
  if (parameter.size === Infinity) return scaled;
  const k = indexOf(parameter, u);
  const next = indexOf(parameter, scaled);
  const moved = next === k ? k + (isLess ? -1 : 1) : next;
  return coordinateOf(parameter, Math.min(parameter.size - 1, Math.max(0, moved)));
};

/** In the parameter's own unit, whatever its scale, and within its bounds. */
const scaledBy = (parameter: Extract<Parameter, { kind: "float" | "int" }>, u: number, factor: number) =>
  coordinateOfNumber(
    parameter,
    Math.min(parameter.high, Math.max(parameter.low, numberAt(parameter, u) * factor)),
  );
