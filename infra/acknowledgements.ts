import { type CfnElement, type Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import { AUDITS, CHECKPOINTS, SECRETS } from "../shared/deployment.ts";
import type { ComputeStack } from "./compute-stack.ts";
import type { Config } from "./config.ts";
import type { CoreStack } from "./core-stack.ts";
import { LABEL } from "./machines/parts.ts";
import type { Names } from "./names.ts";
import { permissions, type Thing } from "./permissions.ts";
import { oneStudy } from "./teams/one-study.ts";
import { teamRoleId } from "./teams/team-account.ts";

/**
 * The findings of cdk-nag that we accept, each with its reason. An acknowledgement applies to one construct, so the same
 * finding elsewhere still fails the synthesis.
 */

export const acknowledgeCore = (core: CoreStack, names: Names, { teams }: Pick<Config, "teams">): void => {
  acknowledge(
    core,
    "Bucket",
    "S1",
    "Access logs would need a second bucket; CloudTrail data events contain the same information.",
  );
  acknowledge(
    core,
    "HttpApi/Route-health",
    "APIG4",
    "A route without an authorizer: it only says that the API is running.",
  );
  acknowledge(
    core,
    "HttpApi/Route-none",
    "APIG4",
    "Requests that match no route: the handler answers 404, and without an authorizer's context 401.",
  );
  acknowledgeLambdas(core, names);
  acknowledgeMachines(core, names);
  acknowledgeSessions(core, ["sessions", ...teams.map(({ team }) => teamRoleId(team))]);
};

export const acknowledgeCompute = (
  compute: ComputeStack,
  { jobPolicies, dataBuckets }: Pick<Config, "jobPolicies" | "dataBuckets">,
): void => {
  for (const arn of jobPolicies.filter(isOfAws)) {
    acknowledge(
      compute,
      "Trial/JobRole",
      `IAM4[Policy::${arn}]`,
      "Whoever deploys has chosen this policy for jobs: context jobPolicies.",
    );
  }
  for (const bucket of dataBuckets) {
    acknowledge(
      compute,
      "Trial/JobRole",
      `IAM5[Resource::arn:<AWS::Partition>:s3:::${bucket}/*]`,
      "Jobs may read this bucket, which whoever deploys has named: context dataBuckets.",
    );
  }
  const execution = "Trial/ExecutionRole";
  acknowledge(
    compute,
    execution,
    "IAM5[Resource::*]",
    "ecr:GetAuthorizationToken supports no resource ARNs.",
  );
  acknowledge(
    compute,
    execution,
    "IAM5[Resource::arn:<AWS::Partition>:ecr:*:*:repository/*]",
    "Teams bring their own images; the role may only pull, and the api checks image names against the allowed prefixes.",
  );
  for (const secrets of [`secretsmanager:${here}:secret:`, `ssm:${here}:parameter/`]) {
    acknowledge(
      compute,
      execution,
      `IAM5[Resource::arn:<AWS::Partition>:${secrets}${SECRETS}*]`,
      "Teams keep what their jobs need below this prefix; the api registers a study's definition only with names of its own team.",
    );
  }
  acknowledge(
    compute,
    "InstanceRole",
    "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]",
    "What the ECS agent needs changes with its version; AWS keeps this policy up to date, and Batch's guide asks for it.",
  );
};

const isOfAws = (arn: string): boolean => arn.split(":")[4] === "aws";

const here = "<AWS::Region>:<AWS::AccountId>";

const executionsOf = (machine: string) => `arn:<AWS::Partition>:states:${here}:execution:${machine}:*`;

/** Why the ARN of a thing has a wildcard; things of `permissions.ts` that are not listed here have none. */
const wildcards = (
  names: Names,
  bucket: string,
): Partial<Record<Thing, { readonly arns: readonly string[]; readonly reason: string }>> => {
  return {
    anything: {
      arns: ["*"],
      reason: "These actions support no resource ARNs; permissions.ts lists them.",
    },
    jobs: {
      arns: [`arn:<AWS::Partition>:batch:${here}:job/*`],
      reason: "Batch assigns random ids to jobs when they are submitted.",
    },
    jobDefinitions: {
      arns: [`arn:<AWS::Partition>:batch:${here}:job-definition/${names.jobDefinitionPrefix}*`],
      reason: "Each batch study has its own definition with this prefix.",
    },
    schedules: {
      arns: [`arn:<AWS::Partition>:scheduler:${here}:schedule/${names.scheduleGroup}/*`],
      reason: "Each sweep has its own schedule in this group.",
    },
    checkpoints: {
      arns: [`<${bucket}.Arn>/${CHECKPOINTS}*`],
      reason: "Each checkpoint is an object of its own under this prefix.",
    },
    exports: {
      arns: [`<${bucket}.Arn>/${AUDITS}*`],
      reason: "Each export of an audit trail is an object of its own under this prefix.",
    },
    runs: {
      arns: [names.brackets, names.folds, names.generations].map(executionsOf),
      reason: "Executions of this one state machine, which are named after their study.",
    },
    innerRuns: {
      arns: [executionsOf(names.halving), executionsOf(names.fold)],
      reason: "Executions of this one state machine, which are named after their study and bracket or fold.",
    },
  };
};

const bucketIdOf = (core: CoreStack): string =>
  core.getLogicalId(at(core, "Bucket/Bucket").node.defaultChild as CfnElement);

const acknowledgeLambdas = (core: CoreStack, names: Names): void => {
  const known = wildcards(names, bucketIdOf(core));
  for (const [lambda, grants] of Object.entries(permissions)) {
    for (const thing of new Set(grants.flatMap(({ on }) => on))) {
      const wildcard = known[thing];
      for (const arn of wildcard?.arns ?? []) {
        acknowledge(core, `${lambda}/Role`, `IAM5[Resource::${arn}]`, wildcard?.reason ?? "");
      }
    }
  }
};

/** @param constructs that have a role whose sessions are tagged with one study. */
const acknowledgeSessions = (core: CoreStack, constructs: readonly string[]): void => {
  const api = core.getLogicalId(at(core, "HttpApi/Api").node.defaultChild as CfnElement);
  const scopes = {
    stageArn: `arn:<AWS::Partition>:execute-api:${here}:<${api}>/$default`,
    bucketArn: `<${bucketIdOf(core)}.Arn>`,
    local: false,
  };
  const resources = oneStudy(scopes).flatMap((statement) => statement.resources);
  for (const resource of resources.filter((each) => each.includes("*"))) {
    for (const construct of constructs) {
      acknowledge(
        core,
        `${construct}/Role`,
        `IAM5[Resource::${resource.replace(/\$\{([^}]+)\}/g, "<$1>")}]`,
        "Everything of the one study that the session's tags name.",
      );
    }
  }
};

/** The machine that each machine starts executions of. */
const childOf = (names: Names) => ({
  Brackets: names.halving,
  Halving: names.halving,
  Folds: names.fold,
  Fold: names.brackets,
  Generations: names.generations,
});

const acknowledgeMachines = (core: CoreStack, names: Names): void => {
  for (const [machine, child] of Object.entries(childOf(names))) {
    acknowledge(
      core,
      `${machine}/Role`,
      "IAM5[Resource::*]",
      "Logging and tracing of the state machine need actions of log delivery and X-Ray that support no resource ARNs.",
    );
    acknowledge(
      core,
      `${machine}/Role`,
      `IAM5[Resource::${executionsOf(child)}]`,
      "Executions of brackets, of their parts and of folds, which are named when they start.",
    );
  }
  for (const [machine, name] of [
    ["Halving", names.halving],
    ["Generations", names.generations],
  ]) {
    acknowledge(
      core,
      `${machine}/Role`,
      `IAM5[Resource::${executionsOf(`${name}/${LABEL}`)}]`,
      "A Distributed Map may only be redriven with its parts, which AWS gives random names.",
    );
  }
};

/** @param path of the construct below the stack. @throws when it does not exist: then the acknowledgement is obsolete. */
const acknowledge = (stack: Stack, path: string, rule: string, reason: string): void => {
  Validations.of(at(stack, path)).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
};

const at = (stack: Stack, path: string): IConstruct =>
  path.split("/").reduce<IConstruct>((above, id) => above.node.findChild(id), stack);
