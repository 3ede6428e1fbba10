import { runSimulation } from "@cloud-copilot/iam-simulate";
import type { CallNote, Need, Note } from "../support/recorder/note.ts";
import { ACCOUNT, type Deployment, type Document, type Role } from "./deployment.ts";
import { type Act, actsOfServices, entriesOfServices } from "./services.ts";

/** Everything that Lambdas did, without duplicates. */
export const actsOfLambdas = (deployment: Deployment, notes: readonly Note[]): Act[] => {
  const seen = new Map<string, Act>();
  for (const note of notes) {
    if (note.kind !== "call" || note.lambda === null) continue;
    for (const need of note.needs ?? []) {
      seen.set(`${note.lambda} ${keyOf(need)}`, { role: deployment.role(note.lambda), need });
    }
  }
  return [...seen.values()];
};

/** Calls of Lambdas that cannot be checked: they are not signed, or their needs are unknown. */
export const unreadable = (notes: readonly Note[]): string[] => {
  const calls = notes.filter((note): note is CallNote => note.kind === "call");
  return [
    ...new Set(
      calls
        .filter(({ lambda, needs }) => lambda === null || needs === null)
        .map(({ lambda, operation }) => `${lambda ?? "somebody"} ${operation}`),
    ),
  ];
};

/** One sentence for each action that the policies of the stack do not allow. */
export const refused = async (deployment: Deployment, acts: readonly Act[]): Promise<string[]> => {
  const resources = resourcePolicies(deployment);
  const faults: string[] = [];
  for (const { role, need } of acts) {
    const fault = await judge(role.arn, need, role.policies, resources.get(need.resource));
    if (fault !== null) faults.push(`${role.name}: ${keyOf(need)}: ${fault}`);
  }
  return faults;
};

/** Like `refused`, for what services do as themselves, by the policies of the resources. */
export const refusedEntries = async (deployment: Deployment): Promise<string[]> => {
  const resources = resourcePolicies(deployment);
  const faults: string[] = [];
  for (const { service, need, source } of entriesOfServices(deployment)) {
    const context = { "aws:SourceArn": source, "aws:SourceAccount": ACCOUNT };
    const fault = await judge(service, need, [], resources.get(need.resource), context);
    if (fault !== null) faults.push(`${service}: ${keyOf(need)}: ${fault}`);
  }
  return faults;
};

/** Grants of roles that are never used: `role action resource`. */
export const unused = (deployment: Deployment, acts: readonly Act[]): string[] => {
  const all = [...acts, ...actsOfServices(deployment)];
  return deployment.roles.flatMap((role) => {
    const done = all.filter((act) => act.role === role).map(({ need }) => need);
    return grantsOf(role)
      .filter(
        (grant) =>
          !done.some((need) => need.action === grant.action && matches(grant.resource, need.resource)),
      )
      .map((grant) => `${role.name} ${keyOf(grant)}`);
  });
};

const keyOf = ({ action, resource }: Need): string => `${action} ${resource}`;

/** Every action of a role with every resource of its grant. */
const grantsOf = ({ policies }: Role): Need[] =>
  policies
    .flatMap(({ Statement }) => Statement)
    .flatMap(({ Action, Resource = [] }) =>
      [Action].flat().flatMap((action) => [Resource].flat().map((resource) => ({ action, resource }))),
    );

const matches = (pattern: string, resource: string): boolean => {
  const parts = pattern.split("*").map((part) => part.replace(/[.+^${}()|[\]\\?]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(resource);
};

interface Permission {
  readonly FunctionName: string;
  readonly Action: string;
  readonly Principal: string;
  readonly SourceArn: string;
}
interface QueuePolicy {
  readonly Queues: readonly string[];
  readonly PolicyDocument: Document;
}

/** Resource policies by ARN: of Lambdas and queues, and the trust policies of roles. */
const resourcePolicies = (deployment: Deployment): Map<string, Document> => {
  const policies = new Map<string, Document>();
  const add = (arn: string, { Statement }: Document) =>
    policies.set(arn, policyOf([...(policies.get(arn)?.Statement ?? []), ...Statement]));
  for (const [, permission] of deployment.ofType<Permission>("AWS::Lambda::Permission")) {
    const { FunctionName: arn, Action, Principal, SourceArn } = permission;
    const Condition = { ArnLike: { "aws:SourceArn": SourceArn } };
    add(
      arn,
      policyOf([{ Effect: "Allow", Principal: { Service: Principal }, Action, Resource: arn, Condition }]),
    );
  }
  for (const [, { PolicyDocument }] of deployment.ofType<QueuePolicy>("AWS::SQS::QueuePolicy")) {
    for (const arn of new Set(PolicyDocument.Statement.flatMap(({ Resource = [] }) => Resource))) {
      add(arn, PolicyDocument);
    }
  }
  for (const { arn, trust } of deployment.roles) add(arn, trust);
  return policies;
};

const policyOf = (Statement: Document["Statement"]): Document & { readonly Version: string } => ({
  Version: "2012-10-17",
  Statement,
});

/** @returns null when it is allowed, otherwise the reason. */
const judge = async (
  principal: string,
  { action, resource, context: own = {} }: Need,
  identityPolicies: readonly Document[],
  resourcePolicy: Document | undefined,
  context: Readonly<Record<string, string>> = {},
): Promise<string | null> => {
  const result = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource, accountId: ACCOUNT },
        contextVariables: { "aws:SecureTransport": "true", ...own, ...context },
      },
      identityPolicies: identityPolicies.map((policy, i) => ({ name: `policy ${i}`, policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy && { resourcePolicy }),
    },
    {},
  );
  if (result.resultType === "error") return JSON.stringify(result.errors);
  return result.overallResult === "Allowed" ? null : result.overallResult;
};
