import type { ProblemType } from "../errors.ts";

/** HTTP status and title of every problem, and whether the same request may succeed later (`retry`). */
export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly retry: boolean;
}

const kind = (status: number, title: string, retry = false): ProblemKind => ({ status, title, retry });

/** A new ProblemType does not compile until it stands here. */
export const problems: Readonly<Record<ProblemType, ProblemKind>> = {
  "invalid-json": kind(400, "The body is not valid JSON"),
  "invalid-input": kind(422, "A field is not valid"),
  "non-finite-metric": kind(422, "A metric is not a finite number"),
  "unsafe-integer": kind(422, "An integer is too large to be read exactly"),
  "too-large": kind(413, "The request or its answer is too large"),
  "unsupported-media-type": kind(415, "The media type is not supported"),
  "not-found": kind(404, "Not found"),
  "study-not-found": kind(404, "Study not found"),
  "trial-not-found": kind(404, "Trial not found"),
  unauthenticated: kind(401, "Not authenticated"),
  forbidden: kind(403, "Not allowed"),
  "already-told": kind(409, "The trial already has another result"),
  "stale-attempt": kind(409, "The attempt no longer owns the trial"),
  "claim-lost": kind(409, "Another job claimed the attempt"),
  conflict: kind(409, "Conflict"),
  "budget-spent": kind(409, "The budget is spent"),
  "study-not-running": kind(409, "The study is not running"),
  "wrong-executor": kind(409, "The study has another executor"),
  "key-reuse": kind(422, "The Idempotency-Key belongs to another request"),
  "invalid-key": kind(400, "The Idempotency-Key is not valid"),
  "in-progress": kind(409, "The same request is in progress", true),
  "shown-once": kind(409, "A secret is shown only once"),
  "rate-limited": kind(429, "Too many requests", true),
  unavailable: kind(503, "Unavailable", true),
  internal: kind(500, "Internal error", true),
};
