import { issueToken } from "../../auth/token.ts";
import { NotFound, ShownOnce } from "../../errors.ts";
import type { PageQuery } from "../../schemas/study.ts";
import type { CreatedToken, CreateTokenBody, Token, TokenPage } from "../../schemas/token.ts";
import { ConditionFailed } from "../../store/store.ts";
import {
  explainGuardFailure,
  hasTeam,
  listTokenItems,
  newToken,
  removeToken,
  type TokenItem,
} from "../../store/team.ts";
import { timestamp } from "../../study/view.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { once } from "../core/once.ts";

const DEFAULT_DAYS = 90;
const DAY_MS = 24 * 3600 * 1000;
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
  const reply = await once<Token | CreatedToken>(deps, write, async (acknowledge) => {
    if (!(await hasTeam(deps.store, team))) throw new NotFound(`There is no team ${team}.`);
    const now = deps.clock();
    const { id, token, hash } = issueToken(deps.randomBytes);
    const item: TokenItem = {
      team,
      id,
      name: body.name,
      role: body.role,
      study: body.study ?? null,
      hash,
      created: now,
      expires: now + (body.days ?? DEFAULT_DAYS) * DAY_MS,
      createdBy,
    };
    try {
      await deps.store.transact([...newToken(item), ...acknowledge(toToken(item))]);
    } catch (error) {
      if (error instanceof ConditionFailed) explainGuardFailure(error, now);
      throw error;
    }
    return { ...toToken(item), token };
  });
  if ("token" in reply) return reply;
  throw new ShownOnce(
    `This key created the token ${reply.id}, whose secret was shown then. Revoke it and create another.`,
  );
};

/** A page of the team's tokens, expired ones included, in order of their ids. */
export const listTokens = async (deps: Deps, team: string, query: PageQuery): Promise<TokenPage> => {
  const limit = query.limit ?? PAGE;
  const items = await listTokenItems(deps.store, team, query.cursor ?? "", limit);
  return { tokens: items.map(toToken), cursor: items.length < limit ? null : (items.at(-1)?.id ?? null) };
};

/**
 * Revokes a token; it stops working at once.
 * @throws NotFound
 */
export const deleteToken = (deps: Deps, team: string, id: string, write: WriteContext): Promise<null> =>
  once(deps, write, async (acknowledge) => {
    try {
      await deps.store.transact([...removeToken(team, id), ...acknowledge(null)]);
    } catch (error) {
      if (error instanceof ConditionFailed && error.names.has("token"))
        throw new NotFound(`There is no token ${id} in this team.`);
      throw error;
    }
    return null;
  });

const toToken = (item: TokenItem): Token => ({
  id: item.id,
  name: item.name,
  role: item.role,
  study: item.study,
  created: timestamp(item.created),
  expires: timestamp(item.expires),
});
