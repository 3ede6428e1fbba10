import { alarmedEvents } from "../../deployment.ts";
import { SCHEDULED_TIME } from "../../patterns.ts";
import type { FiringMessage } from "../../schemas/message.ts";
import { findSweep, listNotes } from "../../store/sweep.ts";
import { chance } from "../core/chance.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { attend } from "./attend.ts";
import { lastDue } from "./due.ts";
import { fireScheduled } from "./fire.ts";

/**
 * Sees to a firing as a schedule delivers it, twice, late or out of order: the store decides, not the message.
 * @throws what makes the firing to be delivered again.
 */
export const deliverFiring = async (
  deps: ServiceDeps,
  { sweep, revision, scheduled: named }: FiringMessage,
): Promise<void> => {
  const scheduled = await dueOf(deps, sweep, named);
  if (scheduled !== null) await fireScheduled(deps, { sweep, scheduled }, revision);
  await attend(deps, sweep);
};

/** Where nobody has put in the time, as an emulator does not, it is the last one that was due. */
const dueOf = async (
  { store, clock }: ServiceDeps,
  id: string,
  scheduled: string,
): Promise<number | null> => {
  if (scheduled !== SCHEDULED_TIME) return Date.parse(scheduled);
  const sweep = await findSweep(store, id);
  return sweep === null ? null : lastDue(sweep, clock());
};

/**
 * Does what requests and firings have left to do of any sweep. It works until its deadline and begins each time with another one, so that
 * all get their turn. A fault in one does not stop the others.
 * @param deadline milliseconds since 1970.
 */
export const attendAll = async (deps: ServiceDeps, deadline: number): Promise<void> => {
  const notes = await listNotes(deps.store);
  const first = Math.floor(chance(deps) * notes.length);
  for (const { sweep } of [...notes.slice(first), ...notes.slice(0, first)]) {
    if (deps.clock() >= deadline) return;
    try {
      await attend(deps, sweep);
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: "unknown", message: "" };
      deps.log(alarmedEvents.reconcileFailed, { sweep, error: name, message });
    }
  }
};
