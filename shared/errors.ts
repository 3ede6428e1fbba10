import { type Fault, faultSentence } from "./sentences/faults.ts";
import { type Refusal, type RefusalOf, refusalSentence } from "./sentences/refusals.ts";

/**
 * Every error that a caller may be told about. A class says what kind of thing happened and holds the facts;
 * `shared/sentences` words them, `api/problems.ts` gives each `type` its HTTP status and title. Whatever is not a
 * DomainError is a fault of ours, and a caller learns nothing of it but the request id.
 */

/** The stable names of what can go wrong; a client may branch on them. */
export const problemTypes = [
  "invalid-json",
  "invalid-input",
  "non-finite-metric",
  "unsafe-integer",
  "too-large",
  "unsupported-media-type",
  "not-found",
  "study-not-found",
  "trial-not-found",
  "unauthenticated",
  "forbidden",
  "already-told",
  "stale-attempt",
  "claim-lost",
  "conflict",
  "budget-spent",
  "study-not-running",
  "wrong-executor",
  "key-reuse",
  "invalid-key",
  "in-progress",
  "shown-once",
  "rate-limited",
  "unavailable",
  "internal",
] as const;

export type ProblemType = (typeof problemTypes)[number];

/** A JSON pointer (RFC 6901) to the offending field of the request body, "" for the whole body. */
export type Pointer = string;

/** One field that is wrong, and the facts of what is wrong with it. */
export interface FieldError {
  readonly pointer: Pointer;
  readonly fault: Fault;
}

export abstract class DomainError extends Error {
  abstract readonly type: ProblemType;
  readonly pointer?: Pointer;
  /** Seconds after which the same request may succeed. */
  readonly retryAfter?: number;
  readonly errors?: readonly FieldError[];
}

/** The request is well-formed but a field is wrong. `errors` holds every fault found; the first one is the message. */
export class InvalidInput extends DomainError {
  readonly type: ProblemType;
  override readonly pointer: Pointer;
  override readonly errors: readonly FieldError[];
  constructor(errors: readonly FieldError[], type: ProblemType = "invalid-input") {
    const [first] = errors;
    super(first === undefined ? "" : faultSentence(first.fault));
    this.type = type;
    this.pointer = first?.pointer ?? "";
    this.errors = errors;
  }
}

/** The faults of a request in words, as a caller is told them. */
export const faultsInWords = (errors: readonly FieldError[]): { pointer: Pointer; detail: string }[] =>
  errors.map(({ pointer, fault }) => ({ pointer, detail: faultSentence(fault) }));

/** One field is wrong: shorthand for an InvalidInput with a single fault. */
export const invalid = (pointer: Pointer, fault: Fault, type: ProblemType = "invalid-input") =>
  new InvalidInput([{ pointer, fault }], type);

/** A request that is refused as a whole, for one of the reasons `K`. */
export abstract class Refused<K extends Refusal["kind"]> extends DomainError {
  readonly facts: RefusalOf<K>;
  constructor(facts: RefusalOf<K>) {
    super(refusalSentence(facts));
    this.facts = facts;
  }
}

/** The body is not JSON that every parser reads the same way. */
export class InvalidJson extends Refused<
  "not-json" | "not-utf8" | "byte-order-mark" | "key-twice" | "syntax-error" | "non-finite-literal"
> {
  readonly type = "invalid-json";
  override readonly pointer: Pointer;
  constructor(facts: InvalidJson["facts"], pointer: Pointer = "") {
    super(facts);
    this.pointer = pointer;
  }
}

/** The body, the answer, or what would be stored is larger than Hone handles. */
export class TooLarge extends Refused<
  "body-too-large" | "body-too-deep" | "reply-too-large" | "item-too-large" | "write-too-large"
> {
  readonly type = "too-large";
}

/** Not JSON, or compressed. */
export class UnsupportedMediaType extends Refused<
  "compressed-body" | "no-media-type" | "other-media-type" | "other-charset"
> {
  readonly type = "unsupported-media-type";
}

/** No such route, team, token or sweep, or not one that the caller may know about. */
export class NotFound extends Refused<
  "no-path" | "another-team" | "no-team" | "no-token" | "no-member" | "no-grant" | "no-sweep" | "team-deleted"
> {
  readonly type = "not-found";
}

/** No such study in this team. The same answer for another team's study. */
export class StudyNotFound extends Refused<"no-study"> {
  readonly type = "study-not-found";
  constructor(study: string) {
    super({ kind: "no-study", study });
  }
}

/** No such trial in this study. */
export class TrialNotFound extends Refused<"no-trial"> {
  readonly type = "trial-not-found";
  constructor(trial: number) {
    super({ kind: "no-trial", trial });
  }
}

