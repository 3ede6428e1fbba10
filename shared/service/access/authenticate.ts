import type { Caller } from "../../auth/authorize.ts";
import { type Credential, matchesHash, parseCredential } from "../../auth/token.ts";
import { findSpec } from "../../store/spec.ts";
import type { Store } from "../../store/store.ts";
import { isTeamClosed } from "../../store/team-deletion.ts";
import { findToken, isUseDue, type TokenItem, teamOfToken } from "../../store/token.ts";
import { findJob, type Job } from "../../store/trial.ts";
import { partId, placeInParts } from "../../study/parts.ts";
import type { StudySpec } from "../../study/study.ts";
import type { ServiceDeps } from "../core/deps.ts";
import { accessOfToken } from "./resolve.ts";

/** What the path of a request names, as far as a credential depends on it. */
export interface PathTarget {
  readonly team: string | null;
  readonly study: string | null;
  readonly trial: number | null;
  /** Whether the request deletes the team: repeated, it is answered although the team is being deleted. */
  readonly closes?: boolean;
}

/** All that looking up a credential needs. */
export type LookupDeps = Pick<ServiceDeps, "store" | "clock">;

/** Who calls with a bearer token. */
export type Bearer = Exclude<Caller, { readonly kind: "iam" }>;

type Refusal = Extract<Caller, { readonly kind: "refused" }>["why"];

const refused = (why: Refusal): Bearer => ({ kind: "refused", why });

/**
 * Finds out who calls. A user's token is looked up in the path's team; only if it is not there, in its own; what it may do
 * is what it, its member and their grants have now. A job's token
 * is compared with the hashes on the trial that the path names.
 * @param header the Authorization header.
 * @throws Unavailable when the store is; a credential that is not valid is a caller of the kind "refused".
 */
export const authenticate = async (
  deps: LookupDeps,
  header: string | undefined,
  target: PathTarget,
): Promise<Bearer> => {
  if (header === undefined || header.trim() === "") return refused({ kind: "credential-missing" });
  const credential = parseCredential(header);
  if (credential === null) return refused({ kind: "credential-malformed" });
  const [caller, isClosed] = await Promise.all([
    credential.kind === "token"
      ? authenticateUser(deps, credential, target)
      : authenticateJob(deps, credential, target),
    target.team !== null && target.closes !== true && isTeamClosed(deps.store, target.team),
  ]);
  if (isClosed && caller.kind !== "refused" && caller.team === target.team) {
    return refused({ kind: "team-deleted" });
  }
  return caller;
};

const authenticateUser = async (
  deps: LookupDeps,
  { id, token }: Extract<Credential, { kind: "token" }>,
  { team, study }: PathTarget,
): Promise<Bearer> => {
  const item = (team && (await findToken(deps.store, team, id))) || (await findElsewhere(deps, id));
  const secret = item === null ? null : secretOf(item, token);
  if (item === null || secret === null) return refused({ kind: "credential-unknown" });
  // DynamoDB deletes late, so an expired token may still be there.
  if (item.expires <= deps.clock()) {
    return refused({ kind: "credential-expired", expired: new Date(item.expires).toISOString() });
  }
  if (secret.until <= deps.clock()) {
    return refused({ kind: "credential-replaced", ended: new Date(secret.until).toISOString() });
  }
  const access = await accessOfToken(deps.store, item, item.team === team ? study : null);
  if (access === null) return refused({ kind: "credential-unknown" });
  return {
    kind: "token",
    team: item.team,
    id,
    member: item.member,
    study: item.study,
    ...access,
    ...(isUseDue(item, deps.clock()) && { isUseDue: true }),
  };
};

/** Which of a token's secrets this is, and how long it is valid if the token is; null: none of them. */
const secretOf = ({ hash, former }: TokenItem, token: string): { readonly until: number } | null => {
  if (matchesHash(token, hash)) return { until: Number.POSITIVE_INFINITY };
  return former !== null && matchesHash(token, former.hash) ? former : null;
};

const findElsewhere = async (deps: LookupDeps, id: string): Promise<TokenItem | null> => {
  const team = await teamOfToken(deps.store, id);
  return team === null ? null : findToken(deps.store, team, id);
};

const authenticateJob = async (
  deps: LookupDeps,
  { kind, attempt, token }: Extract<Credential, { kind: "bootstrap" | "trial" }>,
  { team, study, trial }: PathTarget,
): Promise<Bearer> => {
  if (team === null || study === null || trial === null) return refused({ kind: "job-token-elsewhere" });
  const job = (await findJob(deps.store, study, trial)) ?? (await findPartJob(deps.store, study, trial));
  const hash = kind === "bootstrap" ? job?.bootstrapHash : job?.tokenHash;
  if (hash === undefined || hash === null || !matchesHash(token, hash)) {
    return refused({ kind: "job-token-stale" });
  }
  // Whether the study belongs to the path's team is checked by the handler, which loads it.
  return { kind, team, study, trial, attempt };
};

/** The job of a trial of nested cross-validation: its number says which part of the study holds it, once the folds are known. */
const findPartJob = async (store: Store, study: string, trial: number): Promise<Job | null> => {
  const spec = await findSpec(store, study);
  const nested = (spec as StudySpec | null)?.nested;
  if (nested === undefined) return null;
  const { part, own } = placeInParts(nested, trial);
  return findJob(store, partId(study, part), own);
};
