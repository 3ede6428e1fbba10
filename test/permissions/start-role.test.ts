import { expect, test } from "vitest";
import { valueFrom } from "../../shared/executor/batch/secret-arn.ts";
import type { SecretReference } from "../../shared/schemas/secret.ts";
import { synthesizeBoth } from "../infra/synthesize.ts";
import { ACCOUNT, Deployment } from "./deployment.ts";
import { judge } from "./judge.ts";
import { refused, unused } from "./replay.ts";

/**
 * The role with which AWS Batch starts a job. No Lambda has it and the emulator does not use it, so what Batch does with it is taken
 * from Batch's guide: the log of the job, its image, and the secrets that its definition names.
 */

const { compute } = synthesizeBoth();
const deployment = new Deployment(
  compute,
  Object.fromEntries(Object.keys(compute.Resources).map((id) => [id, id])),
);
const role = deployment.role("TrialExecution");
const logGroup = Object.keys(compute.Resources).find((id) => id.startsWith("TrialLogs"));

const DEFINITION = `arn:aws:batch:us-east-1:${ACCOUNT}:job-definition/hone-trial:1`;
/** The resource that AWS's authorization looks at: without key, stage and version, and with the end that AWS added to a secret's name. */
const resourceOf = (reference: SecretReference): string => {
  const arn = valueFrom(reference, DEFINITION).split(":").slice(0, 7).join(":");
  return "parameter" in reference ? arn : `${arn}-Ab3dEf`;
};
const own = { secretsManager: "hone/acme/db", key: "password" };
const parameter = { parameter: "/hone/acme/wandb" };

const repository = `arn:aws:ecr:eu-west-1:111122223333:repository/hone/svm`;
const stream = `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:${logGroup}:log-stream:trial/default/0`;
const starts = [
  ["ecr:GetAuthorizationToken", "*"],
  ["ecr:BatchCheckLayerAvailability", repository],
  ["ecr:BatchGetImage", repository],
  ["ecr:GetDownloadUrlForLayer", repository],
  ["logs:CreateLogStream", stream],
  ["logs:PutLogEvents", stream],
  ["secretsmanager:GetSecretValue", resourceOf(own)],
  ["ssm:GetParameters", resourceOf(parameter)],
].map(([action = "", resource = ""]) => ({ role, need: { action, resource } }));

test("it may do all that starting a job takes, and has no right that this does not use", async () => {
  expect(await refused(deployment, starts)).toEqual([]);
  expect(unused(deployment, starts).filter((grant) => grant.startsWith(`${role.name} `))).toEqual([]);
});

const may = async (action: string, resource: string) =>
  (await judge({ principal: role.arn, need: { action, resource }, identityPolicies: role.policies })) ===
  null;

test("it reads secrets below Hone's prefix, and no others, and changes none", async () => {
  const outside: SecretReference[] = [
    { secretsManager: "prod/database" },
    { secretsManager: "hone" },
    { secretsManager: "honey/acme/db" },
    { secretsManager: "prod/hone/acme/db" },
    { parameter: "/prod/hone/acme/wandb" },
    { parameter: "/honey/acme" },
  ];
  for (const reference of outside) {
    const action = "parameter" in reference ? "ssm:GetParameters" : "secretsmanager:GetSecretValue";
    expect(await may(action, resourceOf(reference)), JSON.stringify(reference)).toBe(false);
  }
  expect(await may("secretsmanager:GetSecretValue", resourceOf(own).replace(ACCOUNT, "999999999999"))).toBe(
    false,
  );
  for (const action of ["PutSecretValue", "DeleteSecret", "ListSecrets", "CreateSecret"]) {
    expect(await may(`secretsmanager:${action}`, resourceOf(own)), action).toBe(false);
  }
  for (const action of ["GetParametersByPath", "PutParameter", "DeleteParameter"]) {
    expect(await may(`ssm:${action}`, resourceOf(parameter)), action).toBe(false);
  }
});

test("only tasks of ECS have it", async () => {
  const asks = (principal: string) =>
    judge({
      principal,
      need: { action: "sts:AssumeRole", resource: role.arn },
      identityPolicies: [],
      resourcePolicy: role.trust,
    });
  expect(await asks("ecs-tasks.amazonaws.com")).toBeNull();
  expect(await asks("lambda.amazonaws.com")).not.toBeNull();
  expect(await asks(`arn:aws:iam::${ACCOUNT}:role/somebody`)).not.toBeNull();
});
