import { beforeEach, expect, test } from "vitest";
import { createTeam } from "../../shared/service/access/teams.ts";
import { createToken } from "../../shared/service/access/tokens.ts";
import { hone } from "../support/cli.ts";
import { gateway } from "../support/gateway.ts";
import { createMemoryTable } from "../support/memory-table/client.ts";
import { serve } from "../support/serve.ts";
import { noReceipt, TEAM, testDeps } from "../support/service.ts";
import { followTeamsPage } from "../support/teams-page.ts";

/** Members, grants and tokens on the command line, with the API behind it and a table in this process. */
const access = { api: "", team: TEAM, token: "" };

beforeEach(async () => {
  const { client, tableName } = createMemoryTable();
  const deps = testDeps(client, tableName, {
    get now() {
      return Date.now();
    },
  });
  await createTeam(deps, TEAM);
  access.token = (await createToken(deps, TEAM, { name: "first", role: "owner" }, "admin", noReceipt)).token;
  const server = await serve(gateway(deps));
  access.api = server.api;
  return server.close;
});

const run = (...args: string[]) =>
  hone(args, { HONE_API: access.api, HONE_TEAM: access.team, HONE_TOKEN: access.token });

test("the page on teams", { timeout: 180_000 }, () => followTeamsPage(access));

test("a token is created for what it is good for, listed, rotated and revoked", async () => {
  await run("member", "add", "ann", "--role", "editor");
  const made = await run(
    "token",
    "create",
    "laptop",
    "--member",
    "ann",
    "--role",
    "viewer",
    "--days",
    "7",
    "--json",
  );
  const token = JSON.parse(made.stdout);
  expect(token).toMatchObject({ name: "laptop", member: "ann", role: "viewer" });
  expect(Date.parse(token.expires) - Date.parse(token.created)).toBe(7 * 86_400_000);
  expect((await run("token", "list")).stdout).toContain(`${token.id}  viewer  ann`);
  const rotated = JSON.parse(
    (await run("token", "rotate", token.id, "--former-hours", "0", "--json")).stdout,
  );
  expect(rotated).toMatchObject({ id: token.id, formerExpires: null });
  expect(rotated.token).not.toBe(token.token);
  expect((await run("token", "revoke", token.id)).stdout).toBe(`Token ${token.id} revoked.\n`);
  expect((await run("token", "list")).stdout).not.toContain(token.id);
  const bare = JSON.parse((await run("token", "create", "bare", "--role", "none", "--json")).stdout);
  expect(bare).toMatchObject({ role: null, member: null });
});

test("a team is shown, and deleted by whoever types its name", async () => {
  const created = /^\S+: created \d{4}-\d\d-\d\dT\S+, 0 studies, /;
  await run("member", "add", "ann", "--role", "owner");
  const { stdout } = await run("team", "show");
  expect(stdout).toMatch(created);
  expect(stdout).toMatch(/, 1 owner\n$/);
  expect(JSON.parse((await run("team", "show", "--json")).stdout)).toMatchObject({ team: TEAM, studies: 0 });
  const other = await run("team", "delete", "another");
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("/confirm")]);
  expect((await run("team", "show")).code).toBe(0);
  expect((await run("team", "delete", TEAM)).stdout).toMatch(new RegExp(`^Team ${TEAM} is deleted\\.`));
  expect((await run("team", "show")).code).toBe(1);
});

test("a wrong command says what is missing, and a refusal of the API what to do", async () => {
  const errors = async (...args: string[]) => (await run(...args)).stderr;
  expect(await errors("grant", "add", "viewer", "--team")).toBe("Name one of --member, --token and --iam.\n");
  expect(await errors("grant", "add", "viewer", "--member", "ann")).toBe(
    "Name a --study, or --team for the whole team.\n",
  );
  expect(await errors("token", "create", "laptop")).toContain("/role: Name a role, or null");
  expect(await errors("token", "create", "laptop", "--member", "ann")).toContain("There is no member ann");
  await run("member", "add", "ann", "--role", "owner");
  expect(await errors("member", "remove", "ann")).toContain("Make another member an owner first.");
});

test("a role in the team is given, changed and taken away", async () => {
  const role = async (...args: string[]) =>
    JSON.parse((await run("member", "add", "ann", ...args, "--json")).stdout).role;
  expect([await role("--role", "editor"), await role(), await role("--role", "none")]).toEqual([
    "editor",
    "editor",
    null,
  ]);
  const granted = await run("grant", "add", "worker", "--member", "ann", "--team");
  expect(granted.stdout).toMatch(/^[0-9a-f]{24} {2}worker {2}the team {2}member ann\n$/);
});
