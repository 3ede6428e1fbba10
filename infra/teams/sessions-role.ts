import { PolicyStatement, PrincipalWithConditions, Role } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { oneStudy, type Scopes } from "./one-study.ts";
import { withBothTags, withTheseTagsOnly } from "./session-tags.ts";

export interface SessionsRoleProps extends Scopes {
  readonly roleName: string;
  /** The Lambda that makes the sessions, which alone may assume the role. */
  readonly maker: IFunction;
}

/**
 * The role of the sessions that `POST .../credentials` makes, for all teams: who has no AWS account has no role either. Each
 * session is tagged with its team and study, and has a policy that names them besides.
 */
export class SessionsRole extends Construct {
  constructor(scope: Construct, id: string, props: SessionsRoleProps) {
    super(scope, id);
    const principal = props.maker.grantPrincipal;
    const role = new Role(this, "Role", {
      roleName: props.roleName,
      description: "Hone: sessions of one study each",
      assumedBy: new PrincipalWithConditions(principal, withBothTags(null)),
    });
    role.assumeRolePolicy?.addStatements(
      new PolicyStatement({
        principals: [principal],
        actions: ["sts:TagSession"],
        conditions: withTheseTagsOnly(null),
      }),
    );
    for (const statement of oneStudy(props)) role.addToPolicy(statement);
  }
}
