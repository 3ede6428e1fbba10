import { join } from "node:path";
import { runCommand } from "./command.ts";
import { clientEnvironment } from "./emulator.ts";
import { LocalError, minimalEnvironment, root } from "./process.ts";

export interface TeamOptions {
  /** The AWS API, and the PEM file of its certificate if that is self-signed. */
  readonly endpoint: string;
  readonly certificate: string | null;
  readonly table: string;
  readonly team: string;
  readonly signal: AbortSignal;
}

/**
 * Creates a team with `hone admin`, as someone who deploys Hone does; a team that already exists is kept.
 * @returns the secret of a new token with the role owner.
 */
export const createTeam = async (options: TeamOptions): Promise<string> => {
  await admin(["create-team", options.team, "--if-absent"], options);
  const printed = await admin(["create-token", options.team, "--name", "local", "--role", "owner"], options);
  const token = /^hone_\S+$/m.exec(printed)?.[0];
  if (token === undefined) throw new LocalError("hone admin create-token printed no token.");
  return token;
};

const admin = (
  args: readonly string[],
  { endpoint, certificate, table, signal }: TeamOptions,
): Promise<string> =>
  runCommand(process.execPath, [join(root, "cli/hone.ts"), "admin", ...args, "--table", table], {
    title: `hone admin ${args[0]}`,
    environment: {
      ...minimalEnvironment(),
      ...clientEnvironment(endpoint),
      ...(certificate === null ? {} : { NODE_EXTRA_CA_CERTS: certificate }),
    },
    log: null, // the output contains a secret
    signal,
  });
