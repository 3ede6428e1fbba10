import type { CreateGrantBody, Grant, GrantPage } from "../shared/schemas/grant.ts";
import { Role } from "../shared/schemas/token.ts";
import { CommandError, command } from "./command.ts";
import { call, callJson, pages } from "./http.ts";
import { aligned } from "./table.ts";

const KINDS = ["member", "token", "iam"] as const;

export const add = command({
  summary: "Give a member, a token or an AWS principal a role, in one study or in the team.",
  args: ["role"],
  options: {
    member: { type: "string" },
    token: { type: "string" },
    iam: { type: "string" },
    study: { type: "string" },
    team: { type: "boolean" },
  },
  describe: {
    member: `a member's name; the role is one of ${Role.options.join(", ")}`,
    token: "a token's id",
    iam: "the ARN of an AWS user or role",
    study: "the study in which it gets the role",
    team: "instead of --study: in the whole team",
  },
  run: async ([role], { study, team = false, ...named }) => {
    const given = KINDS.filter((kind) => named[kind] !== undefined);
    if (given.length !== 1) throw new CommandError("Name one of --member, --token and --iam.");
    if ((study === undefined) !== team)
      throw new CommandError("Name a --study, or --team for the whole team.");
    const body = { principal: named, study: study ?? null, role };
    const grant = await callJson<Grant>("POST", "/grants", body as CreateGrantBody);
    return { json: grant, text: row(grant).join("  ") };
  },
});

export const list = command({
  summary: "List the team's grants.",
  args: [],
  options: {},
  describe: {},
  run: async () => {
    const grants: Grant[] = [];
    for await (const page of pages<GrantPage>("/grants")) grants.push(...page.grants);
    return { json: { grants }, text: aligned(grants.map(row)).join("\n") || "No grants." };
  },
});

export const remove = command({
  summary: "Take back a grant; it ends at once.",
  args: ["grant"],
  options: {},
  describe: {},
  run: async ([id = ""]) => {
    await call("DELETE", `/grants/${encodeURIComponent(id)}`);
    return { json: { grant: id }, text: `Grant ${id} taken back.` };
  },
});

const row = ({ grant, principal, study, role }: Grant): string[] => [
  grant,
  role,
  study ?? "the team",
  Object.entries(principal).flat().join(" "),
];
