import { Forbidden } from "../../shared/errors.ts";
import { createCredentials as create } from "../../shared/service/access/create-credentials.ts";
import type { Handler } from "./handler.ts";

export const createCredentials: Handler<"createCredentials"> = async (
  { study, body, caller, write },
  deps,
) => {
  // `authorize` lets none of the others through.
  if (!("role" in caller)) throw new Forbidden({ kind: "session-makes-none" });
  return { body: await create(deps, study, body, caller, write) };
};
