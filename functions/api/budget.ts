import { patchBudget as patch, readBudget } from "../../shared/service/access/budget.ts";
import type { Handler } from "./handler.ts";

export const getBudget: Handler<"getBudget"> = async ({ team, query }, deps) => ({
  body: await readBudget(deps, team, query),
});

export const patchBudget: Handler<"patchBudget"> = async ({ team, body, write }, deps) => ({
  body: await patch(deps, team, body, write),
});
