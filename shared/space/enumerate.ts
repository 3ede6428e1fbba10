import { isActive } from "./activity.ts";
import { coordinateOf, indexOf, numberAt } from "./axis.ts";
import { isAllowed, isForbidden } from "./constraints.ts";
import { isNumeric, type Parameter, type Space } from "./space.ts";

/**
 * Enumerates all configurations of a few values per parameter, in a fixed order, without holding them in memory:
 * conditions decide which parameters a configuration has, and what constraints and forbidden combinations refuse is
 * skipped, whole branches at a time.
 */

/** The values of one parameter that a walk visits, by their coordinates. */
export interface Axis {
  readonly size: number;
  /** The coordinate visited at position j. */
  at(j: number): number;
  /** The position of a coordinate, -1 when the walk never visits it. */
  positionOf(u: number): number;
}

/** Points that a walk leaves out: n rows of coordinates. */
export interface Tried {
  readonly n: number;
  readonly x: Float64Array;
}

/** Values visited before a walk gives up on a space whose constraints allow almost nothing: about a second. */
const MAX_STEPS = 2_000_000;

/** All values of a finite parameter, in their order. */
export const everyValue = (parameter: Parameter): Axis => ({
  size: parameter.size,
  at: (j) => coordinateOf(parameter, j),
  positionOf: (u) => indexOf(parameter, u),
});

/**
 * The first `count` allowed points of the walk that are not among those tried.
 * @param axes one per parameter.
 * @returns fewer when there are no more, or when `maxSteps` values were visited.
 */
export const enumerate = (
  space: Space,
  axes: readonly Axis[],
  tried: Tried,
  count: number,
  maxSteps = MAX_STEPS,
): Float64Array[] => {
  const d = space.parameters.length;
  const found: Float64Array[] = [];
  const x = new Float64Array(d).fill(Number.NaN);
  const isImpossible = pruning(space);
  let steps = 0;

  /** Visits what begins with the coordinates set so far; `rows` are the tried points that begin so too. */
  const visit = (k: number, rows: readonly number[]): void => {
    if (k === d) {
      if (rows.length === 0 && isAllowed(space, x)) found.push(x.slice());
      return;
    }
    const parameter = space.parameters[k]!;
    x[k] = Number.NaN;
    if (!isActive(space, parameter, x)) {
      visit(
        k + 1,
        rows.filter((row) => Number.isNaN(tried.x[row * d + k]!)),
      );
      return;
    }
    const axis = axes[k]!;
    const byPosition = new Map<number, number[]>();
    for (const row of rows) {
      const u = tried.x[row * d + k]!;
      const position = Number.isNaN(u) ? -1 : axis.positionOf(u);
      const bucket = byPosition.get(position);
      if (bucket === undefined) byPosition.set(position, [row]);
      else bucket.push(row);
    }
    for (let j = 0; j < axis.size && found.length < count && steps < maxSteps; j++) {
      steps++;
      x[k] = axis.at(j);
      if (!isImpossible(k, x)) visit(k + 1, byPosition.get(j) ?? []);
    }
    x[k] = Number.NaN;
  };

  visit(
    0,
    Array.from({ length: tried.n }, (_, row) => row),
  );
  return found;
};

/** Whether no completion of the first k + 1 coordinates can be allowed, by the rules that parameter k is part of. */
const pruning = (space: Space): ((k: number, x: Float64Array) => boolean) => {
  const combinations = space.parameters.map(({ index }) =>
    space.forbidden.filter((terms) => Math.max(...terms.map((term) => term.parameter)) === index),
  );
  const constraints = space.parameters.map(({ index }) =>
    space.constraints.filter(({ terms }) => terms.some(({ parameter }) => parameter === index)),
  );
  /** The least and the greatest value that a term can still add; a conditional one may add 0. */
  const reach = (index: number, coefficient: number): [number, number] => {
    const parameter = space.parameters[index]!;
    if (!isNumeric(parameter)) return [0, 0];
    const ends = [coefficient * parameter.low, coefficient * parameter.high];
    if (parameter.conditions.length > 0) ends.push(0);
    return [Math.min(...ends), Math.max(...ends)];
  };
  return (k, x) => {
    if (combinations[k]!.some((terms) => isForbidden(space, terms, x))) return true;
    return constraints[k]!.some(({ terms, min, max }) => {
      let least = 0;
      let most = 0;
      let size = 0;
      for (const { parameter, coefficient } of terms) {
        const known = space.parameters[parameter]!;
        const u = x[parameter]!;
        const value = !isNumeric(known) || Number.isNaN(u) ? 0 : coefficient * numberAt(known, u);
        const [low, high] = parameter <= k ? [value, value] : reach(parameter, coefficient);
        least += low;
        most += high;
        size += Math.max(Math.abs(low), Math.abs(high));
      }
      return least > max + 1e-9 * size || most < min - 1e-9 * size;
    });
  };
};
