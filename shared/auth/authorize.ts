import { Forbidden, NotFound, StudyNotFound, Unauthenticated } from "../errors.ts";
import type { Role } from "../schemas/token.ts";

/** What a caller may or may not do. Each route names one. */
export type Action =
  | "study:create"
  | "study:list"
  | "study:read"
  | "study:update"
  | "study:delete"
  | "study:run"
  | "trial:ask"
  | "trial:report"
  | "trial:tell"
  | "trial:claim"
  | "trial:add"
  | "trial:read"
  | "credentials:create"
  | "sweep:create"
  | "sweep:list"
  | "sweep:read"
  | "sweep:update"
  | "sweep:delete"
  | "sweep:run"
  | "token:create"
  | "token:list"
  | "token:rotate"
  | "token:delete"
  | "member:create"
  | "member:list"
  | "member:delete"
  | "grant:create"
  | "grant:list"
  | "grant:delete"
  | "audit:read"
  | "team:read"
  | "team:update"
  | "team:delete";

/** What a token or an IAM principal was given, as it is now. */
export interface Rights {
  /** In the whole team; null: none. */
  readonly role: Role | null;
  /** The one study that the credential is restricted to, or null. */
  readonly study: string | null;
  /** What grants add for the study that the path names; null: nothing, or the path names none. */
  readonly granted: Role | null;
}

/** Who calls, as the authorizer found out. */
export type Caller =
  /** A person or program with an API token, which may belong to a member. */
  | (Rights & {
      readonly kind: "token";
      readonly team: string;
      readonly id: string;
      readonly member: string | null;
      /** Set when it is time to note that the token is used. */
      readonly isUseDue?: true;
    })
  /** An AWS principal: `id` is its ARN, or the id of the session that it got from Hone. */
  | (Rights & { readonly kind: "iam"; readonly team: string; readonly id: string })
  /** The container of one attempt: `bootstrap` may only claim, `trial` may do everything else of its own trial. */
  | {
      readonly kind: "bootstrap" | "trial";
      readonly team: string;
      readonly study: string;
      readonly trial: number;
      readonly attempt: number;
    }
  /** No credential, or one that is unknown, expired or revoked. */
  | { readonly kind: "refused"; readonly why: Unauthenticated["facts"] };

/** What an action is done to: the study and the trial that the path names, the attempt that the body names. */
export interface Target {
  readonly team: string;
  readonly study?: string;
  readonly trial?: number;
  readonly attempt?: number;
  /** Whether jobs run the trials of the study. */
  readonly hasJobs?: boolean;
}

export type KnownCaller = Exclude<Caller, { readonly kind: "refused" }>;
type Job = Extract<Caller, { readonly kind: "bootstrap" | "trial" }>;

const read: readonly Action[] = ["study:list", "study:read", "trial:read"];
const look: readonly Action[] = [...read, "sweep:list", "sweep:read", "team:read"];
const work: readonly Action[] = ["trial:ask", "trial:report", "trial:tell"];
const edit: readonly Action[] = [
  "study:create",
  "study:update",
  "study:delete",
  "study:run",
  "trial:add",
  "credentials:create",
  "sweep:create",
  "sweep:update",
  "sweep:delete",
  "sweep:run",
];
const own: readonly Action[] = [
  "token:create",
  "token:list",
  "token:rotate",
  "token:delete",
  "member:create",
  "member:list",
  "member:delete",
  "grant:create",
  "grant:list",
  "grant:delete",
  "audit:read",
  "team:update",
  "team:delete",
];

/**
 * The access matrix. A worker runs trials, and changes no study. It reads a study that it was given alone, by its token or
 * by a grant; a worker of the whole team reads none, because an ask gives it all that it needs.
 */
export const roleActions: Readonly<Record<Role, ReadonlySet<Action>>> = {
  viewer: new Set(look),
  worker: new Set<Action>([...work, "study:read", "trial:read"]),
  editor: new Set([...look, ...work, ...edit]),
  owner: new Set([...look, ...work, ...edit, ...own]),
};

const jobActions: Readonly<Record<Job["kind"], ReadonlySet<Action>>> = {
  bootstrap: new Set<Action>(["trial:claim"]),
  trial: new Set<Action>(["trial:report", "trial:tell"]),
};

