import type { Role } from "../schemas/token.ts";
import { TOKEN_PREFIX, teamPartition, tokenKey, tokenOwnerKey } from "./keys.ts";
import type { Change, Item, Store } from "./store.ts";
import { countCreation } from "./team.ts";

/** What is stored of a token: everything but the secret. */
export interface TokenItem {
  readonly team: string;
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** The one study that the token is restricted to, or null. */
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
const SHOWN_AFTER_EXPIRY_SECONDS = 30 * 24 * 3600;

export const TOKEN = "token";

/**
 * A new token: the item in its team, and one by its id that says which team that is. The second distinguishes a token that
 * is used on another team's path from one that does not exist.
 */
export const newToken = (token: TokenItem): Change[] => {
  const { team, id, study, ...rest } = token;
  const ttl = Math.floor(token.expires / 1000) + SHOWN_AFTER_EXPIRY_SECONDS;
  return [
    {
      name: TOKEN,
      key: tokenKey(team, id),
      put: { ...rest, ...(study !== null && { study }), ttl },
      when: { expression: "attribute_not_exists(pk)" },
    },
    { name: "token-owner", key: tokenOwnerKey(id), put: { team, ttl } },
    countCreation(team, token.created),
  ];
};

/** Revokes a token; fails under the name TOKEN when there is none. */
export const removeToken = (team: string, id: string): Change[] => [
  {
    name: TOKEN,
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
