import { type Access, limited, withGrants } from "../../auth/roles.ts";
import type { Role } from "../../schemas/token.ts";
import { findGrant, type Principal } from "../../store/grant.ts";
import { findMember } from "../../store/member.ts";
import type { Store } from "../../store/store.ts";
import type { TokenItem } from "../../store/token.ts";

/**
 * What grants give a principal now: in the whole team, and in the study that the path names.
 * Reads consistently, one item or with a study two, at the same time.
 * @param study null: the path names none.
 */
export const resolveAccess = async (
  store: Store,
  team: string,
  principal: Principal,
  study: string | null,
): Promise<Access> => {
  const [inTeam, inStudy] = await Promise.all([
    findGrant(store, team, principal, null),
    study === null ? null : findGrant(store, team, principal, study),
  ]);
  return { role: inTeam?.role ?? null, granted: inStudy?.role ?? null };
};

/**
 * What a token may do now. One of a member has what the member has, its own role being a limit, and nothing of its own; any
 * other has its own role, and what grants add.
 * @returns null when its member is gone: then the token is, too.
 */
export const accessOfToken = async (
  store: Store,
  { team, id, role, member, grants }: TokenItem,
  study: string | null,
): Promise<Access | null> => {
  if (member !== null) {
    const [person, given] = await Promise.all([
      findMember(store, team, member),
      resolveAccess(store, team, { kind: "member", id: member }, study),
    ]);
    if (person === null || person.isLeaving) return null;
    const most = (had: Role | null) => (role === null ? had : limited(had, role));
    return withGrants(most(person.role), { role: most(given.role), granted: most(given.granted) });
  }
  return grants === 0
    ? { role, granted: null }
    : withGrants(role, await resolveAccess(store, team, { kind: "token", id }, study));
};
