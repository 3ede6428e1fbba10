import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import type { Credentials } from "../../shared/schemas/credentials.ts";
import type { Study } from "../../shared/schemas/study.ts";
import type { AskReply } from "../../shared/schemas/trial.ts";
import { client } from "../support/http.ts";
import { studyBody } from "../support/service.ts";
import { followTeamsPage } from "../support/teams-page.ts";

const stack = inject("stack");

test("the page on teams, against the deployed stack", { timeout: 180_000 }, () => followTeamsPage(stack));

/**
 * The API under a host of its own, as AWS has it. The emulator knows that host too, but nobody resolves it, so curl's settings do.
 * (Under its other URL, with `$default` in the path, curl 7 signs a path that AWS would write otherwise.)
 */
const ownHost = (url: string): { readonly api: string; readonly home: string } => {
  const [id] = /[a-z0-9]+(?=\.execute-api\.)/.exec(url) ?? [];
  const { hostname, port } = new URL(stack.endpoint);
  const host = `${id}.execute-api.${hostname}`;
  const home = mkdtempSync(join(tmpdir(), "curl-"));
  writeFileSync(join(home, ".curlrc"), `resolve = "${host}:${port}:${hostname}"\n`);
  return { api: `http://${host}:${port}/iam/v1`, home };
};

test("with the page's two calls of curl a session is made, and a signed request asks for a trial", async () => {
  const [, section = ""] = readFileSync("docs/teams.md", "utf8").split("**Sessions that Hone makes.**");
  const [create = "", ask = ""] = Array.from(
    section.matchAll(/^```\n(curl .*?)^```/gms),
    ([, text = ""]) => text,
  );
  const { study } = (await client(stack)<Study>("POST", "/studies", studyBody())).body;
  const settings = { PATH: process.env.PATH, HONE_TEAM: stack.team, study };
  const run = async (command: string, env: Readonly<Record<string, string>>) =>
    JSON.parse((await promisify(execFile)("sh", ["-euc", command], { env: { ...settings, ...env } })).stdout);
  const made: Credentials = await run(create, { HONE_API: stack.api, HONE_TOKEN: stack.token });
  const { api, home } = ownHost(stack.outputs.apiUrl ?? "");
  const asked: AskReply = await run(ask, {
    AWS_ACCESS_KEY_ID: made.accessKeyId,
    AWS_SECRET_ACCESS_KEY: made.secretAccessKey,
    AWS_SESSION_TOKEN: made.sessionToken,
    AWS_REGION: made.region,
    HONE_IAM_API: api,
    CURL_HOME: home,
  });
  expect(asked).toMatchObject({ trials: [{ number: 0 }] });
});
