import type { APIGatewayRequestAuthorizerEvent } from "aws-lambda";
import { ID, TEAM_ITSELF } from "../../shared/patterns.ts";
import type { PathTarget } from "../../shared/service/access/authenticate.ts";

/** The parts of a request that its credential is checked against. */
export interface Scope {
  /** ARN of the API's stage; a policy adds method and path. */
  readonly stage: string;
  /** ARN of the request's method and path. */
  readonly method: string;
  readonly target: PathTarget;
}

const TARGET = new RegExp(
  `^/v1/teams/(?<team>${ID})(?:/studies/(?<study>${ID})(?:/trials/(?<trial>\\d{1,9})(?=/|$))?)?(?=/|$)`,
);

/** Reads the method's ARN (`arn:...:<api>/<stage>/<method>/<path>`) and the path. */
export const scopeOf = ({
  methodArn,
  path,
}: Pick<APIGatewayRequestAuthorizerEvent, "methodArn" | "path">): Scope => {
  const [api = "", stage = ""] = methodArn.split("/");
  const { team, study, trial } = TARGET.exec(path)?.groups ?? {};
  return {
    stage: `${api}/${stage}`,
    // A path must not bring wildcards into the policy.
    method: methodArn.replace(/[*?]/g, ""),
    target: {
      team: team ?? null,
      study: study ?? null,
      trial: trial === undefined ? null : Number(trial),
      closes: methodArn.split("/")[2] === "DELETE" && path === `/v1/teams/${team}${TEAM_ITSELF}`,
    },
  };
};
