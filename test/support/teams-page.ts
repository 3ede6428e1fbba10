import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";

const root = join(import.meta.dirname, "../..");

/** The commands of docs/teams.md for a team without an AWS account, run one after the other, and what must come of them. */
export const followTeamsPage = async (access: {
  api: string;
  team: string;
  token: string;
}): Promise<void> => {
  const page = readFileSync(join(root, "docs/teams.md"), "utf8");
  const [, rest = ""] = page.split("## A team without an AWS account\n");
  const [section = ""] = rest.split("\n## ");
  const commands = Array.from(section.matchAll(/^```sh\n(.*?)^```/gms), ([, text = ""]) => text);
  expect(commands.length).toBeGreaterThan(3);
  const hone = `hone() { '${process.execPath}' '${join(root, "cli/hone.ts")}' "$@"; }\n`;
  const { stdout } = await promisify(execFile)("sh", ["-euc", hone + commands.join("")], {
    cwd: mkdtempSync(join(tmpdir(), "teams-")),
    env: {
      PATH: process.env.PATH,
      HONE_API: access.api,
      HONE_TEAM: access.team,
      HONE_TOKEN: access.token,
    },
  });
  expect(stdout).toMatch(/^ann: owner\nben: no role in the team\n/);
  expect(stdout).toMatch(/[0-9a-f]{24} {2}editor {2}shared-[a-z0-9]+ {2}member ben/);
  expect(stdout).toMatch(/Token [a-z0-9]{12} revoked\./);
  const [, left = ""] = stdout.split("Member ben removed.\n");
  expect(left).toMatch(/^ann +owner +active/);
  expect(left).not.toContain("ben");
  expect(left).toMatch(new RegExp(`^${access.team}: created \\S+, \\d+ (study|studies), \\d+ owners?$`, "m"));
};
