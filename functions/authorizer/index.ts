import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { Unavailable } from "../../shared/errors.ts";
import { authenticate, type LookupDeps } from "../../shared/service/access/authenticate.ts";
import { lookupDeps } from "../deps.ts";
import { logError, logInfo } from "../log.ts";
import type { Handed } from "../middleware/caller.ts";
import { type Scope, scopeOf } from "./scope.ts";

/**
 * The authorizer Lambda (REQUEST, payload format 1.0): it turns a bearer token into a policy. A request with an invalid
 * credential is passed to the handler without rights, because only the handler can reply with a reason; see
 * `docs/decisions/0001-refusals-in-the-handler.md`. An internal error is a Deny, never an exception.
 */
export const createAuthorizer =
  (deps: () => LookupDeps) =>
  async (event: APIGatewayRequestAuthorizerEvent): Promise<APIGatewayAuthorizerResult> => {
    try {
      const began = performance.now();
      const scope = scopeOf(event);
      const caller = await identify(deps(), event, scope);
      logInfo("authorize", { kind: caller.kind, ms: Math.round(performance.now() - began) });
      return allow(caller, resourcesOf(caller, scope));
    } catch (error) {
      logError("authorizer error", error);
      return policy("Deny", ["*"], "nobody", {});
    }
  };

const identify = async (
  deps: LookupDeps,
  { headers }: APIGatewayRequestAuthorizerEvent,
  { target }: Scope,
): Promise<Handed> => {
  try {
    return await authenticate(deps, headers?.authorization ?? headers?.Authorization, target);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    logError("token lookup", error);
    return { kind: "unavailable" };
  }
};

/** What the caller may invoke: all paths that its credential is valid for, not only the requested one. */
const resourcesOf = (caller: Handed, { stage, method, target }: Scope): string[] => {
  switch (caller.kind) {
    case "token": {
      const own = `${stage}/*/v1/teams/${caller.team}/*`;
      // Another team's path, or a malformed one, is passed to the handler, which answers 404.
      return target.team === caller.team ? [own] : [own, method];
    }
    case "bootstrap":
    case "trial": {
      const trial = `${stage}/*/v1/teams/${caller.team}/studies/${caller.study}/trials/${caller.trial}`;
      // Reading the trial, too: the handler refuses it with a reason.
      return [trial, `${trial}/*`];
    }
    case "refused":
    case "unavailable":
      return [`${stage}/*/v1/teams/*`];
  }
};

const allow = (caller: Handed, resources: readonly string[]): APIGatewayAuthorizerResult =>
  policy("Allow", resources, principalOf(caller), { caller: JSON.stringify(caller) });

const principalOf = (caller: Handed): string => {
  if (caller.kind === "token") return caller.id;
  return "study" in caller ? `${caller.study}/${caller.trial}/${caller.attempt}` : "nobody";
};

const policy = (
  effect: "Allow" | "Deny",
  resources: readonly string[],
  principalId: string,
  context: Record<string, string>,
): APIGatewayAuthorizerResult => ({
  principalId,
  policyDocument: {
    Version: "2012-10-17",
    Statement: [{ Action: "execute-api:Invoke", Effect: effect, Resource: [...resources] }],
  },
  context,
});

export const handler = createAuthorizer(lookupDeps);
