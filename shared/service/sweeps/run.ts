import { NotFound } from "../../errors.ts";
import type { Firing } from "../../schemas/sweep.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { followUp } from "../core/follow-up.ts";
import { attend } from "./attend.ts";
import { sweepOf } from "./find.ts";
import { fire } from "./fire.ts";
import { toFiring } from "./view.ts";

/**
 * Fires a sweep now, whether it is paused or has ended. What an overlap comes to is the sweep's policy.
 * @returns the firing, also one that was skipped or refused.
 * @throws NotFound, RateLimited when the team creates too much just now.
 */
export const runSweep = async (
  deps: ServiceDeps,
  team: string,
  id: string,
  write: WriteContext,
): Promise<Firing> => {
  const fired = await fire(deps, write, async (attempt) => {
    const sweep = await sweepOf(deps, team, id);
    // Another one of the same millisecond has its place.
    return { sweep, due: { sweep: id, scheduled: deps.clock() + attempt - 1, manual: true } };
  });
  if (fired === null) throw new NotFound({ kind: "no-sweep", sweep: id });
  await followUp(deps, id, () => attend(deps, id));
  return toFiring(fired.firing, fired.progress);
};
