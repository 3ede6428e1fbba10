import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { App, Stack } from "aws-cdk-lib";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { afterAll, expect, test } from "vitest";
import { synthesize } from "./synthesize.ts";

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), "hone-checks-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** cfn-lint and the CDK's validation take seconds of CPU time, and much longer on a busy machine. */
const PATIENCE = 300_000;

const cfnLint = fileURLToPath(new URL("../../.venv/bin/cfn-lint", import.meta.url));
/** @returns rule and file of each error that cfn-lint finds. */
const lint = async (files: readonly string[]): Promise<{ rule: string; file: string }[]> => {
  const options = ["--format", "json", "--non-zero-exit-code", "none", "--ignore-checks", "W", "--"];
  const { stdout } = await run(cfnLint, [...options, ...files]);
  const found = JSON.parse(stdout) as { Filename: string; Rule: { Id: string } }[];
  return found.map(({ Filename, Rule }) => ({ rule: Rule.Id, file: Filename }));
};

test(
  "both stacks, with every option, pass cdk-nag, the CDK's own validation and, with the template for teams, cfn-lint, which finds a planted error",
  async () => {
    const outdir = join(folder, "out");
    const context = {
      name: "blue",
      alarmEmail: "ops@example.org",
      origins: "https://example.org",
      jobPolicies:
        "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess,arn:aws:iam::111122223333:policy/hone-jobs",
      dataBuckets: "acme-images,acme-labels",
      teams: JSON.stringify([
        { team: "acme", account: "222233334444", externalId: "a-secret-of-acme" },
        { team: "vision", account: "333344445555", organisation: "o-abcdefghij" },
      ]),
    };
    synthesize({ validate: true, outdir, context });
    const templates = readdirSync(outdir).filter((file) => file.endsWith(".template.json"));
    expect(templates).toHaveLength(2);

    const planted = join(folder, "planted.json");
    const Queue = { Type: "AWS::SQS::Queue", Properties: { VisibilityTimeout: "never" } };
    writeFileSync(planted, JSON.stringify({ Resources: { Queue } }));
    const ofTeams = fileURLToPath(new URL("../../infra/teams/own-account.yaml", import.meta.url));
    expect(await lint([...templates.map((file) => join(outdir, file)), ofTeams, planted])).toEqual([
      { rule: "E3012", file: planted },
    ]);
  },
  PATIENCE,
);

test("a bucket that allows plain HTTP fails the synthesis", () => {
  const plant = (app: App) => {
    new Bucket(app.node.findChild("HoneCore") as Stack, "Planted");
  };
  expect(() => synthesize({ before: plant })).toThrow("AwsSolutions-S10");
});
