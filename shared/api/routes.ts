import type { z } from "zod";
import type { Action } from "../auth/authorize.ts";
import type { ProblemType } from "../errors.ts";
import { TEAM_ITSELF } from "../patterns.ts";
import { AuditExport, AuditPage, AuditQuery, ExportAuditBody } from "../schemas/audit.ts";
import { BudgetQuery, PatchBudgetBody, TeamBudget } from "../schemas/budget.ts";
import { CreateCredentialsBody, Credentials } from "../schemas/credentials.ts";
import { CreateGrantBody, Grant, GrantId, GrantPage } from "../schemas/grant.ts";
import { Member, MemberPage, PutMemberBody } from "../schemas/member.ts";
import {
  CreateStudyBody,
  PageOf,
  PageQuery,
  PatchStudyBody,
  StopBody,
  Study,
  StudyPage,
} from "../schemas/study.ts";
import { CreateSweepBody, Firing, FiringPage, PatchSweepBody, Sweep, SweepPage } from "../schemas/sweep.ts";
import { DeleteTeamBody, Team } from "../schemas/team.ts";
import { CreatedToken, CreateTokenBody, RotateTokenBody, TokenId, TokenPage } from "../schemas/token.ts";
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
  LineageQuery,
  LineageReply,
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
export const pathParameters = {
  team: Id,
  study: Id,
  number: SafeInt,
  token: TokenId,
  member: Id,
  grant: GrantId,
  sweep: Id,
} as const;

export type PathParameter = keyof typeof pathParameters;

