import type { CreateSweepBody, Sweep } from "../../schemas/sweep.ts";
import { newSweep, noteSweep, type SweepItem } from "../../store/sweep.ts";
import { countSweep } from "../../store/team.ts";
import { creationRefusals } from "../access/creation-limits.ts";
import { commit } from "../core/commit.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { followUp } from "../core/follow-up.ts";
import { randomId } from "../studies/create.ts";
import { attend } from "./attend.ts";
import { checkSweep } from "./check.ts";
import { toSweep } from "./view.ts";

/** So much of its name is in a sweep's id that the id of a firing's study, which begins with it, is an id too. */
const MAX_NAME = 36;

/**
 * Creates a sweep. Its schedule is made when it is written; what fails of that the reconciler has done again.
 * @throws InvalidInput naming the field, RateLimited.
 */
export const createSweep = async (
  deps: ServiceDeps,
  team: string,
  body: CreateSweepBody,
  write: WriteContext,
): Promise<Sweep> => {
  const sweep = await commit(deps, write, async () => {
    const now = deps.clock();
    const item: SweepItem = {
      sweep: `${body.name.slice(0, MAX_NAME)}-${randomId(deps)}`,
      team,
      name: body.name,
      state: body.state ?? "active",
      created: now,
      rev: 1,
      schedule: body.schedule,
      overlap: body.overlap ?? "skip",
      template: body.template,
      warmStart: body.warmStart?.last ?? 0,
      keep: body.keep ?? 0,
      revision: 1,
      since: now,
      synced: false,
      current: "",
      queued: null,
      stops: [],
      count: 0,
    };
    await checkSweep(deps, item, { schedule: true, template: true });
    return {
      changes: [...newSweep(item), noteSweep({ ...item, rev: 0 }, now), ...countSweep(team, now)],
      answer: toSweep(item, null, now),
      refusals: creationRefusals(now),
    };
  });
  await followUp(deps, sweep.sweep, () => attend(deps, sweep.sweep));
  return sweep;
};
