import type { Role } from "../schemas/token.ts";
import { type Key, TOKEN_PREFIX, teamPartition, tokenKey, tokenOwnerKey } from "./keys.ts";
import type { Change, Item, Store, Update } from "./store.ts";
import { countCreation } from "./team.ts";

/** What is stored of a token: everything but the secret. */
export interface TokenItem {
  readonly team: string;
  readonly id: string;
  readonly name: string;
  /** Its role in the team; null: it has what its member has, or else what grants give it. */
  readonly role: Role | null;
  /** The member that it belongs to and has no more rights than, or null. */
  readonly member: string | null;
  /** The one study that the token is restricted to, or null. */
  readonly study: string | null;
  /** SHA-256 of the whole token, hex. */
  readonly hash: string;
  /** The secret before the last rotation, valid until a time in milliseconds since 1970; null: there was none. */
  readonly former: { readonly hash: string; readonly until: number } | null;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly expires: number;
  /** Who asked for it: the id of a token, an ARN, or "admin". */
  readonly createdBy: string;
  /** How many grants name it: without any there is nothing more to look up. */
  readonly grants: number;
  /** When its use was last noted; null: never. */
  readonly used: number | null;
}

/** An expired token is listed for a month more, so that a person can see why a program was refused. */
const SHOWN_AFTER_EXPIRY_SECONDS = 30 * 24 * 3600;

export const TOKEN = "token";

const ttlOf = (expires: number): number => Math.floor(expires / 1000) + SHOWN_AFTER_EXPIRY_SECONDS;

/**
 * A new token: the item in its team, and one by its id that says which team that is. The second distinguishes a token that
 * is used on another team's path from one that does not exist.
 */
export const newToken = (token: Omit<TokenItem, "former" | "used">): Change[] => {
  const { team, id, name, role, member, study, hash, created, expires, createdBy, grants } = token;
  const ttl = ttlOf(expires);
  return [
    {
      name: TOKEN,
      key: tokenKey(team, id),
      put: {
        name,
        hash,
        created,
        expires,
        createdBy,
        grants,
        ...(role !== null && { role }),
        ...(member !== null && { member }),
        ...(study !== null && { study }),
        ttl,
      },
      when: { expression: "attribute_not_exists(pk)" },
    },
    { name: "token-owner", key: tokenOwnerKey(id), put: { team, ttl } },
    countCreation(team, token.created),
  ];
};

/** The keys of what `newToken` puts. */
export const keysOfToken = (team: string, id: string): Key[] => [tokenKey(team, id), tokenOwnerKey(id)];

/** Revokes a token; fails under the name TOKEN unless it is named by as many grants as it was read with. */
export const removeToken = ({ team, id, grants }: TokenItem): Change[] => [
  {
    name: TOKEN,
    key: tokenKey(team, id),
    remove: true,
    when:
      grants === 0
        ? {
            expression: "attribute_exists(pk) AND (attribute_not_exists(#grants) OR #grants = :none)",
            values: { none: 0 },
          }
        : { expression: "#grants = :grants", values: { grants } },
  },
  { name: "token-owner", key: tokenOwnerKey(id), remove: true },
];

/**
 * Gives a token another secret beside the one that it was read with, or in its place; fails under the name TOKEN when it has
 * changed since.
 * @param until the former secret is valid until then, in milliseconds since 1970; null: it ends now.
 * @param expires when the token expires from now on.
 */
export const rotate = (token: TokenItem, hash: string, until: number | null, expires: number): Change[] => {
  const ttl = ttlOf(expires);
  return [
    {
      name: TOKEN,
      key: tokenKey(token.team, token.id),
      update: {
        set: { hash, expires, ttl, ...(until !== null && { formerHash: token.hash, formerUntil: until }) },
        drop: until === null ? ["formerHash", "formerUntil"] : [],
      },
      when: { expression: "#hash = :read", values: { read: token.hash } },
    },
    { name: "token-owner", key: tokenOwnerKey(token.id), update: { set: { ttl } } },
  ];
};

/** Most grants that name one token: they are removed with it, in one transaction. */
export const MAX_GRANTS_OF_TOKEN = 50;

/** Counts a grant that names a token. Fails under the name TOKEN for one of a member, which has the member's rights alone. */
export const countGrant = (team: string, id: string, by: 1 | -1): Change => ({
  name: TOKEN,
  key: tokenKey(team, id),
  update: { add: { grants: by } },
  when:
    by < 0
      ? { expression: "attribute_exists(pk)" }
      : {
          expression:
            "attribute_exists(pk) AND attribute_not_exists(#member) AND (attribute_not_exists(#grants) OR #grants < :most)",
          values: { most: MAX_GRANTS_OF_TOKEN },
        },
});

/** Use of a token is noted once in this time: it costs a write. */
export const USE_NOTED_MS = 10 * 60_000;

/** Whether it is time to note that the token is used. */
export const isUseDue = ({ used }: TokenItem, now: number): boolean =>
  used === null || used + USE_NOTED_MS <= now;

/** Notes that a token is used now; fails under the name TOKEN when somebody did lately, or it is gone. */
export const noteUse = (team: string, id: string, now: number): Change & { readonly update: Update } => ({
  name: TOKEN,
  key: tokenKey(team, id),
  update: { set: { used: now } },
  when: {
    expression: "attribute_exists(pk) AND (attribute_not_exists(#used) OR #used <= :before)",
    values: { before: now - USE_NOTED_MS },
  },
});

/** What a token need not have, or what older versions of Hone did not write. */
type Absent = "role" | "member" | "study" | "grants" | "used";

const readTokenItem = (team: string, item: Item): TokenItem => {
  const fields = item as unknown as Omit<TokenItem, "team" | "id" | "former" | Absent> &
    Partial<Pick<TokenItem, Absent>> & { sk: string; formerHash?: string; formerUntil?: number };
  return {
    team,
    id: fields.sk.slice(TOKEN_PREFIX.length),
    name: fields.name,
    role: fields.role ?? null,
    member: fields.member ?? null,
    study: fields.study ?? null,
    hash: fields.hash,
    former:
      fields.formerHash === undefined || fields.formerUntil === undefined
        ? null
        : { hash: fields.formerHash, until: fields.formerUntil },
    created: fields.created,
    expires: fields.expires,
    createdBy: fields.createdBy,
    grants: fields.grants ?? 0,
    used: fields.used ?? null,
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

/** Deletes what leads from the team's tokens to the team; the tokens themselves lie in its partition. */
export const removeTokenOwners = async (store: Store, team: string): Promise<void> => {
  for (let after = ""; ; ) {
    const tokens = await listTokenItems(store, team, after, OWNERS_AT_ONCE);
    await store.removeAll(tokens.map(({ id }) => tokenOwnerKey(id)));
    if (tokens.length < OWNERS_AT_ONCE) return;
    after = tokens.at(-1)?.id ?? "";
  }
};
const OWNERS_AT_ONCE = 500;
