import { readTeam } from "../../shared/service/access/read-team.ts";
import { deleteTeam as remove } from "../../shared/service/teams/delete.ts";
import type { Handler } from "./handler.ts";

export const getTeam: Handler<"getTeam"> = async ({ team }, deps) => ({ body: await readTeam(deps, team) });

export const deleteTeam: Handler<"deleteTeam"> = async ({ team, body, write }, deps) => {
  await remove(deps, team, body.confirm, write);
  return { body: null };
};
