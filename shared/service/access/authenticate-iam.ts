import type { Caller } from "../../auth/authorize.ts";
import { type Access, includes, withGrants } from "../../auth/roles.ts";
import { SESSION_NAME } from "../../ports.ts";
import type { SessionRole } from "../../schemas/credentials.ts";
import type { Role } from "../../schemas/token.ts";
import { findSession, type SessionItem } from "../../store/session.ts";
import type { Store } from "../../store/store.ts";
import { isTeamClosed } from "../../store/team-deletion.ts";
import { findToken } from "../../store/token.ts";
import type { ApiDeps } from "../core/deps.ts";
import { accessOfToken, resolveAccess } from "./resolve.ts";

/** Who signed a request, as API Gateway found out. */
export interface Signer {
  readonly account: string;
  readonly arn: string;
}

/** What the path of a request names. */
interface Place {
  readonly team: string;
  readonly study: string | null;
  /** Whether the request deletes the team: repeated, it is answered although the team is being deleted. */
  readonly closes?: boolean;
}

type Deps = Pick<ApiDeps, "store" | "clock"> & {
  readonly identities: Pick<ApiDeps["identities"], "teamRoles" | "sessionsRole">;
};

type Refusal = Extract<Caller, { readonly kind: "refused" }>["why"];

const refused = (why: Refusal): Caller => ({ kind: "refused", why });

/** A session of a role, as STS names it. */
const ASSUMED = /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/([\w+=,.@-]{1,64})\/([\w+=,.@-]{2,64})$/;

/**
 * Finds out who signed a request, and what that principal may do. AWS has checked the signature, and the policies of the
 * role; API Gateway hands on no tags, so the name of the role says which team it is, once more.
 */
export const authenticateIam = async (deps: Deps, signer: Signer, place: Place): Promise<Caller> => {
  const [caller, isClosed] = await Promise.all([
    signerOf(deps, signer, place),
    place.closes !== true && isTeamClosed(deps.store, place.team),
  ]);
  const isOfTeam = caller.kind !== "refused" && caller.team === place.team;
  return isClosed && isOfTeam ? refused({ kind: "team-deleted" }) : caller;
};

const signerOf = async (deps: Deps, signer: Signer, place: Place): Promise<Caller> => {
  const [, partition, account, name, session = ""] = ASSUMED.exec(signer.arn) ?? [];
  if (name === undefined || account !== signer.account) return refused({ kind: "identity-unknown" });
  const role = `arn:${partition}:iam::${account}:role/${name}`;
  const { teamRoles, sessionsRole } = deps.identities;
  if (role === sessionsRole) return holderOf(deps, session, place.team);
  if (!role.startsWith(teamRoles)) return refused({ kind: "identity-unknown" });
  const team = role.slice(teamRoles.length);
  const access = team === place.team ? await accessOfArn(deps.store, team, signer.arn, place.study) : NONE;
  return { kind: "iam", team, id: signer.arn, study: null, ...access };
};

const NONE: Access = { role: null, granted: null };

/** A session that Hone made: its right ends with that of whoever asked for it. */
const holderOf = async (deps: Deps, name: string, team: string): Promise<Caller> => {
  const id = name.startsWith(SESSION_NAME) ? name.slice(SESSION_NAME.length) : "";
  const session = id === "" ? null : await findSession(deps.store, team, id);
  if (session === null || session.expires <= deps.clock() || !(await isStillAllowed(deps, session))) {
    return refused({ kind: "session-ended" });
  }
  return { kind: "iam", team, id, role: null, study: session.study, granted: session.role };
};

/** Whether whoever made the session could give it its role now. */
const isStillAllowed = async (deps: Deps, { team, study, role, maker }: SessionItem): Promise<boolean> => {
  const access =
    maker.kind === "iam"
      ? await accessOfArn(deps.store, team, maker.id, study)
      : await accessOfMaker(deps, team, maker.id, study);
  return access !== null && mayGive(access, role);
};

/** What a token may do in a study now; null when it is no more. */
const accessOfMaker = async (
  { store, clock }: Deps,
  team: string,
  id: string,
  study: string,
): Promise<Access | null> => {
  const token = await findToken(store, team, id);
  if (token === null || token.expires <= clock()) return null;
  return accessOfToken(store, token, study);
};

/** Whether somebody's rights include those of a role. */
export const mayGive = ({ role, granted }: Access, other: SessionRole): boolean =>
  [role, granted].some((own) => own !== null && includes(own, other));

/** What grants give a session of a team's role: those to it by its own ARN, and those to the whole role. */
const accessOfArn = async (
  store: Store,
  team: string,
  arn: string,
  study: string | null,
): Promise<Access> => {
  const grantsTo = (id: string) => resolveAccess(store, team, { kind: "iam", id }, study);
  const [own, all] = await Promise.all([grantsTo(arn), grantsTo(roleOf(arn))]);
  return withGrants(own.role, { role: all.role, granted: together(own.granted, all.granted) });
};

const roleOf = (arn: string): string => {
  const [, partition, account, name] = ASSUMED.exec(arn) ?? [];
  return `arn:${partition}:iam::${account}:role/${name}`;
};

/** In a single study a worker may read it, too, so of two roles one always includes the other there. */
const together = (one: Role | null, other: Role | null): Role | null => {
  if (one === null || other === null) return one ?? other;
  if (includes(one, other)) return one;
  return includes(other, one) ? other : "worker";
};
