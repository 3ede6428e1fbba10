import * as z from "zod";
import { authorizeTeam, type Caller } from "../../shared/auth/authorize.ts";
import { Unavailable } from "../../shared/errors.ts";
import { Role, TokenId } from "../../shared/schemas/token.ts";
import { Id, SafeInt } from "../../shared/values.ts";
import type { ApiEvent, Middleware } from "./event.ts";

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
    ]),
  }),
  z.object({ kind: z.literal("credential-expired"), expired: z.string() }),
]);

/** The caller as the authorizer passes it on. `unavailable`: the token could not be looked up. */
const Handed = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("token"), team: Id, id: TokenId, role: Role, study: Id.nullable() }),
  z.object({ kind: z.literal("bootstrap"), ...job }),
  z.object({ kind: z.literal("trial"), ...job }),
  z.object({ kind: z.literal("refused"), why: Refusal.catch({ kind: "credential-unknown" }) }),
  z.object({ kind: z.literal("unavailable") }),
]);

export type Handed = z.infer<typeof Handed>;

/**
 * Reads the caller from the authorizer's context; without one the request has no rights. The caller's team must be that of
 * the path: see `docs/decisions/0001-refusals-in-the-handler.md`.
 */
export const caller = (): Middleware => ({
  before: ({ event }) => {
    event.caller = event.match.route === "health" ? NOBODY : readCaller(event);
    if (event.match.route === "health") return;
    authorizeTeam(event.caller, event.match.path.team);
  },
});

const NOBODY: Caller = { kind: "refused", why: { kind: "credential-missing" } };

const readCaller = (event: ApiEvent): Caller => {
  const context = event.requestContext.authorizer?.lambda?.caller;
  if (context === undefined) return NOBODY;
  const handed = Handed.parse(JSON.parse(context));
  if (handed.kind === "unavailable") throw new Unavailable({ kind: "token-unchecked" });
  return handed;
};

/** Identifies the caller in receipts and logs; contains no secret. */
export const identityOf = (caller: Caller): string => {
  if (caller.kind === "refused") return "refused";
  if (caller.kind === "token") return `token ${caller.team} ${caller.id}`;
  return `${caller.kind} ${caller.team} ${caller.study} ${caller.trial} ${caller.attempt}`;
};
