/** A team that has an AWS account of its own: who may take the team's role. Exactly one of the last two is given. */
export interface TeamAccount {
  readonly team: string;
  /** Number of the account. */
  readonly account: string;
  /** Secret between the two accounts, so that nobody else's service can be talked into using the role. */
  readonly externalId?: string;
  /** Id of the AWS organisation that the account belongs to. */
  readonly organisation?: string;
}

/** The construct of its role. */
export const teamRoleId = (team: string): string => `Team-${team}`;

/** How each field is written. */
const forms: Readonly<Record<keyof TeamAccount, RegExp>> = {
  // The name of a role has at most 64 characters, of which the stack's prefix takes up to 26.
  team: /^[a-z0-9][a-z0-9-]{2,37}$/,
  account: /^\d{12}$/,
  externalId: /^[\w+=,.@:/-]{16,1224}$/,
  organisation: /^o-[a-z0-9]{10,32}$/,
};

/**
 * Reads the context `teams`: a list, or its JSON, as on the command line.
 * @throws Error that names the team and the field.
 */
export const readTeams = (context: unknown): TeamAccount[] => {
  if (context === undefined || context === null || context === "") return [];
  const list = typeof context === "string" ? parse(context) : context;
  if (!Array.isArray(list)) return refuse("…", "a list of {team, account, externalId or organisation}");
  const teams = list.map(readTeam);
  const names = teams.map(({ team }) => team);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  return twice === undefined ? teams : refuse(twice, "each team once");
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return refuse("…", "JSON");
  }
};

const readTeam = (value: unknown): TeamAccount => {
  const fields = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const given = Object.fromEntries(fields.map(([name, text]) => [name, String(text)]));
  // An ExternalId is a secret: it stands in no message.
  const where = given.team ?? "a team";
  for (const [name, text] of Object.entries(given)) {
    if (!isField(name)) return refuse(where, `no field ${name}`);
    if (!forms[name].test(text)) return refuse(where, `a field ${name} of the form ${forms[name].source}`);
  }
  const { team, account, externalId, organisation } = given;
  if (team === undefined || account === undefined) return refuse(where, "the fields team and account");
  if (externalId !== undefined && organisation === undefined) return { team, account, externalId };
  if (externalId === undefined && organisation !== undefined) return { team, account, organisation };
  return refuse(where, "either the field externalId or organisation");
};

const isField = (name: string): name is keyof TeamAccount => Object.hasOwn(forms, name);

const refuse = (where: string, wanted: string): never => {
  throw new Error(`Context teams=${where}: expected ${wanted}.`);
};
