import { issueToken } from "../../auth/token.ts";
import { NotFound, ShownOnce } from "../../errors.ts";
import { TOKEN_ID } from "../../patterns.ts";
import type { PageQuery } from "../../schemas/study.ts";
import type { CreatedToken, CreateTokenBody, Token, TokenPage } from "../../schemas/token.ts";
import { hasTeam } from "../../store/team.ts";
import { listTokenItems, newToken, removeToken, TOKEN, type TokenItem } from "../../store/token.ts";
import { timestamp } from "../../study/view.ts";
import { commit } from "../core/commit.ts";
import { cursorsOf } from "../core/cursor.ts";
import type { ServiceDeps, WriteContext } from "../core/deps.ts";
import { creationRefusals } from "./creation-limits.ts";

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
  const reply = await commit<Token | CreatedToken>(deps, write, async () => {
    if (!(await hasTeam(deps.store, team))) throw new NotFound({ kind: "no-team", team });
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
    return {
      changes: newToken(item),
      answer: { ...toToken(item), token },
      remembered: toToken(item),
      refusals: creationRefusals(now),
    };
  });
  if ("token" in reply) return reply;
  throw new ShownOnce({ kind: "secret-shown", id: reply.id });
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
 * Revokes a token; it stops working at once.
 * @throws NotFound
 */
export const deleteToken = (deps: Deps, team: string, id: string, write: WriteContext): Promise<null> =>
  commit(deps, write, async () => ({
    changes: removeToken(team, id),
    answer: null,
    refusals: { [TOKEN]: () => new NotFound({ kind: "no-token", id }) },
  }));

const toToken = (item: TokenItem): Token => ({
  id: item.id,
  name: item.name,
  role: item.role,
  study: item.study,
  created: timestamp(item.created),
  expires: timestamp(item.expires),
});
