import type { z } from "zod";
import type { Action } from "../auth/authorize.ts";
import type { ProblemType } from "../errors.ts";
import {
  CreateStudyBody,
  PageOf,
  PageQuery,
  PatchStudyBody,
  StopBody,
  Study,
  StudyPage,
} from "../schemas/study.ts";
import { CreatedToken, CreateTokenBody, TokenId, TokenPage } from "../schemas/token.ts";
import {
  AddTrialsBody,
  AddTrialsReply,
  AskBody,
  AskReply,
  BestReply,
  CheckpointBody,
  CheckpointUrls,
  ClaimBody,
  ClaimReply,
  ExportQuery,
  HeartbeatBody,
  HeartbeatReply,
  ReportBody,
  ReportReply,
  TellBody,
  TellReply,
  TrialDetail,
  TrialPage,
  TrialsQuery,
} from "../schemas/trial.ts";
import { Id, SafeInt } from "../values.ts";

/**
 * The one table of routes. The router of the api Lambda, the CDK routes with their authorizer, `openapi.json` and the
 * access matrix are all derived from it. Data only, because `infra/` reads it.
 */

/** The path parameters that may occur, and their form. Anything else in their place is a 404. */
export const pathParameters = { team: Id, study: Id, number: SafeInt, token: TokenId } as const;

export type PathParameter = keyof typeof pathParameters;

export interface Route {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below `/v1/teams/{team}`. */
  readonly path: string;
  readonly action: Action;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** The body may be left out altogether; it then reads as `{}`. */
  readonly bodyOptional?: true;
  readonly reply: z.ZodType | null;
  readonly status: 200 | 201 | 202 | 204;
  /** It takes no Idempotency-Key. */
  readonly unkeyed?: true;
  /** Problems beside those that every route may answer (`problemsOf`). */
  readonly problems: readonly ProblemType[];
  readonly summary: string;
}

const trialWrite = ["study-not-found", "trial-not-found", "stale-attempt"] as const;

