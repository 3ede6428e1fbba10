import { NotFound } from "../../errors.ts";
import { findSweep, type SweepItem } from "../../store/sweep.ts";
import type { ServiceDeps } from "../core/deps.ts";

/** @throws NotFound also for a sweep of another team, and one that is being deleted. */
export const sweepOf = async (
  { store }: Pick<ServiceDeps, "store">,
  team: string,
  id: string,
): Promise<SweepItem> => {
  const sweep = await findSweep(store, id);
  if (sweep?.team !== team || sweep.state === "deleting") throw new NotFound({ kind: "no-sweep", sweep: id });
  return sweep;
};
