import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from "@aws-sdk/client-cloudformation";
import { beforeAll, expect, test } from "vitest";
import { authenticate } from "../../shared/service/access/authenticate.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { awsEnvironment, hone } from "../support/cli.ts";
import { createTestTable, emulatorClient } from "../support/emulator.ts";
import { testDeps } from "../support/service.ts";

const env = awsEnvironment(emulatorClient().endpoint);
let table: string;
let deps: ServiceDeps;

beforeAll(async () => {
  const created = await createTestTable();
  table = created.tableName;
  deps = testDeps(created.client, table);
});

const admin = (...args: string[]) => hone(["admin", ...args, "--table", table], env);

test("hone team create is another name of hone admin create-team, and needs no token either", async () => {
  const made = await hone(["team", "create", "by-name", "--table", table], env);
  expect(made).toEqual({ code: 0, stdout: "Team by-name created.\n", stderr: "" });
  expect(await admin("create-team", "by-name")).toMatchObject({ code: 1 });
});

test("the first team and token are created, and the token is valid", async () => {
  const team = await admin("create-team", "acme", "--json");
  expect(team).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(team.stdout)).toEqual({ team: "acme" });

  const made = await admin(
    "create-token",
    "acme",
    "--name",
    "first",
    "--role",
    "owner",
    "--days",
    "7",
    "--json",
  );
  expect(made.code).toBe(0);
  const token = JSON.parse(made.stdout);
  expect(token).toMatchObject({ team: "acme", name: "first", role: "owner", study: null });
  expect(Date.parse(token.expires) - Date.parse(token.created)).toBe(7 * 86_400_000);
  const place = { team: "acme", study: null, trial: null };
  expect(await authenticate(deps, `Bearer ${token.token}`, place)).toMatchObject({
    id: token.id,
    role: "owner",
  });
});

test("without --json the token is alone on the first line", async () => {
  await admin("create-team", "people");
  const { stdout } = await admin("create-token", "people", "--name", "first", "--role", "viewer");
  expect(stdout.split("\n")[0]).toMatch(/^hone_[a-z2-7]{12}_[A-Za-z0-9_-]{43}$/);
  expect(stdout).toContain("It will not be shown again.");
});

test("an error is one line, and nothing is created", async () => {
  await admin("create-team", "twice");
  const again = await admin("create-team", "twice", "--json");
  expect([again.code, again.stderr]).toEqual([1, "The team twice already exists.\n"]);
  expect(JSON.parse(again.stdout)).toEqual({ error: "The team twice already exists." });
  const kept = await admin("create-team", "twice", "--if-absent");
  expect([kept.code, kept.stdout]).toEqual([0, "Team twice exists.\n"]);
  const orphan = await admin("create-token", "nobody", "--name", "first", "--role", "owner");
  expect([orphan.code, orphan.stderr]).toEqual([1, "There is no team nobody.\n"]);
  const wrong = await admin("create-token", "twice", "--name", "first", "--role", "boss", "--days", "x");
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(/^role: .*\ndays: /);
  expect((await admin("create-team", "NO")).code).toBe(1);
  expect(await deps.store.query("TEAM#NO", " ", "~")).toEqual([]);
});

test("a wrong command line shows the usage and exits with 2", async () => {
  for (const args of [
    ["admin", "create-team"],
    ["admin", "create-team", "a", "b"],
    ["redrive", "--nope"],
    ["nope"],
    ["toString"],
  ]) {
    const { code, stderr, stdout } = await hone(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("hone ");
  }
  const help = await hone(["admin", "create-token", "--help"]);
  expect(help.code).toBe(0);
  for (const option of ["--name", "--role", "--days", "--study", "--table", "--stack", "--json"])
    expect(help.stdout).toContain(option);
  expect((await hone([])).stdout).toContain("hone study create");
});

test("without --table the table is the one of the deployed stack", async () => {
  const client = new CloudFormationClient(emulatorClient());
  const StackName = "HoneCliTest";
  await client.send(
    new CreateStackCommand({
      StackName,
      TemplateBody: JSON.stringify({
        Resources: { Any: { Type: "AWS::SQS::Queue" } },
        Outputs: { TableName: { Value: table } },
      }),
    }),
  );
  await expect
    .poll(
      async () => (await client.send(new DescribeStacksCommand({ StackName }))).Stacks?.[0]?.StackStatus,
      {
        timeout: 30_000,
      },
    )
    .toBe("CREATE_COMPLETE");
  const { code } = await hone(["admin", "create-team", "found", "--stack", StackName], env);
  expect(code).toBe(0);
  expect(await deps.store.query("TEAM#found", " ", "~")).toHaveLength(1);

  const missing = await hone(["admin", "create-team", "lost", "--stack", "NoSuchStack"], env);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain("NoSuchStack");
  expect(missing.stderr).not.toContain("    at ");
});
