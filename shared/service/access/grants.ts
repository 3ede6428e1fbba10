import { createHash } from "node:crypto";
import { Conflict, NotFound } from "../../errors.ts";
import type { CreateGrantBody, Grant, GrantPage } from "../../schemas/grant.ts";
import type { PageQuery } from "../../schemas/study.ts";
import {
  findGrant,
  type GrantItem,
  listGrantItems,
  type Principal,
  placeOf,
  putGrant,
  removeGrant,
} from "../../store/grant.ts";
import { checkMember, MEMBER } from "../../store/member.ts";
import type { Change } from "../../store/store.ts";
import { countCreation } from "../../store/team.ts";
import { countGrant, findToken, MAX_GRANTS_OF_TOKEN } from "../../store/token.ts";
import { timestamp } from "../../study/view.ts";
import { commit } from "../core/commit.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { loadStudy } from "../core/load.ts";
import { creationRefusals } from "./creation-limits.ts";

const PAGE = 100;
/** A page of a search for one grant: about a megabyte. */
const SEARCHED_AT_ONCE = 4000;

type Deps = Pick<ServiceDeps, "store" | "clock" | "warm" | "prices">;

/**
 * Gives a principal a role in one study or in the whole team, in place of what it was granted there before.
 * @param createdBy id of the token or ARN of the principal that asks.
 * @throws StudyNotFound; NotFound for a token or member that is not there; Conflict for a token of a member, or one that is
 *   named by too many grants; RateLimited.
 */
export const createGrant = async (
  deps: Deps,
  team: string,
  { principal: named, study, role }: CreateGrantBody,
  createdBy: string,
  write: WriteContext,
): Promise<Grant> => {
  if (study !== null) await loadStudy(deps, team, study);
  const principal = principalOf(named);
  return commit(deps, write, async () => {
    const now = deps.clock();
    const isNew = (await findGrant(deps.store, team, principal, study)) === null;
    if (isNew) await refuseToken(deps, team, principal);
    const grant = { team, principal, study, role, created: now, createdBy };
    return {
      changes: [
        putGrant(grant, isNew),
        ...(isNew ? [countCreation(team, now), ...holds(team, principal)] : []),
      ],
      answer: toGrant(grant),
      refusals: {
        ...creationRefusals(now),
        [MEMBER]: () => new NotFound({ kind: "no-member", name: principal.id }),
      },
    };
  });
};

/** What says that a principal of ours is there, and stays while it is given something. */
const holds = (team: string, { kind, id }: Principal): Change[] => {
  if (kind === "token") return [countGrant(team, id, 1)];
  return kind === "member" ? [checkMember(team, id)] : [];
};

/** @throws what `countGrant` would fail for, in words. */
const refuseToken = async ({ store }: Deps, team: string, { kind, id }: Principal): Promise<void> => {
  if (kind !== "token") return;
  const token = await findToken(store, team, id);
  if (token === null) throw new NotFound({ kind: "no-token", id });
  if (token.member !== null) throw new Conflict({ kind: "token-of-member", id, member: token.member });
  if (token.grants >= MAX_GRANTS_OF_TOKEN)
    throw new Conflict({ kind: "too-many-grants", most: MAX_GRANTS_OF_TOKEN });
};

/**
 * A page of the team's grants, in order of their principals.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const listGrants = async (
  deps: Pick<Deps, "store">,
  team: string,
  { cursor, limit = PAGE }: PageQuery,
): Promise<GrantPage> => {
  const cursors = cursorsOf(`grants of ${team}`, "[\\x21-\\x7e]+");
  const items = await listGrantItems(deps.store, team, cursors.read(cursor) ?? "", limit);
  const last = items.at(-1);
  return {
    grants: items.map(toGrant),
    cursor: items.length < limit || last === undefined ? null : cursors.write(placeOf(last)),
  };
};

/**
 * Takes back a grant; it ends at once.
 * @throws NotFound
 */
export const deleteGrant = (deps: Deps, team: string, id: string, write: WriteContext): Promise<null> =>
  commit(deps, write, async () => {
    const grant = await searchGrant(deps, team, id);
    if (grant === null) throw new NotFound({ kind: "no-grant", grant: id });
    const { kind, id: token } = grant.principal;
    return {
      changes: [removeGrant(grant), ...(kind === "token" ? [countGrant(team, token, -1)] : [])],
      answer: null,
    };
  });

/** Goes through the team's grants, of which there are few: deletions are rare, and no item leads from the hash to its grant. */
const searchGrant = async (
  { store }: Pick<Deps, "store">,
  team: string,
  id: string,
): Promise<GrantItem | null> => {
  for (let after = ""; ; ) {
    const items = await listGrantItems(store, team, after, SEARCHED_AT_ONCE);
    const found = items.find((item) => idOf(item) === id);
    const last = items.at(-1);
    if (found !== undefined || last === undefined || items.length < SEARCHED_AT_ONCE) return found ?? null;
    after = placeOf(last);
  }
};

/** The same grant always has the same id: an ARN would not go into a path. */
const idOf = (grant: GrantItem): string =>
  createHash("sha256").update(placeOf(grant)).digest("hex").slice(0, 24);

const principalOf = (named: CreateGrantBody["principal"]): Principal => {
  if ("token" in named) return { kind: "token", id: named.token };
  return "member" in named ? { kind: "member", id: named.member } : { kind: "iam", id: named.iam };
};

const namedAs = ({ kind, id }: Principal): Grant["principal"] => {
  if (kind === "token") return { token: id };
  return kind === "member" ? { member: id } : { iam: id };
};

const toGrant = (grant: GrantItem): Grant => ({
  grant: idOf(grant),
  principal: namedAs(grant.principal),
  study: grant.study,
  role: grant.role,
  created: timestamp(grant.created),
  createdBy: grant.createdBy,
});
