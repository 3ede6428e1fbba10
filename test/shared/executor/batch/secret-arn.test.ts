import { expect, test } from "vitest";
import { valueFrom } from "../../../../shared/executor/batch/secret-arn.ts";

const DEFINITION = "arn:aws-us-gov:batch:us-gov-west-1:111122223333:job-definition/hone-trial:3";
const here = "us-gov-west-1:111122223333";

test("a secret, a key of one and a parameter are named as AWS Batch reads them", () => {
  expect(valueFrom({ secretsManager: "hone/acme/wandb" }, DEFINITION)).toBe(
    `arn:aws-us-gov:secretsmanager:${here}:secret:hone/acme/wandb`,
  );
  expect(valueFrom({ secretsManager: "hone/acme/db", key: "password" }, DEFINITION)).toBe(
    `arn:aws-us-gov:secretsmanager:${here}:secret:hone/acme/db:password::`,
  );
  expect(valueFrom({ parameter: "/hone/acme/wandb" }, DEFINITION)).toBe(
    `arn:aws-us-gov:ssm:${here}:parameter/hone/acme/wandb`,
  );
});
