import * as z from "zod";
import { authorizeTeam, type Caller } from "../../shared/auth/authorize.ts";
import { Unavailable } from "../../shared/errors.ts";
import { Role, TokenId } from "../../shared/schemas/token.ts";
import { authenticateIam } from "../../shared/service/access/authenticate-iam.ts";
import type { ApiDeps } from "../../shared/service/core/deps.ts";
import type { Who } from "../../shared/store/audit.ts";
import { Id, SafeInt } from "../../shared/values.ts";
import type { ApiEvent, AuthorizerContext, Middleware } from "./event.ts";

const job = { team: Id, study: Id, trial: SafeInt, attempt: SafeInt };

/** While a deployment replaces one Lambda after the other, the authorizer's reasons may be older or newer than these. */
const Refusal = z.discriminatedUnion("kind", [
  z.object({
    kind: z.enum([
      "credential-missing",
      "credential-malformed",
      "credential-unknown",
      "job-token-elsewhere",
      "job-token-stale",
      "team-deleted",
      "not-signed",
      "identity-unknown",
      "session-ended",
    ]),
  }),
  z.object({ kind: z.literal("credential-expired"), expired: z.string() }),
  z.object({ kind: z.literal("credential-replaced"), ended: z.string() }),
]);

/** The caller as the authorizer passes it on. `unavailable`: the token could not be looked up. */
const Handed = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("token"),
    team: Id,
    id: TokenId,
    role: Role.nullable(),
    study: Id.nullable(),
    // Not from an authorizer of a version that did not know them.
    member: Id.nullable().default(null),
    granted: Role.nullable().default(null),
    isUseDue: z.literal(true).optional(),
  }),
  z.object({ kind: z.literal("bootstrap"), ...job }),
  z.object({ kind: z.literal("trial"), ...job }),
  z.object({ kind: z.literal("refused"), why: Refusal.catch({ kind: "credential-unknown" }) }),
  z.object({ kind: z.literal("unavailable") }),
]);

export type Handed = z.infer<typeof Handed>;

/**
 * Reads the caller from the authorizer's context, or finds out whose signature it is; without either the request has no rights. The caller's team must be that of
 * the path: see `docs/decisions/0001-refusals-in-the-handler.md`.
 */
export const caller = (deps: () => ApiDeps): Middleware => ({
  before: async ({ event }) => {
    event.caller = await identify(deps, event);
    if (event.match.route === "health") return;
    authorizeTeam(event.caller, event.match.path.team);
  },
});

const NOBODY: Caller = { kind: "refused", why: { kind: "credential-missing" } };

const UNSIGNED: Caller = { kind: "refused", why: { kind: "not-signed" } };

/** What API Gateway tells of a signed request. */
const Signed = z.object({ accountId: z.string(), userArn: z.string() });

/** Each gate's context counts below its own path only; a request that carries the other's as well has come another way. */
const identify = async (deps: () => ApiDeps, { match, requestContext }: ApiEvent): Promise<Caller> => {
  const { lambda, iam } = (requestContext.authorizer ?? {}) as Contexts;
  if (match.gate === "open") return NOBODY;
  if (match.gate === "bearer") return lambda && !iam ? readHanded(lambda) : NOBODY;
  const signed = Signed.safeParse(iam);
  if (lambda || !signed.success) return UNSIGNED;
  const { accountId: account, userArn: arn } = signed.data;
  const { team, study } = match.path;
  const place = { team, study: study === "" ? null : study, closes: match.route === "deleteTeam" };
  return authenticateIam(deps(), { account, arn }, place);
};

interface Contexts {
  readonly lambda?: AuthorizerContext | null;
  readonly iam?: unknown;
}

const readHanded = ({ caller: context }: AuthorizerContext): Caller => {
  if (context === undefined) return NOBODY;
  const handed = Handed.parse(JSON.parse(context));
  if (handed.kind === "unavailable") throw new Unavailable({ kind: "token-unchecked" });
  return handed;
};

/** The caller as the audit trail names it; contains no secret. */
export const whoIs = (caller: Caller): Who => {
  if (caller.kind === "iam") return { kind: "iam", id: caller.id };
  if (caller.kind === "token") {
    return { kind: "token", id: caller.id, ...(caller.member !== null && { member: caller.member }) };
  }
  if (caller.kind === "refused") return { kind: "nobody", id: "" };
  return { kind: "job", id: `${caller.study}/${caller.trial}/${caller.attempt}` };
};

/** Identifies the caller in receipts and logs; contains no secret. */
export const identityOf = (caller: Caller): string => {
  if (caller.kind === "refused") return "refused";
  if ("role" in caller) return `${caller.kind} ${caller.team} ${caller.id}`;
  return `${caller.kind} ${caller.team} ${caller.study} ${caller.trial} ${caller.attempt}`;
};
