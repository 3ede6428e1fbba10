import { RateLimited } from "../errors.ts";
import type { Role } from "../schemas/token.ts";
import { TOKEN_PREFIX, teamKey, teamMinuteKey, teamPartition, tokenKey, tokenOwnerKey } from "./keys.ts";
import type { Change, ConditionFailed, Item, Store } from "./store.ts";

/**
 * The items of a team: its caps and its tokens.
 *
 * Creating a study includes `countStudy` in its transaction; what fails there is told by `explainGuardFailure`.
 */

/** Studies a team may have at once. */
export const MAX_STUDIES = 10_000;
/** Studies and tokens a team may create in a minute. */
export const MAX_CREATIONS_A_MINUTE = 300;

const CAP = "team-cap";
const RATE = "team-rate";
const MINUTE = 60_000;
const HOUR_SECONDS = 3600;

/** A team that did not exist; fails under the name "team". */
export const newTeam = (team: string, now: number): Change => ({
  name: "team",
  key: teamKey(team),
  update: { set: { created: now } },
  when: { expression: "attribute_not_exists(#created)" },
});

/** Whether the team was created. */
export const hasTeam = async (store: Store, team: string): Promise<boolean> =>
  (await store.get(teamKey(team)))?.created !== undefined;

/** Counts a new study against the team's cap and its rate of creation. */
export const countStudy = (team: string, now: number): Change[] => [
  {
    name: CAP,
    key: teamKey(team),
    update: { add: { studies: 1 } },
    when: { expression: "attribute_not_exists(#studies) OR #studies < :max", values: { max: MAX_STUDIES } },
  },
  countCreation(team, now),
];

/** A study that is being deleted counts no more. */
export const uncountStudy = (team: string): Change[] => [
  { name: "team", key: teamKey(team), update: { add: { studies: -1 } } },
];

/** One creation in this minute, which has an item of its own, so that nothing must be reset. */
const countCreation = (team: string, now: number): Change => {
  const minute = Math.floor(now / MINUTE);
  return {
    name: RATE,
    key: teamMinuteKey(team, minute),
    update: { add: { creations: 1 }, set: { ttl: (minute + 2) * 60 } },
    when: {
      expression: "attribute_not_exists(#creations) OR #creations < :max",
      values: { max: MAX_CREATIONS_A_MINUTE },
    },
  };
};

/**
 * Tells the caller which of the team's limits a creation met.
 * @throws RateLimited unless the failure was another's.
 */
export const explainGuardFailure = (error: ConditionFailed, now: number): void => {
  if (error.names.has(CAP)) {
    throw new RateLimited(`A team has at most ${MAX_STUDIES} studies. Delete some first.`, HOUR_SECONDS);
  }
  if (error.names.has(RATE)) {
    const untilNextMinute = Math.ceil((MINUTE - (now % MINUTE)) / 1000);
    throw new RateLimited(
      `A team creates at most ${MAX_CREATIONS_A_MINUTE} studies and tokens a minute.`,
      untilNextMinute,
    );
  }
};

/** What is stored of a token: everything but the token. */
export interface TokenItem {
  readonly team: string;
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** The one study that it is restricted to, or null. */
  readonly study: string | null;
  /** SHA-256 of the whole token, hex. */
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly expires: number;
  /** Id of the token that asked for it, or "admin". */
  readonly createdBy: string;
}

/** An expired token is listed for a month more, so that a person can see why a program was refused. */
const SHOWN_AFTER_EXPIRY_SECONDS = 30 * 24 * HOUR_SECONDS;

/**
 * A new token: the item in its team, and one by its id that says which team that is. The second tells a token that is
 * used on another team's path from one that does not exist.
 */
export const newToken = (token: TokenItem): Change[] => {
  const { team, id, study, ...rest } = token;
  const ttl = Math.floor(token.expires / 1000) + SHOWN_AFTER_EXPIRY_SECONDS;
  return [
    {
      name: "token",
      key: tokenKey(team, id),
      put: { ...rest, ...(study !== null && { study }), ttl },
      when: { expression: "attribute_not_exists(pk)" },
    },
    { name: "token-owner", key: tokenOwnerKey(id), put: { team, ttl } },
    countCreation(team, token.created),
  ];
};

/** Revokes a token; fails under the name "token" when there is none. */
export const removeToken = (team: string, id: string): Change[] => [
  {
    name: "token",
    key: tokenKey(team, id),
    remove: true,
    when: { expression: "attribute_exists(pk)" },
  },
  { name: "token-owner", key: tokenOwnerKey(id), remove: true },
];

const readTokenItem = (team: string, item: Item): TokenItem => {
  const fields = item as unknown as Omit<TokenItem, "team" | "id" | "study"> & {
    sk: string;
    study?: string;
  };
  return {
    team,
    id: fields.sk.slice(TOKEN_PREFIX.length),
    name: fields.name,
    role: fields.role,
    study: fields.study ?? null,
    hash: fields.hash,
    created: fields.created,
    expires: fields.expires,
    createdBy: fields.createdBy,
  };
};

/** A token of this team, expired or not. */
export const findToken = async (store: Store, team: string, id: string): Promise<TokenItem | null> => {
  const item = await store.get(tokenKey(team, id));
  return item === null ? null : readTokenItem(team, item);
};

/** The team of a token. */
export const teamOfToken = async (store: Store, id: string): Promise<string | null> => {
  const item = await store.get(tokenOwnerKey(id));
  return item === null ? null : String(item.team);
};

/** The team's tokens in order of their ids, from after `after` on. */
export const listTokenItems = async (
  store: Store,
  team: string,
  after: string,
  limit: number,
): Promise<TokenItem[]> => {
  const items = await store.list(teamPartition(team), TOKEN_PREFIX, after, limit);
  return items.map((item) => readTokenItem(team, item));
};
