import { readAudit as read, exportAudit as write } from "../../shared/service/access/audit.ts";
import type { Handler } from "./handler.ts";

export const listAudit: Handler<"listAudit"> = async ({ team, query }, deps) => ({
  body: await read(deps, team, query),
});

export const exportAudit: Handler<"exportAudit"> = async ({ team, body }, deps) => ({
  body: await write(deps, team, body),
});