/** No credential, or one that is unknown, expired or revoked. */
export class Unauthenticated extends Refused<
  | "credential-missing"
  | "credential-malformed"
  | "credential-unknown"
  | "credential-expired"
  | "credential-replaced"
  | "not-signed"
  | "identity-unknown"
  | "session-ended"
  | "job-token-elsewhere"
  | "job-token-stale"
  | "team-deleted"
> {
  readonly type = "unauthenticated";
}

/** A known caller whose role or token does not allow this. */
export class Forbidden extends Refused<
  | "token-of-one-study"
  | "token-of-one-trial"
  | "token-of-one-attempt"
  | "role-not-allowed"
  | "no-role"
  | "worker-without-study"
  | "job-token-not-allowed"
  | "session-makes-none"
  | "told-by-its-job"
> {
  readonly type = "forbidden";
}

/** A tell for a trial that already holds another result. Nothing was changed. */
export class AlreadyTold extends Refused<"already-told"> {
  readonly type = "already-told";
  constructor(trial: number, state: string) {
    super({ kind: "already-told", trial, state });
  }
}

/** A tell or report of an attempt that no longer owns its trial. Nothing was changed; a retry is refused too. */
export class StaleAttempt extends Refused<"stale-attempt"> {
  readonly type = "stale-attempt";
  constructor(trial: number, given: number, current: number) {
    super({ kind: "stale-attempt", trial, given, current });
  }
}

/** Another job claimed this attempt first, or has it. The loser does nothing and exits 0. */
export class ClaimLost extends Refused<"claim-lost" | "claim-of-stranger"> {
  readonly type = "claim-lost";
}

/** The resource is in a state that makes this request impossible. */
export class Conflict extends Refused<
  | "team-exists"
  | "team-being-deleted"
  | "last-owner"
  | "member-leaving"
  | "rotated-lately"
  | "token-of-member"
  | "too-many-grants"
  | "rounds-begun"
  | "folds-begun"
  | "study-finished"
  | "space-exhausted"
  | "not-worth-more"
  | "batch-refuses"
  | "trials-of-nested"
  | "race-begun"
> {
  readonly type = "conflict";
}

/** The study's budget of trials leaves no room for this. */
export class BudgetSpent extends Refused<"budget-below-used" | "budget-without-room"> {
  readonly type = "budget-spent";
}

/** The study is paused, finished or being deleted. */
export class StudyNotRunning extends Refused<"study-paused" | "study-finished" | "not-worth-more"> {
  readonly type = "study-not-running";
}

/** A call that belongs to the other executor (ask on a batch study, start on a client study). */
export class WrongExecutor extends Refused<
  "ask-of-batch" | "start-of-client" | "stop-of-client" | "claim-of-client" | "release-of-job"
> {
  readonly type = "wrong-executor";
}

/** An Idempotency-Key was used before with another request. */
export class KeyReuse extends Refused<"key-reused"> {
  readonly type = "key-reuse";
  constructor() {
    super({ kind: "key-reused" });
  }
}

/** The Idempotency-Key itself is malformed. */
export class InvalidKey extends Refused<"key-malformed"> {
  readonly type = "invalid-key";
  constructor() {
    super({ kind: "key-malformed" });
  }
}

/** The same request, with the same key, is in progress right now. */
export class InProgress extends Refused<"in-progress"> {
  readonly type = "in-progress";
  override readonly retryAfter = 1;
  constructor() {
    super({ kind: "in-progress" });
  }
}

/** The answer to the first request held a secret, which is shown once and stored nowhere. */
export class ShownOnce extends Refused<"secret-shown"> {
  readonly type = "shown-once";
}

/** Too many requests, or a team's cap is reached. */
export class RateLimited extends Refused<
  "too-many-studies" | "too-many-sweeps" | "too-many-creations" | "too-many-requests"
> {
  readonly type = "rate-limited";
  override readonly retryAfter: number;
  constructor(facts: RateLimited["facts"], retryAfter: number) {
    super(facts);
    this.retryAfter = retryAfter;
  }
}

/** The store or a service behind us is throttled or away. Nothing was changed, or the key replays what was. */
export class Unavailable extends Refused<
  "busy" | "too-slow" | "token-unchecked" | "no-machines" | "sessions-refused"
> {
  readonly type = "unavailable";
  override readonly retryAfter: number;
  constructor(facts: Unavailable["facts"] = { kind: "busy" }, retryAfter = 2) {
    super(facts);
    this.retryAfter = retryAfter;
  }
}

/** Others kept changing what a plan was made from: whoever waits for an answer retries, and work that nobody waits for is theirs. */
export class Contended extends Unavailable {}
