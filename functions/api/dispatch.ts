import * as z from "zod";
import { type Route, type RouteName, routes } from "../../shared/api/routes.ts";
import { authorize, authorizeStudy, authorizeTeam, mayEdit } from "../../shared/auth/authorize.ts";
import { invalid } from "../../shared/errors.ts";
import { takeRequest } from "../../shared/service/access/request-rate.ts";
import { wasAnswered } from "../../shared/service/core/commit.ts";
import type { ApiDeps } from "../../shared/service/core/deps.ts";
import { noteChange } from "../../shared/service/core/listing.ts";
import { loadStudy } from "../../shared/service/core/load.ts";
import type { ApiEvent, ApiReply } from "../middleware/event.ts";
import { validate } from "../middleware/validate.ts";
import * as audits from "./audit.ts";
import * as budget from "./budget.ts";
import * as credentials from "./credentials.ts";
import * as grants from "./grants.ts";
import type { Handlers, Reply, TextReply } from "./handler.ts";
import { withoutMachines } from "./hidden.ts";
import * as members from "./members.ts";
import { healthReply, toReply } from "./reply.ts";
import * as studies from "./studies.ts";
import * as sweeps from "./sweeps.ts";
import * as teams from "./team.ts";
import * as tokens from "./tokens.ts";
import * as trials from "./trials.ts";

const handlers: Handlers = {
  ...studies,
  ...sweeps,
  ...trials,
  ...tokens,
  ...members,
  ...grants,
  ...audits,
  ...teams,
  ...budget,
  ...credentials,
};

/** A handler whose route is not known at compile time; the type `Handlers` has checked each one against its route. */
type AnyHandler = (request: object, deps: ApiDeps) => Promise<Reply<RouteName> | TextReply>;

const Nothing = z.strictObject({});

/**
 * Checks the input against the route's schemas, loads the study that the path names, checks that the caller is allowed to do
 * this, and then calls the handler. All routes come through here, so no handler can skip a check.
 */
export const dispatch = async (event: ApiEvent, deps: ApiDeps): Promise<ApiReply> => {
  const { match, caller, json, receipt, audit } = event;
  if (match.route === "health") return healthReply;
  await takeRequest(deps, match.path.team);
  const route: Route = routes[match.route];
  const { team, token, member, grant, sweep } = match.path;
  const query = validate(route.query ?? Nothing, queryOf(event.rawQueryString));

  // A repeated deletion: the study no longer exists, so it cannot be loaded or authorized. The receipt belongs to this caller.
  if (route.method === "DELETE" && (await wasAnswered(deps, { receipt })))
    return toReply(route, { body: null }, "");

  const body = validate(route.body ?? Nothing, json);
  authorizeTeam(caller, team);
  if (match.path.study !== "") authorizeStudy(caller, match.path.study);
  const study = match.path.study === "" ? null : await loadStudy(deps, team, match.path.study);
  const number = match.path.number === "" ? null : Number(match.path.number);
  authorize(caller, route.action, {
    team: study?.team ?? team,
    ...(study !== null && { study: study.id, hasJobs: study.spec.executor.type === "batch" }),
    ...(number !== null && { trial: number }),
    ...(hasAttempt(body) && { attempt: body.attempt }),
  });

  if (study !== null && route.method !== "GET") await noteChange(deps, study.id);

  const handle = handlers[match.route] as unknown as AnyHandler;
  const write = { receipt, ...(audit !== undefined && { audit }) };
  const named = { team, study, number, token, member, grant, sweep };
  const reply = await handle({ ...named, query, body, caller, write }, deps);
  return toReply(route, mayEdit(caller) ? reply : withoutMachines(reply), event.rawPath);
};

const queryOf = (text: string): Record<string, string> => {
  const query: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(text)) {
    if (Object.hasOwn(query, name)) throw invalid(`/${name}`, { kind: "query-given-twice", name });
    query[name] = value;
  }
  return query;
};

const hasAttempt = (body: unknown): body is { attempt: number } =>
  typeof body === "object" && body !== null && "attempt" in body && typeof body.attempt === "number";
