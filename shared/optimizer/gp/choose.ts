import type { Random } from "../../numerics/random.ts";
import type { Space } from "../../space/space.ts";
import { globalCandidates, localCandidates, neighbours } from "../common/candidates.ts";
import type { Fresh } from "../common/fresh.ts";
import type { Acquisition, Pool } from "./acquisition.ts";
import { climb } from "./climb.ts";

/** How far a climb may go from its start when the search is local, as a part of each axis. */
const BOX = 0.15;
/** Largest step of a local candidate, in standard deviations along an axis. */
const REACH = 0.3;
/** Candidates looked at (half as many in a large model), the part near the best trials, and those looked at closely. */
const CANDIDATES = 640;
const NEAR = 0.4;
const SHORTLIST = 48;
/** Posteriors that take part in the first look. */
const FIRST_LOOK = 2;
/** Climbs and evaluations of a climb, for the first point (in a large model) and for each further one of a batch. */
const FIRST = { climbs: 4, steps: 20 };
const LARGE = { climbs: 3, steps: 12 };
const FURTHER = { climbs: 1, steps: 8 };
/** Trials at the same moment differ by at least this in some coordinate. */
const NEAREST = 2e-3;
/** Turns of climbing and trying the neighbours. */
const ROUNDS = 3;

/** A way to find one point after the other where the acquisition is high. */
export interface Search {
  /**
   * The next new point, which the acquisition then takes as running; null when every one found was tried before.
   * Candidates are looked at at a glance, the best of them closely, and from the best of those a climb on the smooth
   * parameters alternates with steps to neighbouring values of the others.
   */
  next(): Float64Array | null;
}

/**
 * @param centres good points to look around.
 * @param running points being tried, from which the next ones keep a little away.
 * @param isLocal look around them only.
 * @param isLarge the model is dear to ask: look at less.
 * @param isLate ends climbs early, with what has been found.
 */
export const createSearch = (
  space: Space,
  acquisition: Acquisition,
  centres: readonly Float64Array[],
  running: readonly Float64Array[],
  isLocal: boolean,
  isLarge: boolean,
  fresh: Fresh,
  isLate: () => boolean,
  random: Random,
): Search => {
  const all = isLarge ? CANDIDATES / 2 : CANDIDATES;
  const far = isLocal ? 0 : Math.round((1 - NEAR) * all);
  const glance = acquisition.pool(
    [...globalCandidates(space, far, random), ...localCandidates(space, centres, all - far, REACH, random)],
    FIRST_LOOK,
  );
  const slopeAt = (x: Float64Array, gradient: Float64Array) => acquisition.slopeAt(x, gradient);
  const promising = (count: number) => best(glance.points, acquisition.values(glance), count);
  let shortlist: Pool | null = null;
  const busy = [...running];
  return {
    next: () => {
      const { climbs, steps } = shortlist !== null ? FURTHER : isLarge ? LARGE : FIRST;
      shortlist ??= acquisition.pool(promising(SHORTLIST).map(({ x }) => x));
      const found = best(shortlist.points, acquisition.values(shortlist), SHORTLIST);
      for (const start of found.slice(0, climbs)) {
        let { x, value } = start;
        for (let round = 0; round < ROUNDS && !isLate(); round++) {
          const top = climb(space, slopeAt, x, isLocal ? BOX : 1, steps);
          const pool = acquisition.pool([top, ...neighbours(space, top)]);
          const [next] = best(pool.points, acquisition.values(pool), 1);
          if (next === undefined || !(next.value > value)) break;
          ({ x, value } = next);
          found.push(next);
          if (x === top) break;
        }
      }
      found.sort((a, b) => b.value - a.value);
      const isApart = (x: Float64Array) => busy.every((other) => !isNear(x, other));
      const isNew = ({ x }: { x: Float64Array }) => fresh.accepts(x);
      // A large batch, or one that is late, uses the shortlist up.
      const { x: chosen } = found.find((one) => isNew(one) && isApart(one.x)) ??
        found.find(isNew) ??
        promising(glance.points.length).find(isNew) ?? { x: null };
      if (chosen === null) return null;
      busy.push(chosen);
      acquisition.add(chosen, [glance, shortlist]);
      return chosen;
    },
  };
};

/** Whether two points differ by so little in every coordinate that trying both at once would be a waste. */
const isNear = (a: Float64Array, b: Float64Array): boolean =>
  a.every((u, j) => Math.abs(u - b[j]!) < NEAREST || (Number.isNaN(u) && Number.isNaN(b[j]!)));

/** The points of the highest values, highest first. */
const best = (points: readonly Float64Array[], values: Float64Array, count: number) =>
  points
    .map((x, i) => ({ x, value: values[i]! }))
    .sort((a, b) => b.value - a.value)
    .slice(0, count);