/**
 * Lets a known caller into its own team, before anything of that team is read.
 * @throws Unauthenticated for a refused credential; NotFound, as if it did not exist, for another's team.
 */
export function authorizeTeam(caller: Caller, team: string): asserts caller is KnownCaller {
  if (caller.kind === "refused") throw new Unauthenticated(caller.why);
  if (caller.team !== team) throw new NotFound({ kind: "another-team" });
}

/**
 * Lets a caller of the team know whether a study exists, before it is looked up: without any right to it the answer must be
 * the same, and take as long, whether it does or not.
 * @throws StudyNotFound
 */
export const authorizeStudy = (caller: KnownCaller, study: string): void => {
  const isElsewhere = caller.study !== null && caller.study !== study;
  if (isElsewhere || ("role" in caller && strongestOf(caller) === null)) throw new StudyNotFound(study);
};

/**
 * Lets the caller do `action` to `target`, or throws; deny by default.
 * @throws Unauthenticated for a refused credential; NotFound or StudyNotFound, as if it did not exist, for what
 *   belongs to others or what the caller has no right to; Forbidden when its rights do not allow the action.
 */
export const authorize = (caller: Caller, action: Action, target: Target): void => {
  authorizeTeam(caller, target.team);
  if ("trial" in caller) authorizeJob(caller, action, target);
  else if (target.study === undefined) authorizeInTeam(caller, action);
  else {
    authorizeStudy(caller, target.study);
    // Or a session could be prolonged for ever.
    const isSession = caller.kind === "iam" && caller.study !== null;
    if (isSession && action === "credentials:create") throw new Forbidden({ kind: "session-makes-none" });
    authorizeInStudy(caller, action);
    if (target.hasJobs === true && ofJobs.has(action) && !mayEdit(caller)) {
      throw new Forbidden({ kind: "told-by-its-job" });
    }
  }
};

/** What the trial of a batch study is told by its own job, or by whoever may change the study. */
const ofJobs: ReadonlySet<Action> = new Set<Action>(["trial:report", "trial:tell"]);

/** Whether the caller may change the study that the path names: it then sees how its jobs are made, too. */
export const mayEdit = (caller: KnownCaller): boolean =>
  !("trial" in caller) &&
  [caller.role, caller.granted].some((role) => role !== null && roleActions[role].has("study:update"));

/** How a caller is named on what it told in place of a job: a member by name, others by the id of their token or session. */
export const tellerOf = (caller: Caller): string | null => {
  if (caller.kind === "token") return caller.member ?? `token ${caller.id}`;
  // Of an ARN the name alone: an account is nobody's business.
  return caller.kind === "iam" ? `iam ${caller.id.replace(/^.*\//, "")}` : null;
};

/** The one that a refusal names: what was given in the team, or else for the study. */
const strongestOf = ({ role, granted }: Rights): Role | null => role ?? granted;

const authorizeInTeam = ({ role, study }: Rights, action: Action): void => {
  if (study !== null) throw new Forbidden({ kind: "token-of-one-study", study });
  if (role === null) throw new Forbidden({ kind: "no-role", action });
  if (!roleActions[role].has(action)) throw new Forbidden({ kind: "role-not-allowed", role, action });
};

const authorizeInStudy = (rights: Rights, action: Action): void => {
  const { role, study, granted } = rights;
  const isBlind = role === "worker" && study === null && read.includes(action);
  const allows = (given: Role | null) => given !== null && roleActions[given].has(action);
  if (allows(granted) || (allows(role) && !isBlind)) return;
  if (isBlind) throw new Forbidden({ kind: "worker-without-study" });
  throw new Forbidden({ kind: "role-not-allowed", role: strongestOf(rights) ?? "none", action });
};

const authorizeJob = (caller: Job, action: Action, target: Target): void => {
  if (target.study !== caller.study) throw new StudyNotFound(target.study ?? "");
  if (target.trial !== caller.trial) throw new Forbidden({ kind: "token-of-one-trial" });
  if (target.attempt !== undefined && target.attempt !== caller.attempt) {
    throw new Forbidden({ kind: "token-of-one-attempt", attempt: caller.attempt });
  }
  if (!jobActions[caller.kind].has(action))
    throw new Forbidden({ kind: "job-token-not-allowed", token: caller.kind, action });
};
