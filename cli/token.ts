import {
  type CreatedToken,
  type CreateTokenBody,
  Role,
  type Token,
  type TokenPage,
} from "../shared/schemas/token.ts";
import { command, type Output } from "./command.ts";
import { call, callJson, pages } from "./http.ts";
import { NO_ROLE } from "./member.ts";
import { aligned } from "./table.ts";

export const create = command({
  summary: "Create a token; the secret is shown only once.",
  args: ["name"],
  options: {
    role: { type: "string" },
    member: { type: "string" },
    study: { type: "string" },
    days: { type: "string" },
  },
  describe: {
    role: `${Role.options.join(" | ")} | ${NO_ROLE}, if grants are to give it its rights`,
    member: "whose token it is: it may do what the member may then, or less with --role",
    study: "restricts the token to one study",
    days: "days until it expires, 90 by default",
  },
  run: async ([name], { role, days, ...rest }) => {
    const body = {
      name,
      ...rest,
      ...(role !== undefined && { role: role === NO_ROLE ? null : role }),
      ...(days !== undefined && { days: Number(days) }),
    };
    return secret(await callJson<CreatedToken>("POST", "/tokens", body as CreateTokenBody));
  },
});

export const list = command({
  summary: "List the team's tokens, when they expire and when they were last used.",
  args: [],
  options: {},
  describe: {},
  run: async () => {
    const tokens: Token[] = [];
    for await (const page of pages<TokenPage>("/tokens")) tokens.push(...page.tokens);
    const rows = tokens.map(({ id, name, role, member, study, expires, lastUsed }) => [
      id,
      role ?? "-",
      member ?? "-",
      study ?? "-",
      `expires ${expires}`,
      `used ${lastUsed ?? "never"}`,
      name,
    ]);
    return { json: { tokens }, text: aligned(rows).join("\n") || "No tokens." };
  },
});

export const rotate = command({
  summary: "Give a token a new secret; the former one stays valid for a day.",
  args: ["token"],
  options: { "former-hours": { type: "string" }, days: { type: "string" } },
  describe: {
    "former-hours": "hours for which the former secret stays valid, 24 by default; 0 ends it now",
    days: "days from now until the token expires; without it that stays as it is",
  },
  run: async ([id = ""], { "former-hours": hours, days }) => {
    const body = {
      ...(hours !== undefined && { formerHours: Number(hours) }),
      ...(days !== undefined && { days: Number(days) }),
    };
    return secret(await callJson<CreatedToken>("POST", `/tokens/${encodeURIComponent(id)}/rotate`, body));
  },
});

export const revoke = command({
  summary: "Revoke a token; it ends at once.",
  args: ["token"],
  options: {},
  describe: {},
  run: async ([id = ""]) => {
    await call("DELETE", `/tokens/${encodeURIComponent(id)}`);
    return { json: { id }, text: `Token ${id} revoked.` };
  },
});

/** The secret alone on the first line, so that a script can take it. */
const secret = (token: CreatedToken): Output => ({
  json: token,
  text: `${token.token}\n\nToken ${token.id}, valid until ${token.expires}. It will not be shown again.`,
});
