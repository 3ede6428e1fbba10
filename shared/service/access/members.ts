import { Conflict, NotFound } from "../../errors.ts";
import { ID } from "../../patterns.ts";
import type { Member, MemberPage, PutMemberBody } from "../../schemas/member.ts";
import type { PageQuery } from "../../schemas/study.ts";
import type { Role } from "../../schemas/token.ts";
import { grantsTo, keyOfGrant } from "../../store/grant.ts";
import {
  changeRole,
  findMember,
  listMemberItems,
  MEMBER,
  type MemberItem,
  markLeaving,
  newMember,
  removeMember,
} from "../../store/member.ts";
import type { Change } from "../../store/store.ts";
import { countCreation, countOwner, hasTeam, LAST_OWNER } from "../../store/team.ts";
import { keysOfToken, listTokenItems } from "../../store/token.ts";
import { timestamp } from "../../study/view.ts";
import { commit } from "../core/commit.ts";
import { cursorsOf } from "../core/cursor.ts";
import { noRequest, type ServiceDeps, type WriteContext } from "../core/deps.ts";
import { creationRefusals } from "./creation-limits.ts";

const PAGE = 100;

type Deps = Pick<ServiceDeps, "store" | "clock">;

/**
 * Adds a member, or gives one another role.
 * @param createdBy id of the token or ARN of the principal that asks, or "admin".
 * @throws NotFound for an unknown team, Conflict when the last owner would lose that role, RateLimited.
 */
export const putMember = (
  deps: Deps,
  team: string,
  { name, role }: PutMemberBody,
  createdBy: string,
  write: WriteContext,
): Promise<Member> =>
  commit(deps, write, async () => {
    if (!(await hasTeam(deps.store, team))) throw new NotFound({ kind: "no-team", team });
    const now = deps.clock();
    const found = await findMember(deps.store, team, name);
    if (found?.isLeaving) throw new Conflict({ kind: "member-leaving", name });
    const before = found ?? { team, name, role: null, created: now, createdBy, isLeaving: false };
    const after = { ...before, role: role === undefined ? before.role : role };
    return {
      changes: [
        ...(found === null ? [newMember(after), countCreation(team, now)] : []),
        ...(found !== null && after.role !== before.role
          ? [changeRole(team, name, before.role, after.role)]
          : []),
        ...ownersAfter(team, before.role, after.role),
      ],
      answer: toMember(after),
      refusals: { ...creationRefusals(now), ...lastOwner(name) },
    };
  });

const ownersAfter = (team: string, before: Role | null, after: Role | null): Change[] => {
  if ((before === "owner") === (after === "owner")) return [];
  return [countOwner(team, after === "owner" ? 1 : -1)];
};

const lastOwner = (name: string) => ({ [LAST_OWNER]: () => new Conflict({ kind: "last-owner", name }) });

/**
 * A page of the team's members in order of their names.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const listMembers = async (
  deps: Pick<Deps, "store">,
  team: string,
  { cursor, limit = PAGE }: PageQuery,
): Promise<MemberPage> => {
  const cursors = cursorsOf(`members of ${team}`, ID);
  const items = await listMemberItems(deps.store, team, cursors.read(cursor) ?? "", limit);
  const last = items.at(-1);
  return {
    members: items.map(toMember),
    cursor: items.length < limit || last === undefined ? null : cursors.write(last.name),
  };
};

/**
 * Removes a member in three steps: a mark, with which the member and all tokens of the member lose every right and nothing more can be
 * given; then the tokens and grants; then the member. A removal that stopped half-way is completed by the next call.
 * @throws NotFound; Conflict for the last owner.
 */
export const deleteMember = async (
  deps: Deps,
  team: string,
  name: string,
  write: WriteContext,
): Promise<null> => {
  await commit(deps, noRequest, async () => {
    const { role, isLeaving } = await memberOf(deps, team, name);
    return {
      changes: isLeaving ? [] : [markLeaving(team, name, role), ...ownersAfter(team, role, null)],
      answer: null,
      refusals: lastOwner(name),
    };
  });
  await removeWhatWasGiven(deps, team, name);
  return commit(deps, write, async () => ({
    changes: [removeMember(team, name)],
    answer: null,
    refusals: { [MEMBER]: () => new NotFound({ kind: "no-member", name }) },
  }));
};

const memberOf = async ({ store }: Pick<Deps, "store">, team: string, name: string): Promise<MemberItem> => {
  const member = await findMember(store, team, name);
  if (member === null) throw new NotFound({ kind: "no-member", name });
  return member;
};

const removeWhatWasGiven = async (
  { store }: Pick<Deps, "store">,
  team: string,
  name: string,
): Promise<void> => {
  const tokens = await listTokenItems(store, team, "", Number.POSITIVE_INFINITY);
  const grants = await grantsTo(store, team, { kind: "member", id: name });
  await store.removeAll([
    ...tokens.filter(({ member }) => member === name).flatMap(({ id }) => keysOfToken(team, id)),
    ...grants.map(keyOfGrant),
  ]);
};

const toMember = ({ name, role, created, createdBy, isLeaving }: MemberItem): Member => ({
  name,
  role,
  created: timestamp(created),
  createdBy,
  state: isLeaving ? "leaving" : "active",
});
