import {
  AccountPrincipal,
  type Conditions,
  PolicyStatement,
  PrincipalWithConditions,
  Role,
} from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { oneStudy, type Scopes } from "./one-study.ts";
import { withBothTags, withTheseTagsOnly } from "./session-tags.ts";
import type { TeamAccount } from "./team-account.ts";

export interface TeamRoleProps extends Scopes, TeamAccount {
  readonly rolePrefix: string;
}

/**
 * The role that the members of a team assume from an AWS account of their own, for one study at a time. What they may do in
 * that study Hone decides by its grants; which member may take which study, also the team's account, by its own policies.
 */
export class TeamRole extends Construct {
  constructor(scope: Construct, id: string, props: TeamRoleProps) {
    super(scope, id);
    const { team, account, rolePrefix } = props;
    const principal = new AccountPrincipal(account);
    const role = new Role(this, "Role", {
      roleName: `${rolePrefix}${team}`,
      description: `Hone: team ${team}, from its own account`,
      assumedBy: new PrincipalWithConditions(principal, merged(fromHome(props), withBothTags(team))),
    });
    const allow = (action: string, conditions: Conditions) =>
      role.assumeRolePolicy?.addStatements(
        new PolicyStatement({ principals: [principal], actions: [action], conditions }),
      );
    allow("sts:TagSession", withTheseTagsOnly(team));
    // Who they are in their own account stays on the session, and CloudTrail shows it.
    allow("sts:SetSourceIdentity", { StringLike: { "sts:SourceIdentity": "?*" } });
    for (const statement of oneStudy(props)) {
      statement.addConditions({ StringEquals: { "aws:PrincipalTag/team": team } });
      role.addToPolicy(statement);
    }
  }
}

/** What only the team's own account can show. */
const fromHome = ({ externalId, organisation }: TeamAccount): Conditions => ({
  StringEquals:
    externalId === undefined ? { "aws:PrincipalOrgID": organisation } : { "sts:ExternalId": externalId },
});

/** All conditions of both; they name no key twice. */
const merged = (one: Conditions, other: Conditions): Conditions =>
  Object.fromEntries(
    [...Object.keys(one), ...Object.keys(other)].map((operator) => [
      operator,
      { ...(one[operator] as object), ...(other[operator] as object) },
    ]),
  );
