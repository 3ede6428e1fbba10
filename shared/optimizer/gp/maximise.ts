import type { Random } from "../../numerics/random.ts";
import type { Space } from "../../space/space.ts";
import { globalCandidates, localCandidates, neighbours } from "../common/candidates.ts";
import type { Fresh } from "../common/fresh.ts";
import { isNear } from "../common/nearness.ts";
import type { Acquisition, Pool } from "./acquisition.ts";
import { ascend } from "./ascent.ts";
import { isWithin, type Region } from "./region.ts";

/** How far an ascent may go from its start when the search is local, as a part of each axis. */
const BOX = 0.15;
/** Largest step of a local candidate, in standard deviations along an axis. */
const REACH = 0.3;
/** Candidates of the first pass (half as many with a large model), the part near the best trials, and the shortlist. */
const CANDIDATES = 640;
const NEAR = 0.4;
const SHORTLIST = 48;
/** Posteriors that take part in the first pass. */
const FIRST_PASS = 2;
/** Restarts and evaluations of each ascent, for the first point (in a large model) and for each further one of a batch. */
const FIRST = { restarts: 4, steps: 20 };
const LARGE = { restarts: 3, steps: 12 };
const FURTHER = { restarts: 1, steps: 8 };
/** Trials at the same moment differ by at least this in some coordinate; trying both would be a waste otherwise. */
const NEAREST = 2e-3;
/** Rounds of an ascent followed by a look at the neighbours. */
const ROUNDS = 3;

/** Maximises the acquisition: finds one point after the other where it is high. */
export interface Maximiser {
  /**
   * The next new point, which the acquisition then takes as running; null when every one found was tried before.
   * All candidates are evaluated roughly and a shortlist of them exactly. Restarts begin at the best of the shortlist: an
   * ascent on the smooth parameters alternates with steps to neighbouring values of the others.
   */
  next(): Float64Array | null;
  /** The same, but the acquisition does not take it. */
  find(): Float64Array | null;
}

export interface MaximiserInput {
  readonly space: Space;
  readonly acquisition: Acquisition;
  /** Good points to search around. */
  readonly centres: readonly Float64Array[];
  /** Points being tried, from which the next ones keep a small distance; `next` adds its own, and a caller may add others. */
  readonly running: Float64Array[];
  /** Whether to search around the centres only. */
  readonly isLocal: boolean;
  /** A region that is not left; null for the whole space. */
  readonly region: Region | null;
  /** Whether evaluating the model is expensive: fewer candidates are evaluated then. */
  readonly isLarge: boolean;
  readonly fresh: Fresh;
  /** Ends ascents early, with what has been found. */
  readonly isLate: () => boolean;
  readonly random: Random;
}

export const createMaximiser = (input: MaximiserInput): Maximiser => {
  const { space, acquisition, centres, running, isLocal, region, isLarge, fresh, isLate, random } = input;
  const all = isLarge ? CANDIDATES / 2 : CANDIDATES;
  const far = isLocal || region !== null ? 0 : Math.round((1 - NEAR) * all);
  const everywhere = globalCandidates(space, far, random);
  const near = localCandidates(space, centres, all - far, region?.reach ?? REACH, random);
  const isAllowed = (x: Float64Array) => region === null || isWithin(space, region, x);
  const rough = acquisition.keptPool([...everywhere, ...near.filter(isAllowed)], FIRST_PASS);
  const box = region === null ? { reach: isLocal ? BOX : 1 } : { reach: region.reach, middle: region.centre };
  const slopeAt = (x: Float64Array, gradient: Float64Array) => acquisition.slopeAt(x, gradient);
  const promising = (count: number) => best(rough.points, acquisition.values(rough), count);
  let shortlist: Pool | null = null;
  const find = (): Float64Array | null => {
    const { restarts, steps } = shortlist !== null ? FURTHER : isLarge ? LARGE : FIRST;
    shortlist ??= acquisition.keptPool(promising(SHORTLIST).map(({ x }) => x));
    const found = best(shortlist.points, acquisition.values(shortlist), SHORTLIST);
    for (const start of found.slice(0, restarts)) {
      let { x, value } = start;
      for (let round = 0; round < ROUNDS && !isLate(); round++) {
        const top = ascend(space, slopeAt, x, box, steps, random);
        // Along constraints, and where rules move a point, an ascent may end beside the region.
        const around = [top, ...neighbours(space, top, random)].filter(isAllowed);
        if (around.length === 0) break;
        const pool = acquisition.pool(around);
        const [next] = best(pool.points, acquisition.values(pool), 1);
        if (next === undefined || !(next.value > value)) break;
        ({ x, value } = next);
        found.push(next);
        if (x === top) break;
      }
    }
    found.sort((a, b) => b.value - a.value);
    const isApart = (x: Float64Array) => running.every((other) => !isNear(x, other, NEAREST));
    const isNew = ({ x }: { x: Float64Array }) => fresh.accepts(x);
    // A large batch, or one that is late, uses the shortlist up.
    const { x: chosen } = found.find((one) => isNew(one) && isApart(one.x)) ??
      found.find(isNew) ??
      promising(rough.points.length).find(isNew) ?? { x: null };
    return chosen;
  };
  return {
    find,
    next: () => {
      const chosen = find();
      if (chosen === null) return null;
      running.push(chosen);
      acquisition.add(chosen);
      return chosen;
    },
  };
};

/** The points of the highest values, highest first. */
const best = (points: readonly Float64Array[], values: Float64Array, count: number) =>
  points
    .map((x, i) => ({ x, value: values[i]! }))
    .sort((a, b) => b.value - a.value)
    .slice(0, count);
