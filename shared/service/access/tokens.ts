import { issueSecret, issueToken } from "../../auth/token.ts";
import { Conflict, NotFound, ShownOnce } from "../../errors.ts";
import { TOKEN_ID } from "../../patterns.ts";
import type { PageQuery } from "../../schemas/study.ts";
import type {
  CreatedToken,
  CreateTokenBody,
  RotateTokenBody,
  Token,
  TokenPage,
} from "../../schemas/token.ts";
import { grantsTo, removeGrant } from "../../store/grant.ts";
import { checkMember, MEMBER } from "../../store/member.ts";
import { hasTeam } from "../../store/team.ts";
import {
  findToken,
  listTokenItems,
  newToken,
  removeToken,
  rotate,
  type TokenItem,
} from "../../store/token.ts";
import { timestamp } from "../../study/view.ts";
import { commit } from "../core/commit.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { creationRefusals } from "./creation-limits.ts";

const DEFAULT_DAYS = 90;
const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;
/** Long enough to hand the new secret to everything that holds the former one. */
const DEFAULT_FORMER_HOURS = 24;
const PAGE = 100;

type Deps = Pick<ServiceDeps, "store" | "clock" | "randomBytes">;

/**
 * Creates a token. The secret is in this answer and nowhere else: not in the store, not in the receipt.
 * @param createdBy id of the token that asks, or "admin".
 * @throws ShownOnce when an Idempotency-Key is repeated, NotFound for an unknown team, RateLimited.
 */
export const createToken = async (
  deps: Deps,
  team: string,
  body: CreateTokenBody,
  createdBy: string,
  write: WriteContext,
): Promise<CreatedToken> => {
  const plan = async () => {
    if (!(await hasTeam(deps.store, team))) throw new NotFound({ kind: "no-team", team });
    const now = deps.clock();
    const { id, token, hash } = issueToken(deps.randomBytes);
    const item = {
      team,
      id,
      name: body.name,
      role: body.role ?? null,
      member: body.member ?? null,
      study: body.study ?? null,
      hash,
      created: now,
      expires: now + (body.days ?? DEFAULT_DAYS) * DAY_MS,
      createdBy,
      grants: 0,
    };
    return {
      changes: [...newToken(item), ...(item.member === null ? [] : [checkMember(team, item.member)])],
      answer: { ...toToken({ ...item, former: null, used: null }), token },
      remembered: { id },
      refusals: {
        ...creationRefusals(now),
        [MEMBER]: () => new NotFound({ kind: "no-member", name: body.member ?? "" }),
      },
    };
  };
  return commit<CreatedToken, Pick<Token, "id">>(deps, write, plan, { recall: refuseToShowAgain });
};

const refuseToShowAgain = async ({ id }: Pick<Token, "id">) => {
  throw new ShownOnce({ kind: "secret-shown", id });
};

/**
 * Gives a token a new secret. The former one stays valid for a while, so that whatever holds it can be changed over; while it
 * is, there is no third.
 * @throws ShownOnce when an Idempotency-Key is repeated, NotFound, Conflict.
 */
export const rotateToken = async (
  deps: Deps,
  team: string,
  id: string,
  { formerHours = DEFAULT_FORMER_HOURS, days }: RotateTokenBody,
  write: WriteContext,
): Promise<CreatedToken> => {
  const plan = async () => {
    const now = deps.clock();
    const item = await tokenOf(deps, team, id);
    const { former } = item;
    if (formerHours > 0 && former !== null && former.until > now)
      throw new Conflict({ kind: "rotated-lately", until: timestamp(former.until) });
    const { token, hash } = issueSecret(id, deps.randomBytes);
    const expires = days === undefined ? item.expires : now + days * DAY_MS;
    const until = formerHours === 0 ? null : Math.min(now + formerHours * HOUR_MS, item.expires);
    const rotated = { ...item, expires, former: until === null ? null : { hash: item.hash, until } };
    return {
      changes: rotate(item, hash, until, expires),
      answer: { ...toToken(rotated), token },
      remembered: { id },
    };
  };
  return commit<CreatedToken, Pick<Token, "id">>(deps, write, plan, { recall: refuseToShowAgain });
};

const tokenOf = async ({ store }: Pick<Deps, "store">, team: string, id: string): Promise<TokenItem> => {
  const item = await findToken(store, team, id);
  if (item === null) throw new NotFound({ kind: "no-token", id });
  return item;
};

/**
 * A page of the team's tokens, expired ones included, in order of their ids.
 * @throws InvalidInput for a cursor that is not one of this list.
 */
export const listTokens = async (
  deps: Pick<Deps, "store">,
  team: string,
  { cursor, limit = PAGE }: PageQuery,
): Promise<TokenPage> => {
  const cursors = cursorsOf(`tokens of ${team}`, TOKEN_ID);
  const items = await listTokenItems(deps.store, team, cursors.read(cursor) ?? "", limit);
  const last = items.at(-1);
  return {
    tokens: items.map(toToken),
    cursor: items.length < limit || last === undefined ? null : cursors.write(last.id),
  };
};

/**
 * Revokes a token, with the grants that name it; it stops working at once.
 * @throws NotFound
 */
export const deleteToken = (deps: Deps, team: string, id: string, write: WriteContext): Promise<null> =>
  commit(deps, write, async () => {
    const item = await tokenOf(deps, team, id);
    const grants = item.grants === 0 ? [] : await grantsTo(deps.store, team, { kind: "token", id });
    return { changes: [...removeToken(item), ...grants.map(removeGrant)], answer: null };
  });

const toToken = (item: Omit<TokenItem, "hash">): Token => ({
  id: item.id,
  name: item.name,
  role: item.role,
  member: item.member,
  study: item.study,
  created: timestamp(item.created),
  expires: timestamp(item.expires),
  formerExpires: item.former === null ? null : timestamp(item.former.until),
  lastUsed: item.used === null ? null : timestamp(item.used),
});
