import type { Caller } from "../../auth/authorize.ts";
import { type Credential, matchesHash, parseCredential } from "../../auth/token.ts";
import { trialKey } from "../../store/keys.ts";
import { findToken, type TokenItem, teamOfToken } from "../../store/team.ts";
import { readTrialItem } from "../../store/trial.ts";
import type { ServiceDeps } from "../core/deps.ts";

/** What the path of a request names, as far as a credential depends on it. */
export interface Place {
  readonly team: string | null;
  readonly study: string | null;
  readonly trial: number | null;
}

/** All that looking a credential up needs. */
export type LookupDeps = Pick<ServiceDeps, "store" | "clock">;

const refused = (reason: string): Caller => ({ kind: "refused", reason });

const UNKNOWN = refused("The token is unknown, revoked or mistyped.");

/**
 * Who calls. A user's token is looked up in the path's team; only if it is not there, in its own. A job's token is
 * compared with the hashes on the trial that the path names.
 * @param header the Authorization header.
 * @throws Unavailable when the store is; a credential that is no good is a caller of the kind "refused".
 */
export const authenticate = async (
  deps: LookupDeps,
  header: string | undefined,
  place: Place,
): Promise<Caller> => {
  const credential = parseCredential(header);
  if (credential === null)
    return refused("This is not a token of Hone's. Send Authorization: Bearer hone_...");
  return credential.kind === "token"
    ? authenticateUser(deps, credential, place.team)
    : authenticateJob(deps, credential, place);
};

const authenticateUser = async (
  deps: LookupDeps,
  { id, token }: Extract<Credential, { kind: "token" }>,
  team: string | null,
): Promise<Caller> => {
  const item = (team && (await findToken(deps.store, team, id))) || (await findElsewhere(deps, id));
  if (item === null || !matchesHash(token, item.hash)) return UNKNOWN;
  // DynamoDB deletes late, so an expired token may still be there.
  if (item.expires <= deps.clock()) {
    return refused(`The token expired at ${new Date(item.expires).toISOString()}. Create another.`);
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
  { team, study, trial }: Place,
): Promise<Caller> => {
  if (team === null || study === null || trial === null)
    return refused("A job's token opens its own trial alone.");
  const item = await deps.store.get(trialKey(study, trial));
  const job = item === null ? null : readTrialItem(study, item).job;
  const hash = kind === "bootstrap" ? job?.bootstrapHash : job?.tokenHash;
  if (hash === undefined || hash === null || !matchesHash(token, hash)) {
    return refused("The token is not one of this trial's current attempt. Stop this run.");
  }
  // That the study is of the path's team is for the handler to see, which loads it.
  return { kind, team, study, trial, attempt };
};