export const routes = {
  createStudy: {
    method: "POST",
    path: "/studies",
    action: "study:create",
    body: CreateStudyBody,
    reply: Study,
    status: 201,
    problems: ["study-not-found"],
    summary: "Create a study. It runs at once; a batch study is `ready` until it is started.",
  },
  listStudies: {
    method: "GET",
    path: "/studies",
    action: "study:list",
    query: PageQuery,
    reply: StudyPage,
    status: 200,
    problems: [],
    summary: "List the team's studies with their progress, newest first.",
  },
  getStudy: {
    method: "GET",
    path: "/studies/{study}",
    action: "study:read",
    reply: Study,
    status: 200,
    problems: ["study-not-found"],
    summary: "Read a study with its progress and best trials.",
  },
  patchStudy: {
    method: "PATCH",
    path: "/studies/{study}",
    action: "study:update",
    body: PatchStudyBody,
    reply: Study,
    status: 200,
    problems: ["study-not-found", "conflict", "budget-spent"],
    summary: "Pause, resume or extend a study.",
  },
  deleteStudy: {
    method: "DELETE",
    path: "/studies/{study}",
    action: "study:delete",
    reply: null,
    status: 204,
    problems: ["study-not-found"],
    summary: "Delete a study and all its trials; running jobs are terminated.",
  },
  ask: {
    method: "POST",
    path: "/studies/{study}/ask",
    action: "trial:ask",
    body: AskBody,
    bodyOptional: true,
    reply: AskReply,
    status: 200,
    problems: ["study-not-found", "wrong-executor"],
    summary: "Lease up to `count` trials; a worker that asks again gets its own running trials first.",
  },
  report: {
    method: "POST",
    path: "/studies/{study}/trials/{number}/report",
    action: "trial:report",
    body: ReportBody,
    reply: ReportReply,
    status: 200,
    problems: [...trialWrite],
    summary: "Give an intermediate value, extend the lease, and get the decision whether to go on.",
  },
  heartbeat: {
    method: "POST",
    path: "/studies/{study}/trials/{number}/heartbeat",
    action: "trial:report",
    body: HeartbeatBody,
    reply: HeartbeatReply,
    status: 200,
    problems: [...trialWrite],
    summary: "Extend the lease without a value.",
  },
  tell: {
    method: "POST",
    path: "/studies/{study}/trials/{number}/tell",
    action: "trial:tell",
    body: TellBody,
    reply: TellReply,
    status: 200,
    problems: [...trialWrite, "already-told", "wrong-executor"],
    summary:
      "Give a trial's final result, or give it back unfinished. The same tell again is harmless; a different one is refused.",
  },
  checkpoint: {
    method: "POST",
    path: "/studies/{study}/trials/{number}/checkpoint",
    action: "trial:report",
    body: CheckpointBody,
    reply: CheckpointUrls,
    status: 200,
    unkeyed: true,
    problems: [...trialWrite],
    summary:
      "Where a running attempt downloads the trial's last checkpoint, and uploads its next one. It changes nothing.",
  },
  claim: {
    method: "POST",
    path: "/studies/{study}/trials/{number}/claim",
    action: "trial:claim",
    body: ClaimBody,
    reply: ClaimReply,
    status: 200,
    unkeyed: true,
    problems: [...trialWrite, "claim-lost", "wrong-executor"],
    summary:
      "Called by a job's container: swaps its bootstrap token for one of the trial. Repeat it with the same `claimant`.",
  },
  addTrials: {
    method: "POST",
    path: "/studies/{study}/trials",
    action: "trial:add",
    body: AddTrialsBody,
    reply: AddTrialsReply,
    status: 201,
    problems: ["study-not-found", "budget-spent"],
    summary: "Enqueue configurations, or import finished trials.",
  },
  listTrials: {
    method: "GET",
    path: "/studies/{study}/trials",
    action: "trial:read",
    query: TrialsQuery,
    reply: TrialPage,
    status: 200,
    problems: ["study-not-found"],
    summary: "List trials in order of their number; a page has fewer than `limit` when they are large.",
  },
  getTrial: {
    method: "GET",
    path: "/studies/{study}/trials/{number}",
    action: "trial:read",
    query: PageOf,
    reply: TrialDetail,
    status: 200,
    problems: ["study-not-found", "trial-not-found"],
    summary: "Read one trial with its attempts and learning curve.",
  },
  best: {
    method: "GET",
    path: "/studies/{study}/best",
    action: "trial:read",
    query: PageOf,
    reply: BestReply,
    status: 200,
    problems: ["study-not-found"],
    summary: "The best feasible trial, or the Pareto set of several objectives; empty while there is none.",
  },
  exportTrials: {
    method: "GET",
    path: "/studies/{study}/export",
    action: "trial:read",
    query: ExportQuery,
    reply: TrialPage,
    status: 200,
    problems: ["study-not-found"],
    summary:
      "All finished trials as CSV or JSON, in pages of up to 5 MB. The next page: `cursor`, or in CSV the header Link with rel=next. Every page of CSV has the same header row.",
  },
  start: {
    method: "POST",
    path: "/studies/{study}/start",
    action: "study:run",
    reply: Study,
    status: 200,
    problems: ["study-not-found", "wrong-executor", "study-not-running", "conflict"],
    summary: "Start the batch executor; starting a started study changes nothing.",
  },
  stop: {
    method: "POST",
    path: "/studies/{study}/stop",
    action: "study:run",
    body: StopBody,
    bodyOptional: true,
    reply: Study,
    status: 200,
    problems: ["study-not-found", "wrong-executor"],
    summary:
      "Stop dispatching: the study is `ready` again; running trials are terminated and put back, or drained.",
  },
  createToken: {
    method: "POST",
    path: "/tokens",
    action: "token:create",
    body: CreateTokenBody,
    reply: CreatedToken,
    status: 201,
    problems: ["shown-once"],
    summary: "Create an API token. The secret is in this answer only.",
  },
  listTokens: {
    method: "GET",
    path: "/tokens",
    action: "token:list",
    query: PageQuery,
    reply: TokenPage,
    status: 200,
    problems: [],
    summary: "List the team's tokens, without their secrets.",
  },
  deleteToken: {
    method: "DELETE",
    path: "/tokens/{token}",
    action: "token:delete",
    reply: null,
    status: 204,
    problems: [],
    summary: "Revoke a token; it stops working at once.",
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;

/** What any route may answer: about the caller, the path, the query and the body, and when something is away. */
const OF_ALL = [
  "unauthenticated",
  "forbidden",
  "not-found",
  "invalid-json",
  "invalid-input",
  "non-finite-metric",
  "unsafe-integer",
  "too-large",
  "unsupported-media-type",
  "rate-limited",
  "internal",
  "unavailable",
] as const satisfies readonly ProblemType[];

/** What any request with an Idempotency-Key may be answered beside it. */
const OF_KEYS = ["invalid-key", "key-reuse", "in-progress"] as const satisfies readonly ProblemType[];

/** Every problem that a route may answer. The tests fail on an answer that is not among them. */
export const problemsOf = (route: Route): ReadonlySet<ProblemType> =>
  new Set([...OF_ALL, ...(isKeyed(route) ? OF_KEYS : []), ...route.problems]);

/** Whether a request may carry an Idempotency-Key. */
export const isKeyed = ({ method, unkeyed }: Route): boolean => method !== "GET" && unkeyed !== true;

/** The tree that bearer tokens open. */
export const BASE_PATH = "/v1/teams/{team}";

/** The one route without an authorizer: says that the API is up, and nothing else. */
export const HEALTH_PATH = "/v1/healthz";
