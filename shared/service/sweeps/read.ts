import type { PageQuery } from "../../schemas/study.ts";
import type { FiringPage, Sweep, SweepPage } from "../../schemas/sweep.ts";
import { readFirings } from "../../store/firing.ts";
import { FIRING_PLACE, firingPlace, LISTING_PLACE } from "../../store/keys.ts";
import { findSweep, readSweepListings, type SweepItem } from "../../store/sweep.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { sweepOf } from "./find.ts";
import { describeFiring, lastFiring, toSummary, toSweep } from "./view.ts";

/** Each entry of a page is read by itself. */
const PAGE = 50;

/** A sweep with its last firing. @throws NotFound */
export const readSweep = async (deps: ServiceDeps, team: string, id: string): Promise<Sweep> => {
  const sweep = await sweepOf(deps, team, id);
  return toSweep(sweep, await lastFiring(deps, sweep), deps.clock());
};

/**
 * A page of the team's sweeps, the newest first.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const listSweeps = async (
  deps: ServiceDeps,
  team: string,
  { cursor, limit = PAGE }: PageQuery,
): Promise<SweepPage> => {
  const cursors = cursorsOf(`sweeps of ${team}`, LISTING_PLACE);
  const most = Math.min(limit, PAGE);
  const listings = await readSweepListings(deps.store, team, cursors.read(cursor) ?? "", most);
  const found = await Promise.all(listings.map(({ sweep }) => findSweep(deps.store, sweep)));
  const there = found.filter((sweep): sweep is SweepItem => sweep !== null && sweep.state !== "deleting");
  const now = deps.clock();
  const sweeps = there.map(async (sweep) => toSummary(sweep, await lastFiring(deps, sweep), now));
  const last = listings.at(-1);
  return {
    sweeps: await Promise.all(sweeps),
    cursor: listings.length < most || last === undefined ? null : cursors.write(last.place),
  };
};

/**
 * A page of a sweep's firings with what their studies have come to, the newest first.
 * @throws NotFound; InvalidInput for a cursor that is not one of this list.
 */
export const listFirings = async (
  deps: ServiceDeps,
  team: string,
  id: string,
  { cursor, limit = PAGE }: PageQuery,
): Promise<FiringPage> => {
  await sweepOf(deps, team, id);
  const cursors = cursorsOf(`firings of ${team} ${id}`, FIRING_PLACE);
  const most = Math.min(limit, PAGE);
  const items = await readFirings(deps.store, id, cursors.read(cursor) ?? "", most);
  const last = items.at(-1);
  return {
    firings: await Promise.all(items.map((item) => describeFiring(deps, team, item))),
    cursor:
      items.length < most || last === undefined
        ? null
        : cursors.write(firingPlace(last.scheduled, last.manual)),
  };
};
