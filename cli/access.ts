import { readFileSync } from "node:fs";
import * as z from "zod";
import { CommandError } from "./command.ts";

/** How to reach the API. */
export interface Access {
  /** Base URL up to and including `/v1`. */
  readonly api: string;
  readonly team: string;
  readonly token: string;
}

/** Written by the local stack while it is up. */
const LOCAL = ".hone/local.json";

const Local = z.object({ api: z.string(), team: z.string(), token: z.string() }).partial();

/** From the environment; what is not set there comes from the local stack. @throws CommandError naming what is missing. */
export const readAccess = (): Access => {
  const { HONE_API, HONE_TEAM, HONE_TOKEN } = process.env;
  const local = HONE_API && HONE_TEAM && HONE_TOKEN ? {} : readLocal();
  const access = {
    HONE_API: HONE_API ?? local.api,
    HONE_TEAM: HONE_TEAM ?? local.team,
    HONE_TOKEN: HONE_TOKEN ?? local.token,
  };
  const missing = Object.entries(access).flatMap(([name, value]) => (value ? [] : [name]));
  if (missing.length > 0) {
    throw new CommandError(
      `Set ${missing.join(", ")}, or start the local stack here with \`npm run local\`.`,
    );
  }
  return { api: access.HONE_API ?? "", team: access.HONE_TEAM ?? "", token: access.HONE_TOKEN ?? "" };
};

const readLocal = (): z.infer<typeof Local> => {
  try {
    return Local.parse(JSON.parse(readFileSync(LOCAL, "utf8")));
  } catch {
    return {};
  }
};
