import type { Role } from "../schemas/token.ts";
import { GRANT_PREFIX, grantKey, grantPrefix, type Key, teamPartition } from "./keys.ts";
import type { Change, Item, Store } from "./store.ts";

/** Whom a grant gives something: a token by its id, a member by name, an AWS principal by its ARN. */
export interface Principal {
  readonly kind: "token" | "member" | "iam";
  readonly id: string;
}

/** A role that a principal was given, in one study or in the whole team. */
export interface GrantItem {
  readonly team: string;
  readonly principal: Principal;
  /** null: the whole team. */
  readonly study: string | null;
  readonly role: Role;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Who gave it: the id of a token, an ARN, or "admin". */
  readonly createdBy: string;
}

/** The name under which changes of a grant fail. */
export const GRANT = "grant";

/** Gives a role, in place of the one that the principal was given there before. */
export const putGrant = (
  { team, principal: { kind, id }, study, ...rest }: GrantItem,
  isNew: boolean,
): Change => ({
  name: GRANT,
  key: grantKey(team, kind, id, study),
  put: { ...rest, kind, id, ...(study !== null && { study }) },
  when: { expression: isNew ? "attribute_not_exists(pk)" : "attribute_exists(pk)" },
});

/** Takes a grant back. */
export const removeGrant = (grant: GrantItem): Change => ({
  name: GRANT,
  key: keyOfGrant(grant),
  remove: true,
  when: { expression: "attribute_exists(pk)" },
});

export const keyOfGrant = ({ team, principal: { kind, id }, study }: GrantItem): Key =>
  grantKey(team, kind, id, study);

const readGrantItem = (team: string, item: Item): GrantItem => {
  const { kind, id, study, role, created, createdBy } = item as unknown as Principal &
    Pick<GrantItem, "role" | "created" | "createdBy"> & { study?: string };
  return { team, principal: { kind, id }, study: study ?? null, role, created, createdBy };
};

/** What the principal was given there, or null. @param study null: in the whole team. */
export const findGrant = async (
  store: Store,
  team: string,
  { kind, id }: Principal,
  study: string | null,
): Promise<GrantItem | null> => {
  const item = await store.get(grantKey(team, kind, id, study));
  return item === null ? null : readGrantItem(team, item);
};

/** All that a principal was given. */
export const grantsTo = async (store: Store, team: string, { kind, id }: Principal): Promise<GrantItem[]> => {
  const items = await store.list(teamPartition(team), grantPrefix(kind, id));
  // The name of one principal may begin with that of another and a "#": an ARN may hold any character.
  return items.map((item) => readGrantItem(team, item)).filter(({ principal }) => principal.id === id);
};

/** The team's grants in order of their principals, from after `after` on. @param after the `placeOf` a grant. */
export const listGrantItems = async (
  store: Store,
  team: string,
  after: string,
  limit: number,
): Promise<GrantItem[]> => {
  const items = await store.list(teamPartition(team), GRANT_PREFIX, after, limit);
  return items.map((item) => readGrantItem(team, item));
};

/** The place of a grant in that order. */
export const placeOf = (grant: GrantItem): string => keyOfGrant(grant).sk.slice(GRANT_PREFIX.length);
