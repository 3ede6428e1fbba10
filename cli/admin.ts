import { randomBytes, randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { Conflict } from "../shared/errors.ts";
import { CreateTokenBody, Role } from "../shared/schemas/token.ts";
import { createTeam as create } from "../shared/service/access/teams.ts";
import { createToken as createFor } from "../shared/service/access/tokens.ts";
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
      await create(await connect(options), team);
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
    study: { type: "string" },
  },
  describe: {
    ...whereDescription,
    name: "what the token is for",
    role: Role.options.join(" | "),
    days: "days until it expires, 90 by default",
    study: "restricts the token to one study",
  },
  run: async ([name], { table, stack, days, ...rest }) => {
    const team = parsed(Id.safeParse(name), "team");
    const body = parsed(
      CreateTokenBody.safeParse({ ...rest, ...(days !== undefined && { days: Number(days) }) }),
      "option",
    );
    const deps = await connect({ ...(table && { table }), ...(stack && { stack }) });
    const token = await createFor(deps, team, body, "admin", { receipt: null });
    return {
      json: { team, ...token },
      text: `${token.token}\n\nToken ${token.id} (${token.role}) of team ${team}, valid until ${token.expires}. It will not be shown again.`,
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
