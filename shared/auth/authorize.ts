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
  | "token:create"
  | "token:list"
  | "token:delete";

/** Who calls, as the authorizer found out. */
export type Caller =
  /** A person or program with an API token; `study` restricts it to one study. */
  | {
      readonly kind: "token";
      readonly team: string;
      readonly id: string;
      readonly role: Role;
      readonly study: string | null;
    }
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

/** What an action is done to: the loaded study, the trial that the path names, the attempt that the body names. */
export interface Target {
  readonly team: string;
  readonly study?: string;
  readonly trial?: number;
  readonly attempt?: number;
}

type KnownCaller = Exclude<Caller, { readonly kind: "refused" }>;

const read: readonly Action[] = ["study:list", "study:read", "trial:read"];
const work: readonly Action[] = ["trial:ask", "trial:report", "trial:tell"];
const edit: readonly Action[] = ["study:create", "study:update", "study:delete", "study:run", "trial:add"];
const own: readonly Action[] = ["token:create", "token:list", "token:delete"];

/**
 * The access matrix. A worker runs trials, and changes no study. It reads the study that its token is restricted to; a
 * worker of the whole team reads none, because an ask gives it all that it needs.
 */
export const roleActions: Readonly<Record<Role, ReadonlySet<Action>>> = {
  viewer: new Set(read),
  worker: new Set<Action>([...work, "study:read", "trial:read"]),
  editor: new Set([...read, ...work, ...edit]),
  owner: new Set([...read, ...work, ...edit, ...own]),
};

const jobActions: Readonly<Record<"bootstrap" | "trial", ReadonlySet<Action>>> = {
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
 * Lets the caller do `action` to `target`, or throws; deny by default.
 * @throws Unauthenticated for a refused credential; NotFound or StudyNotFound, as if it did not exist, for what
 *   belongs to others; Forbidden when the role does not allow the action.
 */
export const authorize = (caller: Caller, action: Action, target: Target): void => {
  authorizeTeam(caller, target.team);
  if (caller.kind === "token") {
    if (caller.study !== null && caller.study !== target.study) {
      if (target.study !== undefined) throw new StudyNotFound(target.study);
      throw new Forbidden({ kind: "token-of-one-study", study: caller.study });
    }
    if (!roleActions[caller.role].has(action)) {
      throw new Forbidden({ kind: "role-not-allowed", role: caller.role, action });
    }
    if (caller.role === "worker" && caller.study === null && read.includes(action)) {
      throw new Forbidden({ kind: "worker-without-study" });
    }
    return;
  }
  if (target.study !== caller.study) throw new StudyNotFound(target.study ?? "");
  if (target.trial !== caller.trial) throw new Forbidden({ kind: "token-of-one-trial" });
  if (target.attempt !== undefined && target.attempt !== caller.attempt) {
    throw new Forbidden({ kind: "token-of-one-attempt", attempt: caller.attempt });
  }
  if (!jobActions[caller.kind].has(action))
    throw new Forbidden({ kind: "job-token-not-allowed", token: caller.kind, action });
};
