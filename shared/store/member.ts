import type { Role } from "../schemas/token.ts";
import { MEMBER_PREFIX, memberKey, teamPartition } from "./keys.ts";
import type { Change, Item, Store } from "./store.ts";

/** A person of a team: tokens and grants name it. */
export interface MemberItem {
  readonly team: string;
  readonly name: string;
  /** In the whole team; null: it has what grants give it. */
  readonly role: Role | null;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Who added it: the id of a token, an ARN, or "admin". */
  readonly createdBy: string;
  /** It is being removed, and has no rights any more. */
  readonly isLeaving: boolean;
}

/** The name under which changes of a member fail. */
export const MEMBER = "member";

const isThere = { expression: "attribute_exists(pk) AND attribute_not_exists(#leaving)" };

/** A member that did not exist. */
export const newMember = ({
  team,
  name,
  role,
  created,
  createdBy,
}: Omit<MemberItem, "isLeaving">): Change => ({
  name: MEMBER,
  key: memberKey(team, name),
  put: { ...(role !== null && { role }), created, createdBy },
  when: { expression: "attribute_not_exists(pk)" },
});

/** Gives a member another role in the team, or takes it away. @param from the role that it was read with. */
export const changeRole = (team: string, name: string, from: Role | null, to: Role | null): Change => ({
  name: MEMBER,
  key: memberKey(team, name),
  update: to === null ? { drop: ["role"] } : { set: { role: to } },
  ...whileRole(from),
});

const whileRole = (role: Role | null) => ({
  when: {
    expression: `${isThere.expression} AND ${role === null ? "attribute_not_exists(#role)" : "#role = :from"}`,
    ...(role !== null && { values: { from: role } }),
  },
});

/** That a member is there, and stays, while something is given to it. */
export const checkMember = (team: string, name: string): Change => ({
  name: MEMBER,
  key: memberKey(team, name),
  check: true,
  when: isThere,
});

/** Takes all rights from a member for good: nothing is given to one who leaves. */
export const markLeaving = (team: string, name: string, from: Role | null): Change => ({
  name: MEMBER,
  key: memberKey(team, name),
  update: { set: { leaving: true }, drop: ["role"] },
  ...whileRole(from),
});

/** Removes one who leaves. */
export const removeMember = (team: string, name: string): Change => ({
  name: MEMBER,
  key: memberKey(team, name),
  remove: true,
  when: { expression: "attribute_exists(#leaving)" },
});

const readMemberItem = (team: string, item: Item): MemberItem => {
  const fields = item as unknown as Pick<MemberItem, "created" | "createdBy"> & {
    sk: string;
    role?: Role;
    leaving?: true;
  };
  return {
    team,
    name: fields.sk.slice(MEMBER_PREFIX.length),
    role: fields.role ?? null,
    created: fields.created,
    createdBy: fields.createdBy,
    isLeaving: fields.leaving === true,
  };
};

/** A member of this team, also one that is being removed. */
export const findMember = async (store: Store, team: string, name: string): Promise<MemberItem | null> => {
  const item = await store.get(memberKey(team, name));
  return item === null ? null : readMemberItem(team, item);
};

/** The team's members in order of their names, from after `after` on. */
export const listMemberItems = async (
  store: Store,
  team: string,
  after: string,
  limit: number,
): Promise<MemberItem[]> => {
  const items = await store.list(teamPartition(team), MEMBER_PREFIX, after, limit);
  return items.map((item) => readMemberItem(team, item));
};
