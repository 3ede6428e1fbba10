import { removeFirings } from "../../store/firing.ts";
import {
  changeSweep,
  noteSweep,
  removeSweep,
  type SweepItem,
  type SweepNote,
  unlistSweep,
} from "../../store/sweep.ts";
import { uncountSweep } from "../../store/team.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { followUp } from "../core/follow-up.ts";
import { SETTLED_MS } from "../studies/delete.ts";
import { sweepOf } from "./find.ts";

/** Firings that are deleted at once. */
const PASS = 500;

/**
 * Deletes a sweep: marks it, and from then on it is not there and nothing fires. Its schedule goes at once, what is left when nobody
 * is about to write for it any more. The studies of its firings stay.
 * @throws NotFound
 */
export const deleteSweep = async (
  deps: ServiceDeps,
  team: string,
  id: string,
  write: WriteContext,
): Promise<void> => {
  await commit(deps, write, async () => {
    const sweep = await sweepOf(deps, team, id);
    return {
      changes: [
        changeSweep(sweep, { state: "deleting" }),
        unlistSweep(sweep),
        noteSweep(sweep, deps.clock()),
        uncountSweep(team),
      ],
      answer: null,
    };
  });
  await followUp(deps, id, () => deps.schedules.remove(id));
};

/**
 * Deletes what is left of a sweep; each pass can be repeated. A request that began before the mark may still make its schedule, so that is
 * removed once more when such requests have ended. What leads here goes last.
 */
export const continueSweepDeletion = async (
  { store, schedules, clock }: ServiceDeps,
  { sweep }: Pick<SweepItem, "sweep">,
  { at }: SweepNote,
): Promise<void> => {
  await schedules.remove(sweep);
  if (clock() < at + SETTLED_MS) return;
  while (!(await removeFirings(store, sweep, PASS)));
  await store.transact(removeSweep(sweep));
};
