import { NotFound } from "../../errors.ts";
import type { Team } from "../../schemas/team.ts";
import { findTeam } from "../../store/team.ts";
import { timestamp } from "../../study/view.ts";
import type { ServiceDeps } from "../core/deps.ts";

/** A team and what is counted of it. @throws NotFound when there is none. */
export const readTeam = async ({ store }: Pick<ServiceDeps, "store">, team: string): Promise<Team> => {
  const found = await findTeam(store, team);
  if (found === null) throw new NotFound({ kind: "no-team", team });
  return { team, ...found, created: timestamp(found.created) };
};
