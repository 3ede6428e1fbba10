import { expect, test } from "vitest";
import { secretReader } from "../../../local/batch/secrets.ts";
import { endingOf } from "../../../shared/executor/batch/ending.ts";
import { valueFrom } from "../../../shared/executor/batch/secret-arn.ts";
import type { SecretReference } from "../../../shared/schemas/secret.ts";

/** Services that hold one secret and one parameter, and answer a beginning of an ARN, as the emulator does. */
const read = (reference: SecretReference, secret: string | null = "value") =>
  secretReader(async (service, operation, body) => {
    if (service === "ssm") {
      expect([operation, body]).toEqual([
        "GetParameters",
        { Names: expect.any(Array), WithDecryption: true },
      ]);
      return { Parameters: [{ Name: "/hone/acme/wandb", Value: "parameter's" }], InvalidParameters: [] };
    }
    expect(operation).toBe("GetSecretValue");
    const { SecretId } = body as { SecretId: string };
    expect("arn:aws:secretsmanager:us-east-1:000000000000:secret:hone/acme/wandb-Ab3dEf").toContain(SecretId);
    return { Name: "hone/acme/wandb", ...(secret !== null && { SecretString: secret }) };
  })(valueFrom(reference, "arn:aws:batch:us-east-1:000000000000:job-definition/hone-trial:1"));

test("a whole secret, a key of one and a parameter are read", async () => {
  const wandb = { secretsManager: "hone/acme/wandb" };
  expect(await read(wandb)).toBe("value");
  expect(await read({ ...wandb, key: "user" }, '{"user": "ann", "port": 5432}')).toBe("ann");
  expect(await read({ ...wandb, key: "port" }, '{"user": "ann", "port": 5432}')).toBe("5432");
  expect(await read({ parameter: "/hone/acme/wandb" })).toBe("parameter's");
});

test.each<[string, SecretReference, string | null, RegExp]>([
  [
    "a secret whose name only begins so",
    { secretsManager: "hone/acme/wand" },
    "v",
    /can't find the specified/,
  ],
  ["a secret that is no text", { secretsManager: "hone/acme/wandb" }, null, /not a text/],
  ["a key that it lacks", { secretsManager: "hone/acme/wandb", key: "pass" }, '{"user": 1}', /json key pass/],
  ["a key of no JSON", { secretsManager: "hone/acme/wandb", key: "pass" }, "s3cret-canary", /no JSON object/],
  ["a key of a list", { secretsManager: "hone/acme/wandb", key: "0" }, '["s3cret-canary"]', /no JSON object/],
  ["a parameter that there is not", { parameter: "/hone/acme/other" }, "v", /invalid parameters: \[\/hone/],
])("%s is an error in AWS's words, which say nothing of its value", async (_, reference, secret, words) => {
  const error = await read(reference, secret).catch((thrown: Error) => thrown);
  const { message: reason } = error as Error;
  expect(reason).toMatch(
    /^Fetching secret data from (AWS Secrets Manager in region|SSM Parameter Store in) us-east-1: /,
  );
  expect(reason).toMatch(words);
  expect(reason).not.toContain("canary");
  const job = { jobId: "j", jobName: "hone-s-0-1", status: "FAILED", container: { reason } } as const;
  expect(endingOf(job)).toMatchObject({ kind: "not-started", reason: expect.stringContaining("secret") });
});
