import type { Caller } from "../../auth/authorize.ts";
import { type Credential, matchesHash, parseCredential } from "../../auth/token.ts";
import { findToken, type TokenItem, teamOfToken } from "../../store/token.ts";
import { findJob } from "../../store/trial.ts";
import type { ServiceDeps } from "../core/deps.ts";

/** What the path of a request names, as far as a credential depends on it. */
export interface PathTarget {
  readonly team: string | null;
  readonly study: string | null;
  readonly trial: number | null;
}

/** All that looking up a credential needs. */
export type LookupDeps = Pick<ServiceDeps, "store" | "clock">;

type Refusal = Extract<Caller, { readonly kind: "refused" }>["why"];

const refused = (why: Refusal): Caller => ({ kind: "refused", why });

/**
 * Finds out who calls. A user's token is looked up in the path's team; only if it is not there, in its own. A job's token
 * is compared with the hashes on the trial that the path names.
 * @param header the Authorization header.
 * @throws Unavailable when the store is; a credential that is not valid is a caller of the kind "refused".
 */
export const authenticate = async (
  deps: LookupDeps,
  header: string | undefined,
  target: PathTarget,
): Promise<Caller> => {
  if (header === undefined || header.trim() === "") return refused({ kind: "credential-missing" });
  const credential = parseCredential(header);
  if (credential === null) return refused({ kind: "credential-malformed" });
  return credential.kind === "token"
    ? authenticateUser(deps, credential, target.team)
    : authenticateJob(deps, credential, target);
};

const authenticateUser = async (
  deps: LookupDeps,
  { id, token }: Extract<Credential, { kind: "token" }>,
  team: string | null,
): Promise<Caller> => {
  const item = (team && (await findToken(deps.store, team, id))) || (await findElsewhere(deps, id));
  if (item === null || !matchesHash(token, item.hash)) return refused({ kind: "credential-unknown" });
  // DynamoDB deletes late, so an expired token may still be there.
  if (item.expires <= deps.clock()) {
    return refused({ kind: "credential-expired", expired: new Date(item.expires).toISOString() });
  }
  return { kind: "token", team: item.team, id, role: item.role, study: item.study };
};

const findElsewhere = async (deps: LookupDeps, id: string): Promise<TokenItem | null> => {
  const team = await teamOfToken(deps.store, id);
  return team === null ? null : findToken(deps.store, team, id);
};

const authenticateJob = async (
  deps: LookupDeps,
  { kind, attempt, token }: Extract<Credential, { kind: "bootstrap" | "trial" }>,
  { team, study, trial }: PathTarget,
): Promise<Caller> => {
  if (team === null || study === null || trial === null) return refused({ kind: "job-token-elsewhere" });
  const job = await findJob(deps.store, study, trial);
  const hash = kind === "bootstrap" ? job?.bootstrapHash : job?.tokenHash;
  if (hash === undefined || hash === null || !matchesHash(token, hash)) {
    return refused({ kind: "job-token-stale" });
  }
  // Whether the study belongs to the path's team is checked by the handler, which loads it.
  return { kind, team, study, trial, attempt };
};
