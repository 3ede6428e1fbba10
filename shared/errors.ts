import { type Fault, faultSentence } from "./sentences/faults.ts";

/**
 * Every error a caller may be told of. A class says what happened and carries the facts; `api/problems.ts` gives
 * each `type` its HTTP status and title. Whatever is not a DomainError is a fault of ours and is told as nothing.
 */

/** The stable names of what can go wrong; a client may branch on them. */
export type ProblemType =
  | "invalid-json"
  | "invalid-input"
  | "non-finite-metric"
  | "unsafe-integer"
  | "too-large"
  | "unsupported-media-type"
  | "not-found"
  | "study-not-found"
  | "trial-not-found"
  | "unauthenticated"
  | "forbidden"
  | "already-told"
  | "stale-attempt"
  | "claim-lost"
  | "conflict"
  | "budget-spent"
  | "study-not-running"
  | "wrong-executor"
  | "key-reuse"
  | "invalid-key"
  | "in-progress"
  | "shown-once"
  | "rate-limited"
  | "unavailable"
  | "internal";

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

/** The request is well-formed but a field is wrong. `errors` holds every fault found, the first one in front. */
export class InvalidInput extends DomainError {
  readonly type: ProblemType;
  override readonly pointer: Pointer;
  override readonly errors: readonly FieldError[];
  constructor(errors: readonly FieldError[], type: ProblemType = "invalid-input") {
    const [first] = errors;
    super(first === undefined ? "The request is not valid." : faultSentence(first.fault));
    this.type = type;
    this.pointer = first?.pointer ?? "";
    this.errors = errors;
  }
}

/** The faults of a request in words, as a caller is told them. */
export const faultsInWords = (errors: readonly FieldError[]): { pointer: Pointer; detail: string }[] =>
  errors.map(({ pointer, fault }) => ({ pointer, detail: faultSentence(fault) }));

/** One field is wrong: shorthand for an InvalidInput with a single fault. */
export const invalid = (pointer: Pointer, detail: string, type: ProblemType = "invalid-input") =>
  new InvalidInput([{ pointer, fault: { kind: "text", text: detail } }], type);

/** The body is not JSON that every parser reads the same way. */
export class InvalidJson extends DomainError {
  readonly type = "invalid-json";
  override readonly pointer: Pointer;
  constructor(message: string, pointer: Pointer = "") {
    super(message);
    this.pointer = pointer;
  }
}

/** The body, or one item of it, is larger than Hone stores. */
export class TooLarge extends DomainError {
  readonly type = "too-large";
}

/** Not JSON, or compressed. */
export class UnsupportedMediaType extends DomainError {
  readonly type = "unsupported-media-type";
}

/** No such route, team, token: or not one that the caller may know of. */
export class NotFound extends DomainError {
  readonly type = "not-found";
}

/** No such study in this team. The same answer for another team's study. */
export class StudyNotFound extends DomainError {
  readonly type = "study-not-found";
  constructor(study: string) {
    super(`There is no study ${study} in this team.`);
  }
}

/** No such trial in this study. */
export class TrialNotFound extends DomainError {
  readonly type = "trial-not-found";
  constructor(trial: number) {
    super(`There is no trial ${trial} in this study.`);
  }
}

/** No credential, or one that is unknown, expired or revoked. */
export class Unauthenticated extends DomainError {
  readonly type = "unauthenticated";
}

/** A known caller whose role does not allow this. */
export class Forbidden extends DomainError {
  readonly type = "forbidden";
}

/** A tell for a trial that already holds another result. Nothing was changed. */
export class AlreadyTold extends DomainError {
  readonly type = "already-told";
  constructor(trial: number, state: string) {
    super(`Trial ${trial} is already ${state} with another result; the first result stands.`);
  }
}

/** A tell or report of an attempt that no longer owns its trial. Nothing was changed; do not try again. */
export class StaleAttempt extends DomainError {
  readonly type = "stale-attempt";
  constructor(trial: number, given: number, current: number) {
    super(
      given > current
        ? `Trial ${trial} is on attempt ${current}; there is no attempt ${given} yet.`
        : `Attempt ${given} of trial ${trial} no longer owns it (the trial is on attempt ${current}). Stop this run.`,
    );
  }
}

/** Another job claimed this attempt first. The loser does nothing and exits 0. */
export class ClaimLost extends DomainError {
  readonly type = "claim-lost";
}

/** The resource changed in a way that makes this request impossible. */
export class Conflict extends DomainError {
  readonly type = "conflict";
}

/** The study's budget of trials leaves no room for this. */
export class BudgetSpent extends DomainError {
  readonly type = "budget-spent";
}

/** The study is paused, finished or being deleted. */
export class StudyNotRunning extends DomainError {
  readonly type = "study-not-running";
}

/** A call that belongs to the other executor (ask on a batch study, start on a client study). */
export class WrongExecutor extends DomainError {
  readonly type = "wrong-executor";
}

/** An Idempotency-Key was used before with another request. */
export class KeyReuse extends DomainError {
  readonly type = "key-reuse";
  constructor() {
    super(
      "This Idempotency-Key was used within 24 hours with another body. Use a new key for a new request.",
    );
  }
}

/** The Idempotency-Key itself is malformed. */
export class InvalidKey extends DomainError {
  readonly type = "invalid-key";
}

/** The same request, with the same key, is being worked on right now. */
export class InProgress extends DomainError {
  readonly type = "in-progress";
  override readonly retryAfter = 1;
}

/** The answer to the first request held a secret, which is shown once and stored nowhere. */
export class ShownOnce extends DomainError {
  readonly type = "shown-once";
}

/** Too many requests, or a team's cap is reached. */
export class RateLimited extends DomainError {
  readonly type = "rate-limited";
  override readonly retryAfter: number;
  constructor(message: string, retryAfter: number) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

/** The store or a service behind us is throttled or away. Nothing was changed, or the key replays what was. */
export class Unavailable extends DomainError {
  readonly type = "unavailable";
  override readonly retryAfter: number;
  constructor(message = "Hone is busy; nothing was lost. Try again.", retryAfter = 2) {
    super(message);
    this.retryAfter = retryAfter;
  }
}
