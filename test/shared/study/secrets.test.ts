import { describe, expect, test } from "vitest";
import type { BatchSpec } from "../../../shared/executor/batch/size.ts";
import type { SecretReference } from "../../../shared/schemas/secret.ts";
import { checkVariables, plainCredentials } from "../../../shared/study/secrets.ts";
import { batchExecution } from "../../support/batch.ts";
import { specOf } from "../../support/study.ts";

const faultsOf = (change: Pick<BatchSpec, "environment" | "secrets">, team = "acme") =>
  checkVariables(specOf({ team, executor: { ...batchExecution, ...change } }));

describe("a study may name", () => {
  test.each<[string, SecretReference]>([
    ["a secret of its team", { secretsManager: "hone/acme/wandb" }],
    ["a key of one", { secretsManager: "hone/acme/databases/main", key: "password" }],
    ["a parameter of its team", { parameter: "/hone/acme/wandb" }],
    ["a name with a hyphen and more than six letters", { secretsManager: "hone/acme/wandb-training" }],
    ["a parameter with a hyphen and six letters", { parameter: "/hone/acme/wandb-tokens" }],
  ])("%s", (_, reference) => {
    expect(faultsOf({ secrets: { TOKEN: reference } })).toEqual([]);
  });

  test.each<[string, SecretReference]>([
    ["of another team", { secretsManager: "hone/vision/wandb" }],
    ["of a team whose name goes on", { secretsManager: "hone/acme-2/wandb" }],
    ["of a team whose name ends sooner", { secretsManager: "hone/acm/wandb" }],
    ["outside of Hone's", { secretsManager: "prod/database" }],
    ["that only contains the prefix", { secretsManager: "prod/hone/acme/database" }],
    ["that is the prefix", { secretsManager: "hone/acme/" }],
    ["with the prefix of parameters", { secretsManager: "/hone/acme/wandb" }],
  ])("no secret %s", (_, reference) => {
    expect(faultsOf({ secrets: { TOKEN: reference } })).toEqual([
      {
        pointer: "/executor/secrets/TOKEN/secretsManager",
        fault: { kind: "secret-elsewhere", prefix: "hone/acme/" },
      },
    ]);
  });

  test.each(["/hone/vision/wandb", "/hone/acme", "/hone/acmex/wandb", "/prod/hone/acme/wandb"])(
    "not the parameter %s",
    (parameter) => {
      expect(faultsOf({ secrets: { TOKEN: { parameter } } })).toEqual([
        {
          pointer: "/executor/secrets/TOKEN/parameter",
          fault: { kind: "secret-elsewhere", prefix: "/hone/acme/" },
        },
      ]);
    },
  );

  test("no secret that Secrets Manager would not find by its name", () => {
    expect(faultsOf({ secrets: { TOKEN: { secretsManager: "hone/acme/wandb-tokens" } } })).toEqual([
      {
        pointer: "/executor/secrets/TOKEN/secretsManager",
        fault: { kind: "secret-like-an-arn", end: "-tokens" },
      },
    ]);
  });

  test("none under a name that Hone or Batch sets, or that has a value already", () => {
    const reference = { parameter: "/hone/acme/x" };
    const secrets = { HONE_TOKEN: reference, HONE_CHECKPOINT_OUT: reference, AWS_BATCH_JOB_ID: reference };
    expect(faultsOf({ secrets })).toEqual(
      Object.keys(secrets).map((name) => ({
        pointer: `/executor/secrets/${name}`,
        fault: { kind: "environment-name-taken", name },
      })),
    );
    expect(faultsOf({ environment: { TOKEN: "x" }, secrets: { TOKEN: reference } })).toEqual([
      { pointer: "/executor/secrets/TOKEN", fault: { kind: "variable-twice", name: "TOKEN" } },
    ]);
  });
});

test("a variable that Hone or Batch sets for each job is refused; where checkpoints go is the study's to say", () => {
  const environment = { SEED: "1", HONE_CHECKPOINT_OUT: "s3://b/c" };
  expect(faultsOf({ environment })).toEqual([]);
  const taken = { HONE_TOKEN: "mine", HONE_CHECKPOINT_OUT_2: "", HONE_SECRETS: "", AWS_BATCH_JOB_ID: "1" };
  expect(faultsOf({ environment: { ...environment, ...taken } })).toEqual(
    Object.keys(taken).map((name) => ({
      pointer: `/executor/environment/${name}`,
      fault: { kind: "environment-name-taken", name },
    })),
  );
  expect(checkVariables(specOf({ executor: { type: "client" } }))).toEqual([]);
});

test.each<[string, string]>([
  ["WANDB_API_KEY", "0123"],
  ["AWS_SECRET_ACCESS_KEY", "0123"],
  ["AWS_ACCESS_KEY_ID", "0123"],
  ["HF_TOKEN", "0123"],
  ["client_secret", "0123"],
  ["PASSWORD", "0123"],
  ["DB_PASSWD", "0123"],
  ["DATABASE", "postgres://AKIAIOSFODNN7EXAMPLE@host"],
  ["HUB", `hf_${"x".repeat(34)}`],
  ["GIT", `ghp_${"x".repeat(36)}`],
  ["CERTIFICATE", "-----BEGIN PRIVATE KEY-----\nMIIE"],
])("a variable looks like a credential: %s=%s", (name, value) => {
  expect(plainCredentials({ ...batchExecution, environment: { SEED: "1", [name]: value } })).toEqual([name]);
});

test.each<[string, string]>([
  ["MODEL", "resnet-50"],
  ["TOKENIZER", "bert"],
  ["KEYBOARD", "qwerty"],
  ["SECRETARY", "ann"],
  ["HF_TOKEN", ""],
  ["BUCKET", "s3://acme-data/0123456789abcdef0123456789abcdef"],
])("a variable does not: %s=%s", (name, value) => {
  expect(plainCredentials({ ...batchExecution, environment: { [name]: value } })).toEqual([]);
});
