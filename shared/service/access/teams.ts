import { Conflict } from "../../errors.ts";
import { ConditionFailed } from "../../store/store.ts";
import { newTeam } from "../../store/team.ts";
import type { ServiceDeps } from "../core/deps.ts";

/**
 * Creates a team. Only `hone admin` does: there is no route for it.
 * @throws Conflict when it exists.
 */
export const createTeam = async (deps: Pick<ServiceDeps, "store" | "clock">, team: string): Promise<void> => {
  try {
    await deps.store.transact([newTeam(team, deps.clock())]);
  } catch (error) {
    if (error instanceof ConditionFailed) throw new Conflict(`The team ${team} exists already.`);
    throw error;
  }
};
