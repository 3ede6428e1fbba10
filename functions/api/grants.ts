import {
  createGrant as create,
  listGrants as list,
  deleteGrant as remove,
} from "../../shared/service/access/grants.ts";
import { whoIs } from "../middleware/caller.ts";
import type { Handler } from "./handler.ts";

export const createGrant: Handler<"createGrant"> = async ({ team, body, caller, write }, deps) => {
  const grant = await create(deps, team, body, whoIs(caller).id, write);
  return { body: grant, location: grant.grant };
};

export const listGrants: Handler<"listGrants"> = async ({ team, query }, deps) => ({
  body: await list(deps, team, query),
});

export const deleteGrant: Handler<"deleteGrant"> = async ({ team, grant, write }, deps) => {
  await remove(deps, team, grant, write);
  return { body: null };
};
