import type { BatchJob } from "../../schemas/batch-event.ts";
import type { DispatchMessage } from "../../schemas/message.ts";
import type { Executor } from "../../schemas/study.ts";
import type { Receipt } from "../../store/receipt.ts";
import type { Store } from "../../store/store.ts";

export type { Receipt };

/** What the use cases need of the world; `functions/deps.ts` makes the real ones, tests hand in their own. */
export interface ServiceDeps {
  readonly store: Store;
  /** Milliseconds since 1970, of this server; a client's clock is never asked. */
  readonly clock: () => number;
  /** Cryptographically secure bytes: ids, secrets, fences. */
  readonly randomBytes: (count: number) => Uint8Array;
  readonly queue: DispatchQueue;
  readonly batch: BatchExecutor;
  readonly rounds: Rounds;
  /** One structured line; never parameters, metrics or secrets. */
  readonly log: (event: string, fields: Readonly<Record<string, string | number | boolean | null>>) => void;
}

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
  | { readonly outcome: "accepted"; readonly jobId: string }
  /** Certainly not submitted; may be tried again later. */
  | { readonly outcome: "throttled"; readonly reason: string }
  /** Certainly not submitted, and never will be: the queue, definition or request is wrong. */
  | { readonly outcome: "rejected"; readonly reason: string }
  /** A time-out or a server error: the job may or may not exist. The reconciler finds out by name. */
  | { readonly outcome: "unclear"; readonly reason: string };

/** AWS Batch, as much of it as Hone uses. */
export interface BatchExecutor {
  /** Registers the study's image, command and size as a job definition. @returns its ARN. */
  register(study: string, team: string, executor: Extract<Executor, { type: "batch" }>): Promise<string>;
  deregister(definition: string): Promise<void>;
  submit(request: JobRequest): Promise<Submission>;
  /** Any number of job ids; a job that Batch has forgotten is missing from the answer. */
  describe(jobIds: readonly string[]): Promise<BatchJob[]>;
  /** All jobs of that name, over or not, oldest first. */
  listByName(name: string): Promise<BatchJob[]>;
  /** All jobs of ours that are not over, whatever study they are of. */
  listAlive(): Promise<BatchJob[]>;
  /** Ends a job, if it is not over. */
  terminate(jobId: string, reason: string): Promise<void>;
}

/** Step Functions, as much of it as Hone uses. */
export interface Rounds {
  /** Starts the halving machine for a study; an execution of that name that exists already is a success. */
  start(study: string, generation: number): Promise<void>;
  /** Whether the execution runs, has ended (however it did), or was never started. */
  state(study: string, generation: number): Promise<"running" | "ended" | "missing">;
  /** Ends a study's execution, if there is one. */
  stop(study: string, generation: number, reason: string): Promise<void>;
  /** Tells a waiting machine that its attempt ended. @returns false when nobody waits for that token any more. */
  resume(taskToken: string, output: Readonly<Record<string, string | number>>): Promise<boolean>;
}

/** What a use case may want to know of the write request beside its body. */
export interface WriteContext {
  readonly receipt: Receipt | null;
}
