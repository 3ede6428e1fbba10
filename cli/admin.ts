import { randomBytes, randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { AUDIT_DAYS } from "../shared/deployment.ts";
import { Conflict } from "../shared/errors.ts";
import { CreateTokenBody, Role } from "../shared/schemas/token.ts";
import { createTeam as create } from "../shared/service/access/teams.ts";
import { createToken as createFor } from "../shared/service/access/tokens.ts";
import type { Audit } from "../shared/store/audit.ts";
import { Store } from "../shared/store/store.ts";
import { Id } from "../shared/values.ts";
import { CommandError, command } from "./command.ts";
import { stackDescription, stackOption, tableName } from "./stack.ts";

/**
 * The first team and token. No token exists yet that could create them, so they are written directly to the table with
 * the caller's AWS credentials (dynamodb:GetItem, PutItem and UpdateItem on it).
 */
const where = { table: { type: "string" }, ...stackOption } as const;
const whereDescription = {
  table: "the DynamoDB table; by default the stack's",
  ...stackDescription,
};

/** What an admin does stands in the team's audit trail; who it was, CloudTrail knows. */
const write = (team: string, route: string): { readonly receipt: null; readonly audit: Audit } => ({
  receipt: null,
  audit: {
    team,
    who: { kind: "admin", id: "" },
    route,
    requestId: randomUUID(),
    address: null,
    targets: [],
    fields: [],
    days: AUDIT_DAYS,
  },
});

const connect = async (options: { table?: string; stack?: string }) => ({
  store: new Store({
    client: new DynamoDBClient({}),
    table: await tableName(options),
    jitter: Math.random,
    token: randomUUID,
  }),
  clock: Date.now,
  randomBytes: (count: number): Uint8Array => randomBytes(count),
});

export const createTeam = command({
  summary: "Create a team.",
  args: ["team"],
  options: { ...where, "if-absent": { type: "boolean" } },
  describe: { ...whereDescription, "if-absent": "succeed, and change nothing, if the team exists" },
  run: async ([name], { "if-absent": mayExist, ...options }) => {
    const team = parsed(Id.safeParse(name), "team");
    try {
      await create(await connect(options), team, write(team, "admin create-team"));
    } catch (error) {
      if (!(mayExist && error instanceof Conflict)) throw error;
      return { json: { team }, text: `Team ${team} exists.` };
    }
    return { json: { team }, text: `Team ${team} created.` };
  },
});

export const createToken = command({
  summary: "Create an API token of a team; the secret is shown only once.",
  args: ["team"],
  options: {
    ...where,
    name: { type: "string" },
    role: { type: "string" },
    days: { type: "string" },
    member: { type: "string" },
    study: { type: "string" },
  },
  describe: {
    ...whereDescription,
    name: "what the token is for",
    role: Role.options.join(" | "),
    days: "days until it expires, 90 by default",
    member: "the member whose token it is, so that one who lost all tokens gets in again",
    study: "restricts the token to one study",
  },
  run: async ([name], { table, stack, days, ...rest }) => {
    const team = parsed(Id.safeParse(name), "team");
    const body = parsed(
      CreateTokenBody.safeParse({ ...rest, ...(days !== undefined && { days: Number(days) }) }),
      "option",
    );
    const deps = await connect({ ...(table && { table }), ...(stack && { stack }) });
    const token = await createFor(deps, team, body, "admin", write(team, "admin create-token"));
    return {
      json: { team, ...token },
      text: `${token.token}\n\nToken ${token.id} (${token.role ?? `as ${token.member}`}) of team ${team}, valid until ${token.expires}. It will not be shown again.`,
    };
  },
});

type Result<T> =
  | { success: true; data: T }
  | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };

const parsed = <T>(result: Result<T>, what: string): T => {
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join(".") || what}: ${issue.message}`);
  throw new CommandError(faults.join("\n"));
};
