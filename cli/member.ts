import type { Member, MemberPage, PutMemberBody } from "../shared/schemas/member.ts";
import { Role } from "../shared/schemas/token.ts";
import { command } from "./command.ts";
import { call, callJson, pages } from "./http.ts";
import { aligned } from "./table.ts";

/** The word for no role in the team. */
export const NO_ROLE = "none";

export const add = command({
  summary: "Add a member to the team, or change a member's role.",
  args: ["name"],
  options: { role: { type: "string" } },
  describe: { role: `${Role.options.join(" | ")} | ${NO_ROLE}; a new member has none by default` },
  run: async ([name], { role }) => {
    const body = { name, ...(role !== undefined && { role: role === NO_ROLE ? null : role }) };
    const member = await callJson<Member>("POST", "/members", body as PutMemberBody);
    return { json: member, text: `${member.name}: ${member.role ?? "no role in the team"}` };
  },
});

export const list = command({
  summary: "List the team's members.",
  args: [],
  options: {},
  describe: {},
  run: async () => {
    const members: Member[] = [];
    for await (const page of pages<MemberPage>("/members")) members.push(...page.members);
    const rows = members.map(({ name, role, state, created }) => [name, role ?? "-", state, created]);
    return { json: { members }, text: aligned(rows).join("\n") || "No members yet." };
  },
});

export const remove = command({
  summary: "Remove a member, with its tokens and grants, which end at once.",
  args: ["name"],
  options: {},
  describe: {},
  run: async ([name = ""]) => {
    await call("DELETE", `/members/${encodeURIComponent(name)}`);
    return { json: { name }, text: `Member ${name} removed.` };
  },
});
