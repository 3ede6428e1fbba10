import { isAudited, type Route, routes } from "../../shared/api/routes.ts";
import type { Audit } from "../../shared/store/audit.ts";
import { whoIs } from "./caller.ts";
import { changedFields } from "./changed-fields.ts";
import type { ApiEvent, Middleware } from "./event.ts";

/**
 * Notes who asks for what, for the line that `commit` writes together with the change. Every route of the table that writes passes here.
 * @param days that a line is kept.
 */
export const audit = (days: () => number): Middleware => ({
  before: ({ event }) => {
    const { route } = event.match;
    if (route === "health" || !isAudited(routes[route])) return;
    event.audit = auditOf(event, routes[route], route, days());
  },
});

const auditOf = (
  { match, caller, json, requestContext }: ApiEvent,
  route: Route,
  name: string,
  days: number,
): Audit => {
  const { team, number, ...named } = match.path;
  const targets = Object.entries(named).filter(([, id]) => id !== "");
  return {
    team,
    who: whoIs(caller),
    route: name,
    requestId: requestContext.requestId,
    address: requestContext.http.sourceIp ?? null,
    targets: [...targets.map(([kind, id]) => `${kind}/${id}`), ...(number === "" ? [] : [`trial/${number}`])],
    fields: route.body === undefined ? [] : changedFields(route.body, json),
    days,
  };
};
