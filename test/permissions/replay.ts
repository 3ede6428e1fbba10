import type { CallNote, Need, Note } from "../support/recorder/note.ts";
import { ACCOUNT, type Deployment, type Document, type Role } from "./deployment.ts";
import { judge } from "./judge.ts";
import { type Act, actsOfServices, entriesOfServices } from "./services.ts";

/** Context by the ARNs of resources. */
type Contexts = ReadonlyMap<string, NonNullable<Need["context"]>>;

/** The tags of the jobs that were submitted or shown, by their ARNs, as IAM knows them. A reply that was lost names no job. */
export const tagsOfJobs = (notes: readonly Note[]): Contexts => {
  const calls = notes.filter((note) => note.kind === "call");
  const submitted = calls
    .flatMap(({ needs }) => needs ?? [])
    .filter(({ action, resource }) => action === "batch:SubmitJob" && resource.includes(":job/"))
    .map(({ resource, context = {} }) => [resource, asResourceTags(context, "aws:RequestTag/")] as const);
  const shown = calls
    .flatMap(({ tags = {} }) => Object.entries(tags))
    .map(([resource, tags]) => [resource, asResourceTags(tags)] as const);
  return new Map([...submitted, ...shown]);
};

/** Tags as IAM names them once a resource has them. @param prefix that they have now: none as the resource's own service shows them. */
export const asResourceTags = (
  tags: NonNullable<Need["context"]>,
  prefix: "aws:RequestTag/" | "" = "",
): NonNullable<Need["context"]> =>
  Object.fromEntries(
    Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key.slice(prefix.length)}`, value]),
  );

/**
 * Everything that Lambdas did, without duplicates.
 * @param tags of the resources that have some.
 */
export const actsOfLambdas = (
  deployment: Deployment,
  notes: readonly Note[],
  tags: Contexts = new Map(),
): Act[] => {
  const seen = new Map<string, Act>();
  for (const note of notes) {
    if (note.kind !== "call" || note.lambda === null) continue;
    for (const need of note.needs ?? []) {
      const context = { ...need.context, ...tags.get(need.resource) };
      seen.set(`${note.lambda} ${keyOf(need)}`, {
        role: deployment.role(note.lambda),
        need: { ...need, context },
      });
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
    const fault = await judge({
      principal: role.arn,
      need,
      identityPolicies: role.policies,
      resourcePolicy: resources.get(need.resource),
    });
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
    const resourcePolicy = resources.get(need.resource);
    const fault = await judge({ principal: service, need, identityPolicies: [], resourcePolicy, context });
    if (fault !== null) faults.push(`${service}: ${keyOf(need)}: ${fault}`);
  }
  return faults;
};

/** A role of sessions that people and programs use, no Lambda and no service: `one-study.test.ts` evaluates what it may. */
const SESSIONS = "sessions";

/** Grants of roles that are never used: `role action resource`. */
export const unused = (deployment: Deployment, acts: readonly Act[]): string[] => {
  const all = [...acts, ...actsOfServices(deployment)];
  const roles = deployment.roles.filter(({ name }) => name !== SESSIONS);
  return roles.flatMap((role) => {
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
