import { type Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import type { ComputeStack } from "./compute-stack.ts";
import type { CoreStack } from "./core-stack.ts";
import type { Names } from "./names.ts";
import { permissions, type Thing } from "./permissions.ts";

/**
 * Every finding of cdk-nag that stays, with its reason. They are tied to the construct they were found at, so that the
 * same finding elsewhere fails the synthesis again.
 */

export const acknowledgeCore = (core: CoreStack, names: Names): void => {
  acknowledge(
    core,
    "Bucket",
    "S1",
    "Access logs would need a second bucket; CloudTrail data events say the same.",
  );
  acknowledge(
    core,
    "HttpApi/Route-health",
    "APIG4",
    "The one open route: it says that the API is up, nothing else.",
  );
  acknowledgeLambdas(core, names);
  acknowledge(
    core,
    "Halving/Role",
    "IAM5[Resource::*]",
    "Log delivery and X-Ray, which the state machine needs to be logged and traced, know no resources.",
  );
};

export const acknowledgeCompute = (compute: ComputeStack): void => {
  const execution = "Trial/ExecutionRole";
  acknowledge(compute, execution, "IAM5[Resource::*]", "ecr:GetAuthorizationToken knows no resource.");
  acknowledge(
    compute,
    execution,
    "IAM5[Resource::arn:<AWS::Partition>:ecr:*:*:repository/*]",
    "Teams bring their own images; the role may only pull, and the api holds names against the allowed prefixes.",
  );
  acknowledge(
    compute,
    "InstanceRole",
    "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role]",
    "What the ECS agent needs changes with the agent; AWS keeps this policy in step, as Batch's guide asks for.",
  );
};

/** Why a thing's ARN has a wildcard; those of `permissions.ts` that are missing here have none. */
const wildcards = (
  names: Names,
): Partial<Record<Thing, { readonly arn: string; readonly reason: string }>> => {
  const here = "<AWS::Region>:<AWS::AccountId>";
  return {
    anything: {
      arn: "*",
      reason: "Each of these actions knows no resource; see permissions.ts for the list.",
    },
    jobs: {
      arn: `arn:<AWS::Partition>:batch:${here}:job/*`,
      reason: "The ids of jobs are drawn by Batch when they are submitted.",
    },
    jobDefinitions: {
      arn: `arn:<AWS::Partition>:batch:${here}:job-definition/${names.jobDefinitionPrefix}*`,
      reason: "Each batch study has a definition of its own under this prefix.",
    },
    executions: {
      arn: `arn:<AWS::Partition>:states:${here}:execution:${names.halving}:*`,
      reason: "Executions of this one machine, which are named after their study.",
    },
  };
};

const acknowledgeLambdas = (core: CoreStack, names: Names): void => {
  const known = wildcards(names);
  for (const [lambda, grants] of Object.entries(permissions)) {
    for (const thing of new Set(grants.flatMap(({ on }) => on))) {
      const wildcard = known[thing];
      if (wildcard) acknowledge(core, `${lambda}/Role`, `IAM5[Resource::${wildcard.arn}]`, wildcard.reason);
    }
  }
};

/** @param path of the construct below the stack. @throws when there is none: an acknowledgement outlived its reason. */
const acknowledge = (stack: Stack, path: string, rule: string, reason: string): void => {
  const found = path.split("/").reduce<IConstruct>((at, id) => at.node.findChild(id), stack);
  Validations.of(found).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
};
