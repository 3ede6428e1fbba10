import * as z from "zod";
import { type AwsCall, AwsError } from "../aws-call.ts";

/** @returns the value that a `valueFrom` names. @throws Error whose message AWS's agent would give as the reason why the job does not start. */
export type ReadSecret = (valueFrom: string) => Promise<string>;

const Secret = z.object({ Name: z.string(), SecretString: z.string().optional() });
const Parameters = z.object({ Parameters: z.array(z.object({ Name: z.string(), Value: z.string() })) });

/** Reads secrets from Secrets Manager and the SSM Parameter Store, as the agent of ECS does for AWS Batch. */
export const secretReader =
  (call: AwsCall): ReadSecret =>
  async (valueFrom) => {
    const [, , service, region = "", , ...rest] = valueFrom.split(":");
    try {
      if (service === "ssm") return await readParameter(call, rest.join(":").replace(/^parameter/, ""));
      const [, name = "", key = ""] = rest;
      return await readSecret(call, valueFrom.split(":").slice(0, 7).join(":"), name, key);
    } catch (error) {
      const from = service === "ssm" ? "SSM Parameter Store in" : "AWS Secrets Manager in region";
      const words = error instanceof Error ? error.message : String(error);
      throw new Error(`Fetching secret data from ${from} ${region}: ${words}`);
    }
  };

const readParameter = async (call: AwsCall, path: string): Promise<string> => {
  const reply = await call("ssm", "GetParameters", { Names: [path], WithDecryption: true });
  const found = Parameters.parse(reply).Parameters.find(({ Name }) => Name === path);
  if (found === undefined) throw new AwsError(`invalid parameters: [${path}]`);
  return found.Value;
};

const readSecret = async (call: AwsCall, arn: string, name: string, key: string): Promise<string> => {
  const { Name, SecretString } = Secret.parse(
    await call("secretsmanager", "GetSecretValue", { SecretId: arn }),
  );
  // The emulator takes any secret whose ARN begins so.
  if (Name !== name) {
    throw new AwsError(
      `secret ${arn}: ResourceNotFoundException: Secrets Manager can't find the specified secret.`,
    );
  }
  if (SecretString === undefined) throw new AwsError(`secret ${arn}: the secret is not a text.`);
  return key === "" ? SecretString : partOf(SecretString, key);
};

const partOf = (json: string, key: string): string => {
  const value = fieldsOf(json)[key];
  if (value === undefined)
    throw new AwsError(`retrieved secret from Secrets Manager did not contain json key ${key}`);
  return typeof value === "string" ? value : JSON.stringify(value);
};

/** An error of the parser would have a part of the secret in it. */
const fieldsOf = (json: string): Record<string, unknown> => {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(json));
  } catch {
    throw new AwsError("the secret is no JSON object, so it has no json key");
  }
};
