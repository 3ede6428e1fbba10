import {
  createToken as create,
  listTokens as list,
  deleteToken as remove,
  rotateToken as rotate,
} from "../../shared/service/access/tokens.ts";
import { whoIs } from "../middleware/caller.ts";
import type { Handler } from "./handler.ts";

export const createToken: Handler<"createToken"> = async ({ team, body, caller, write }, deps) => ({
  body: await create(deps, team, body, whoIs(caller).id, write),
});

export const rotateToken: Handler<"rotateToken"> = async ({ team, token, body, write }, deps) => ({
  body: await rotate(deps, team, token, body, write),
});

export const listTokens: Handler<"listTokens"> = async ({ team, query }, deps) => ({
  body: await list(deps, team, query),
});

export const deleteToken: Handler<"deleteToken"> = async ({ team, token, write }, deps) => {
  await remove(deps, team, token, write);
  return { body: null };
};