export interface Route {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below `/v1/teams/{team}` and `/iam/v1/teams/{team}`. */
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
    problems: ["study-not-found", "budget-spent", "conflict"],
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
  lineage: {
    method: "GET",
    path: "/studies/{study}/lineage",
    action: "trial:read",
    query: LineageQuery,
    reply: LineageReply,
    status: 200,
    problems: ["study-not-found", "trial-not-found"],
    summary:
      "Where trials are segments of longer runs: those that led to a trial, which is the schedule of settings that it found. Of other trials the trial alone; empty while there is no best one. Nested cross-validation needs `trial`, since each outer fold has a best one.",
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
  createSweep: {
    method: "POST",
    path: "/sweeps",
    action: "sweep:create",
    body: CreateSweepBody,
    reply: Sweep,
    status: 201,
    problems: [],
    summary:
      "Create a sweep: a study template on a schedule. Each firing creates a study of it, and starts it if Hone runs its trials.",
  },
  listSweeps: {
    method: "GET",
    path: "/sweeps",
    action: "sweep:list",
    query: PageQuery,
    reply: SweepPage,
    status: 200,
    problems: [],
    summary: "List the team's sweeps, newest first; a page has at most 50.",
  },
  getSweep: {
    method: "GET",
    path: "/sweeps/{sweep}",
    action: "sweep:read",
    reply: Sweep,
    status: 200,
    problems: [],
    summary: "Read a sweep, with when it fires next and what came of its last firing.",
  },
  patchSweep: {
    method: "PATCH",
    path: "/sweeps/{sweep}",
    action: "sweep:update",
    body: PatchSweepBody,
    reply: Sweep,
    status: 200,
    problems: [],
    summary: "Change, pause or resume a sweep. What it has created stays as it is.",
  },
  deleteSweep: {
    method: "DELETE",
    path: "/sweeps/{sweep}",
    action: "sweep:delete",
    reply: null,
    status: 204,
    problems: [],
    summary: "Delete a sweep, its schedule and the record of its firings; their studies stay.",
  },
  runSweep: {
    method: "POST",
    path: "/sweeps/{sweep}/run",
    action: "sweep:run",
    reply: Firing,
    status: 200,
    problems: [],
    summary: "Fire a sweep now, also a paused one. While an earlier study runs, its `overlap` decides.",
  },
  listFirings: {
    method: "GET",
    path: "/sweeps/{sweep}/firings",
    action: "sweep:read",
    query: PageQuery,
    reply: FiringPage,
    status: 200,
    problems: [],
    summary:
      "List a sweep's firings with what their studies have come to, newest first; a page has at most 50.",
  },
  getBudget: {
    method: "GET",
    path: "/budget",
    action: "team:read",
    query: BudgetQuery,
    reply: TeamBudget,
    status: 200,
    problems: [],
    summary: "What the team may spend a month, and what it has spent in one.",
  },
  patchBudget: {
    method: "PATCH",
    path: "/budget",
    action: "team:update",
    body: PatchBudgetBody,
    reply: TeamBudget,
    status: 200,
    problems: [],
    summary: "Set or remove the team's limits of a month. They hold from the next job on; what runs goes on.",
  },
  createCredentials: {
    method: "POST",
    path: "/studies/{study}/credentials",
    action: "credentials:create",
    body: CreateCredentialsBody,
    bodyOptional: true,
    reply: Credentials,
    status: 201,
    unkeyed: true,
    problems: ["study-not-found"],
    summary:
      "AWS credentials for this study alone: its routes below `/iam/v1`, and its objects in the bucket. Each call makes others; the secrets are in this answer only.",
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
  rotateToken: {
    method: "POST",
    path: "/tokens/{token}/rotate",
    action: "token:rotate",
    body: RotateTokenBody,
    bodyOptional: true,
    reply: CreatedToken,
    status: 200,
    problems: ["shown-once", "conflict"],
    summary:
      "Give a token a new secret, which is in this answer only. The former one stays valid for a day, or as long as `formerHours` says.",
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
  getTeam: {
    method: "GET",
    path: TEAM_ITSELF,
    action: "team:read",
    reply: Team,
    status: 200,
    problems: [],
    summary: "The team: since when there is one of its name, and how many studies it has.",
  },
  deleteTeam: {
    method: "DELETE",
    path: TEAM_ITSELF,
    action: "team:delete",
    body: DeleteTeamBody,
    reply: null,
    status: 204,
    problems: [],
    summary:
      "Delete the team and everything it has: studies with their jobs, tokens, members, and the audit trail. Nobody can do anything for it from then on; what is left is removed within minutes.",
  },
  putMember: {
    method: "POST",
    path: "/members",
    action: "member:create",
    body: PutMemberBody,
    reply: Member,
    status: 201,
    problems: ["conflict"],
    summary: "Add a member, or change a member's role.",
  },
  listMembers: {
    method: "GET",
    path: "/members",
    action: "member:list",
    query: PageQuery,
    reply: MemberPage,
    status: 200,
    problems: [],
    summary: "List the team's members.",
  },
  deleteMember: {
    method: "DELETE",
    path: "/members/{member}",
    action: "member:delete",
    reply: null,
    status: 204,
    problems: ["conflict"],
    summary: "Remove a member, with its tokens and grants; they stop working at once.",
  },
  createGrant: {
    method: "POST",
    path: "/grants",
    action: "grant:create",
    body: CreateGrantBody,
    reply: Grant,
    status: 201,
    problems: ["study-not-found", "conflict"],
    summary:
      "Give a token, a member or an AWS principal a role, in one study or in the whole team, in place of an earlier grant for the same.",
  },
  listGrants: {
    method: "GET",
    path: "/grants",
    action: "grant:list",
    query: PageQuery,
    reply: GrantPage,
    status: 200,
    problems: [],
    summary: "List the team's grants.",
  },
  deleteGrant: {
    method: "DELETE",
    path: "/grants/{grant}",
    action: "grant:delete",
    reply: null,
    status: 204,
    problems: [],
    summary: "Take back a grant; it ends at once.",
  },
  listAudit: {
    method: "GET",
    path: "/audit",
    action: "audit:read",
    query: AuditQuery,
    reply: AuditPage,
    status: 200,
    problems: [],
    summary: "Who changed what, when, and from where: every write but the work of workers, newest first.",
  },
  exportAudit: {
    method: "POST",
    path: "/audit/export",
    action: "audit:read",
    body: ExportAuditBody,
    reply: AuditExport,
    status: 200,
    unkeyed: true,
    problems: [],
    summary:
      "Write a month of the audit trail to the bucket, as JSON lines, in objects of up to 10,000 lines.",
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

/** What workers do all the time: the trial itself holds who ran it, so the audit trail does not. */
const WORK: ReadonlySet<Action> = new Set(["trial:ask", "trial:report", "trial:tell", "trial:claim"]);

/** Whether what a request changes is written to the audit trail of its team. */
export const isAudited = ({ method, action }: Route): boolean => method !== "GET" && !WORK.has(action);

/** The tree that bearer tokens open. */
export const BASE_PATH = "/v1/teams/{team}";

/** The same tree for requests that are signed with AWS credentials (SigV4). */
export const IAM_BASE_PATH = `/iam${BASE_PATH}` as const;

/** How a caller shows who it is: each has the whole table of routes below its own path, and opens no other. */
export const gates = { bearer: BASE_PATH, iam: IAM_BASE_PATH } as const;
export type Gate = keyof typeof gates;

/** The one route without an authorizer: says that the API is up, and nothing else. */
export const HEALTH_PATH = "/v1/healthz";
