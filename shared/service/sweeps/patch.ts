import type { PatchSweepBody, Sweep } from "../../schemas/sweep.ts";
import { changeSweep, noteSweep, type SweepItem, type SweepPatch } from "../../store/sweep.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { followUp } from "../core/follow-up.ts";
import { attend } from "./attend.ts";
import { checkSweep } from "./check.ts";
import { sweepOf } from "./find.ts";
import { lastFiring, toSweep } from "./view.ts";

/**
 * Changes a sweep, pauses or resumes it. From then on nothing is created of what an earlier schedule still delivers.
 * @throws NotFound, InvalidInput naming the field.
 */
export const patchSweep = async (
  deps: ServiceDeps,
  team: string,
  id: string,
  body: PatchSweepBody,
  write: WriteContext,
): Promise<Sweep> => {
  const sweep = await commit(deps, write, async () => {
    const item = await sweepOf(deps, team, id);
    const now = deps.clock();
    const patch = patchOf(item, body, now);
    const next: SweepItem = { ...item, ...patch };
    await checkSweep(deps, next, {
      schedule: body.schedule !== undefined,
      // Without warm start it may do no more than before.
      template: body.template !== undefined || (body.warmStart ?? null) !== null,
    });
    return {
      changes: [changeSweep(item, patch), noteSweep(item, now)],
      answer: toSweep(next, await lastFiring(deps, item), now),
    };
  });
  await followUp(deps, id, () => attend(deps, id));
  return sweep;
};

const patchOf = (item: SweepItem, body: PatchSweepBody, now: number): SweepPatch => {
  const { name, schedule, overlap, template, warmStart, keep, state } = body;
  const isRescheduled = schedule !== undefined || (state !== undefined && state !== item.state);
  return {
    ...(name !== undefined && { name }),
    ...(schedule !== undefined && { schedule }),
    ...(overlap !== undefined && { overlap }),
    ...(template !== undefined && { template }),
    ...(warmStart !== undefined && { warmStart: warmStart?.last ?? 0 }),
    ...(keep !== undefined && { keep: keep ?? 0 }),
    ...(state !== undefined && { state }),
    ...(isRescheduled && { revision: item.revision + 1, since: now, synced: false }),
  };
};
