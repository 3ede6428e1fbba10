import type { Market } from "./prices.ts";
import type { BatchJob } from "./schemas/batch-event.ts";
import type { DispatchMessage } from "./schemas/message.ts";
import type { Executor, Labels } from "./schemas/study.ts";

/** What the use cases need of the services around them. `executor/` implements it for AWS, tests in their own way. */

/** The SQS queue between a queued trial and its job. */
export interface DispatchQueue {
  /** Sends each message once, grouped by team for fairness. @throws Unavailable when some could not be sent. */
  send(team: string, messages: readonly DispatchMessage[]): Promise<void>;
}

/** An attempt of a trial, numbered as in the whole study. */
export interface AttemptOfTeam {
  readonly team: string;
  readonly study: string;
  readonly trial: number;
  readonly attempt: number;
}

export interface JobRequest extends AttemptOfTeam {
  readonly definition: string;
  readonly gpus: number;
  readonly market: Market;
  /** The study's own tags. */
  readonly labels: Labels;
  readonly environment: Readonly<Record<string, string>>;
}

/** What a study's job definition is made of. */
export interface Registration {
  readonly study: string;
  readonly team: string;
  readonly executor: Extract<Executor, { type: "batch" }>;
  readonly labels: Labels;
}

/** What became of one SubmitJob, made exactly once. */
export type Submission =
  | { readonly kind: "accepted"; readonly jobId: string }
  /** Certainly not submitted; may be retried later. */
  | { readonly kind: "throttled"; readonly detail: string }
  /** Certainly not submitted, and never will be: the queue, definition or request is wrong. */
  | { readonly kind: "rejected"; readonly detail: string }
  /** A time-out or a server error: the job may or may not exist. The reconciler looks it up by name. */
  | { readonly kind: "unclear"; readonly detail: string };

/** AWS Batch, as much of it as Hone uses. */
export interface BatchExecutor {
  /** Registers the study's image, command and size as a job definition. @returns its ARN. */
  register(registration: Registration): Promise<string>;
  deregister(definition: string): Promise<void>;
  /** ARNs of the study's job definitions that are registered. */
  definitionsOf(study: string): Promise<string[]>;
  submit(request: JobRequest): Promise<Submission>;
  /** Any number of job ids; a job that Batch has forgotten is missing from the answer. */
  describe(jobIds: readonly string[]): Promise<BatchJob[]>;
  /** Whether a job with that id was submitted for that very attempt, as Batch has it: its name, queue and tags say so. */
  isJobOf(jobId: string, attempt: AttemptOfTeam): Promise<boolean>;
  /** All jobs with that name, ended or not, oldest first. */
  listByName(name: string): Promise<BatchJob[]>;
  /** All of Hone's jobs that have not ended, whatever study they belong to. */
  listAlive(): Promise<BatchJob[]>;
  /** Ends a job that has not ended by itself. */
  terminate(jobId: string, reason: string): Promise<void>;
}

/** Objects of the stack's bucket, by their keys: what a later attempt of a trial continues from, and exports. */
export interface Checkpoints {
  /** A URL with which whoever has it may put this one object, until it expires. */
  uploadUrl(key: string, seconds: number): Promise<string>;
  /** A URL with which whoever has it may get this one object, until it expires. */
  downloadUrl(key: string, seconds: number): Promise<string>;
  exists(key: string): Promise<boolean>;
  /** Puts a text: an export, which a URL then leads to. */
  put(key: string, text: string): Promise<void>;
  /** Some of the keys with that prefix that come after `after`, in their order; none when there are no more. */
  list(prefix: string, after: string): Promise<string[]>;
  /** Removes an object, if there is one. */
  remove(key: string): Promise<void>;
}

/** A session of one study, which AWS is asked to make. */
export interface SessionRequest {
  /** Names it: the ARN of whoever uses it ends with it. */
  readonly id: string;
  readonly team: string;
  readonly study: string;
  /** Of the study's objects in the bucket. */
  readonly prefix: string;
  readonly seconds: number;
}

/** What whoever holds the session signs with. */
export interface SessionSecrets {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** AWS's identities, as much as Hone knows of them: the roles of teams, and the sessions that it makes itself. */
export interface Identities {
  /** ARN of the roles of teams, without the team's name at the end. */
  readonly teamRoles: string;
  /** ARN of the role of sessions. */
  readonly sessionsRole: string;
  /** Where sessions are used. */
  readonly region: string;
  readonly api: string;
  readonly bucket: string;
  /** @throws Unavailable when AWS makes none; its `cause` says why. */
  makeSession(request: SessionRequest): Promise<SessionSecrets>;
}

/** When a sweep fires, for whoever delivers its firings. */
export interface FiringSchedule {
  readonly sweep: string;
  /** As EventBridge Scheduler writes it: `cron(…)`, `rate(…)` or `at(…)`. */
  readonly expression: string;
  readonly timezone: string;
  /** From when on a rate fires, milliseconds since 1970; null: nothing but the expression says when. */
  readonly start: number | null;
  /** Whether it fires. */
  readonly enabled: boolean;
  /** Comes with each firing, so that a firing of an earlier schedule can be told from one of this. */
  readonly revision: number;
}

/** EventBridge Scheduler, as much of it as Hone uses: one schedule for each sweep. It may deliver a firing more than once. */
export interface Schedules {
  /** Makes the schedule of a sweep, or changes it. */
  put(schedule: FiringSchedule): Promise<void>;
  /** Removes the schedule of a sweep, if there is one. */
  remove(sweep: string): Promise<void>;
}

/** What the names of sessions begin with. */
export const SESSION_NAME = "hone-";

/**
 * The state machines (infra/machines): `brackets` starts an execution of `halving` for each bracket of a study in rounds, `folds` one of
 * `fold` for each outer fold of nested cross-validation. `generations` runs those of population-based training.
 */
export const MACHINES = ["brackets", "halving", "folds", "fold", "generations"] as const;
export type MachineName = (typeof MACHINES)[number];

/** An execution of a state machine, named after what it runs: a start of a study, or one of its brackets or folds. */
export interface Execution {
  readonly machine: MachineName;
  readonly study: string;
  readonly generation: number;
  /** The bracket or the outer fold that it runs; null for the one that starts those. */
  readonly index: number | null;
}

/** Step Functions, as much of it as Hone uses. */
export interface Workflow {
  /** Starts an execution; one that exists already is a success. */
  start(execution: Execution): Promise<void>;
  /** Whether an execution runs, has ended (however it did), or was never started. */
  state(execution: Execution): Promise<"running" | "ended" | "missing">;
  /** Ends an execution, if there is one. */
  stop(execution: Execution, reason: string): Promise<void>;
  /** Tells a waiting execution that its attempt ended. @returns false when nothing waits for that token any more. */
  resume(taskToken: string, output: Readonly<Record<string, string | number>>): Promise<boolean>;
}
