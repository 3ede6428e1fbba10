import type { SecretReference } from "../../schemas/secret.ts";

/**
 * How a job definition names a secret. The ARN of one in Secrets Manager goes on with key, stage and version, each of which may be
 * empty; the six characters that AWS adds to a secret's name may be left out, and are not known here.
 * @param definition ARN of a job definition: secrets are those of its account and Region.
 */
export const valueFrom = (reference: SecretReference, definition: string): string => {
  const [, partition, , region, account] = definition.split(":");
  const arn = (service: string, resource: string) =>
    `arn:${partition}:${service}:${region}:${account}:${resource}`;
  // A path begins with the slash that the ARN has after `parameter`.
  if ("parameter" in reference) return arn("ssm", `parameter${reference.parameter}`);
  const secret = arn("secretsmanager", `secret:${reference.secretsManager}`);
  return reference.key === undefined ? secret : `${secret}:${reference.key}::`;
};
