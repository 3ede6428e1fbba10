import { deleteTeam as remove } from "../../shared/service/studies/delete-team.ts";
import type { Handler } from "./handler.ts";

export const deleteTeam: Handler<"deleteTeam"> = async ({ team, body, write }, deps) => {
  await remove(deps, team, body.confirm, write);
  return { body: null };
};
