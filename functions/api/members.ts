import {
  listMembers as list,
  putMember as put,
  deleteMember as remove,
} from "../../shared/service/access/members.ts";
import { whoIs } from "../middleware/caller.ts";
import type { Handler } from "./handler.ts";

export const putMember: Handler<"putMember"> = async ({ team, body, caller, write }, deps) => ({
  body: await put(deps, team, body, whoIs(caller).id, write),
  location: body.name,
});

export const listMembers: Handler<"listMembers"> = async ({ team, query }, deps) => ({
  body: await list(deps, team, query),
});

export const deleteMember: Handler<"deleteMember"> = async ({ team, member, write }, deps) => {
  await remove(deps, team, member, write);
  return { body: null };
};
