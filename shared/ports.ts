import type { BatchJob } from "./schemas/batch-event.ts";
import type { DispatchMessage } from "./schemas/message.ts";
import type { Executor } from "./schemas/study.ts";

/** What the use cases need of the services around them. `executor/` implements it for AWS, tests in their own way. */

/** The SQS queue between a queued trial and its job. */
export interface DispatchQueue {
  /** Sends each message once, grouped by team for fairness. @throws Unavailable when some could not be sent. */
  send(team: string, messages: readonly DispatchMessage[]): Promise<void>;
}

export interface JobRequest {
  readonly team: string;
  readonly study: string;
  readonly trial: number;
  readonly attempt: number;
  readonly definition: string;
  readonly gpus: number;
  readonly environment: Readonly<Record<string, string>>;
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
  register(study: string, team: string, executor: Extract<Executor, { type: "batch" }>): Promise<string>;
  deregister(definition: string): Promise<void>;
  /** ARNs of the study's job definitions that are registered. */
  definitionsOf(study: string): Promise<string[]>;
  submit(request: JobRequest): Promise<Submission>;
  /** Any number of job ids; a job that Batch has forgotten is missing from the answer. */
  describe(jobIds: readonly string[]): Promise<BatchJob[]>;
  /** All jobs with that name, ended or not, oldest first. */
  listByName(name: string): Promise<BatchJob[]>;
  /** All of Hone's jobs that have not ended, whatever study they belong to. */
  listAlive(): Promise<BatchJob[]>;
  /** Ends a job that has not ended by itself. */
  terminate(jobId: string, reason: string): Promise<void>;
}

/** Where trials keep what a later attempt continues from: objects of the stack's bucket, by their keys. */
export interface Checkpoints {
  /** A URL with which whoever has it may put this one object, until it expires. */
  uploadUrl(key: string, seconds: number): Promise<string>;
  /** A URL with which whoever has it may get this one object, until it expires. */
  downloadUrl(key: string, seconds: number): Promise<string>;
  exists(key: string): Promise<boolean>;
  /** Some of the keys with that prefix that come after `after`, in their order; none when there are no more. */
  list(prefix: string, after: string): Promise<string[]>;
  /** Removes an object, if there is one. */
  remove(key: string): Promise<void>;
}

/** An execution of a state machine, named after what it runs: the brackets of a start of a study, or one of them. */
export interface Execution {
  readonly study: string;
  readonly generation: number;
  /** The bracket whose rungs it runs; null for the one that starts those of the brackets. */
  readonly bracket: number | null;
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
