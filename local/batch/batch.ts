import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { z } from "zod";
import { nameOf } from "./arn.ts";
import { type Container, startContainer } from "./container.ts";
import { Definitions } from "./definitions.ts";
import { clientError } from "./errors.ts";
import {
  commandOf,
  environmentOf,
  type Job,
  retryStrategyOf,
  secretsOf,
  timeoutOf,
  toDetail,
  toSummary,
  vcpusOf,
} from "./job.ts";
import type { JobState, ListJobs, SubmitJob } from "./requests.ts";
import { type AttemptEnd, retries } from "./retry.ts";
import type { ReadSecret } from "./secrets.ts";

export interface BatchOptions {
  /** Names of the job queues. They share the vCPUs. */
  readonly queues: readonly string[];
  /** vCPUs that jobs use at once; further jobs wait in RUNNABLE. A job that asks for more than this gets all of them. */
  readonly vcpus: number;
  /** Working directory of the jobs, like the WORKDIR of an image. */
  readonly directory: string;
  /** Folder for the jobs' logs and temporary files. */
  readonly folder: string;
  /** Variables that every job has: PATH and a few more. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called for each state change of a job, in order, with what DescribeJobs would show at that moment. */
  readonly publish: (detail: Record<string, unknown>) => void;
  /** Reads the values of secrets; without it jobs that have some do not start. */
  readonly readSecret?: ReadSecret;
  /** Time between SIGTERM and SIGKILL of a job; 30 s by default, as on AWS. */
  readonly graceMs?: number;
}

/** Outside causes that can end a running job, for tests. */
export const endings = ["host-terminated", "out-of-memory", "timeout"] as const;
export type Ending = (typeof endings)[number];

interface Running {
  readonly container: Container;
  /** Set when something other than the program ends the attempt. */
  cause: Omit<AttemptEnd, "exitCode"> | null;
  /** The exit code is unknown because the machine is gone. */
  unseen: boolean;
}

/** AWS's limit on a SubmitJob request. */
const MAX_BYTES = 30 * 1024;
const EXITED = "Essential container in task exited";
const NOT_STARTED = "Task failed to start";
const TIMED_OUT = "Job attempt duration exceeded timeout";
const GRACE_MS = 30_000;

/** The part of AWS Batch that Hone uses, with local processes as jobs; all state is in memory. */
export class LocalBatch {
  readonly definitions = new Definitions();
  readonly #options: BatchOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #running = new Map<string, Running>();
  /** Jobs whose secrets are being read. */
  readonly #starting = new Set<string>();
  #stopped = false;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  submit(request: SubmitJob) {
    if (JSON.stringify(request).length > MAX_BYTES) throw clientError("Request exceeds 30 KiB");
    const queue = this.#queue(request.jobQueue);
    const definition = this.definitions.active(request.jobDefinition);
    const job: Job = {
      jobId: randomUUID(),
      request,
      definition,
      queue,
      createdAt: Date.now(),
      status: "SUBMITTED",
      statusReason: null,
      startedAt: null,
      stoppedAt: null,
      isTerminated: false,
      logStreamName: null,
      attempts: [],
    };
    checkEnvironment(environmentOf(job));
    if (commandOf(job).length === 0) {
      throw clientError(
        "The local Batch runs commands, not images: give the job or its definition a command.",
      );
    }
    this.#jobs.set(job.jobId, job);
    setImmediate(() => {
      if (job.status === "SUBMITTED") this.#enter(job, "RUNNABLE");
      this.#startWaiting();
    });
    return { jobArn: toDetail(job).jobArn, jobName: request.jobName, jobId: job.jobId };
  }

  /** Unknown jobs are missing from the reply, as on AWS. */
  describe(ids: readonly string[]) {
    return { jobs: ids.flatMap((id) => this.#jobs.get(nameOf(id)) ?? []).map(toDetail) };
  }

  /** By name in any state, or by state (RUNNING by default). Newest first. */
  list({ jobQueue, jobStatus = "RUNNING", filters, maxResults, nextToken = "0" }: z.infer<typeof ListJobs>) {
    const queue = this.#queue(jobQueue);
    const name = filters?.[0]?.values[0]?.toLowerCase();
    const found = [...this.#jobs.values()]
      .reverse()
      .filter(
        (job) => job.queue === queue && (name === undefined ? job.status === jobStatus : isNamed(job, name)),
      );
    const start = Number(nextToken);
    const most = name === undefined ? 1000 : 100;
    const end = start + Math.min(maxResults ?? most, most);
    return {
      jobSummaryList: found.slice(start, end).map(toSummary),
      ...(end < found.length && { nextToken: String(end) }),
    };
  }

  /** Ends a job: SIGTERM, then SIGKILL. A job that has already ended does not change. */
  terminate(id: string, reason: string): void {
    const job = this.#job(id);
    if (isOver(job)) return;
    job.isTerminated = true;
    const running = this.#running.get(job.jobId);
    if (running === undefined) {
      job.statusReason = reason;
      job.stoppedAt = Date.now();
      this.#enter(job, "FAILED");
      return;
    }
    this.#end(running, { by: "termination", statusReason: reason, reason: null });
  }

  /** Ends a running job as an outside cause would. */
  endBy(id: string, ending: Ending): void {
    const running = this.#running.get(this.#job(id).jobId);
    if (running === undefined) throw clientError("The job is not running.");
    switch (ending) {
      case "host-terminated":
        running.unseen = true;
        this.#end(running, { by: "host", statusReason: hostTerminated(), reason: null }, 0);
        break;
      case "out-of-memory":
        this.#end(
          running,
          {
            by: "itself",
            statusReason: EXITED,
            reason: "OutOfMemoryError: Container killed due to memory usage",
          },
          0,
        );
        break;
      case "timeout":
        this.#end(running, { by: "timeout", statusReason: TIMED_OUT, reason: null });
    }
  }

  /** Kills all jobs at once, without events; no further job starts. */
  stop(): void {
    this.#stopped = true;
    for (const { container } of this.#running.values()) container.abandon();
  }

  #end(
    running: Running,
    cause: Omit<AttemptEnd, "exitCode">,
    graceMs = this.#options.graceMs ?? GRACE_MS,
  ): void {
    running.cause ??= cause; // the first cause counts
    running.container.kill(graceMs);
  }

  /** Starts waiting jobs, each time one of the share that uses least; a job that does not fit blocks all others. */
  #startWaiting(): void {
    const { vcpus } = this.#options;
    const need = (job: Job): number => Math.min(vcpusOf(job), vcpus);
    while (!this.#stopped) {
      const used = new Map<string, number>();
      for (const id of [...this.#starting, ...this.#running.keys()]) {
        const job = this.#job(id);
        used.set(shareOf(job), (used.get(shareOf(job)) ?? 0) + need(job));
      }
      const next = this.#nextWaiting((share) => used.get(share) ?? 0);
      const total = [...used.values()].reduce((sum, one) => sum + one, 0);
      if (next === null || total + need(next) > vcpus) return;
      this.#start(next);
    }
  }

  /** Of the share that uses least the job that was submitted first. */
  #nextWaiting(usedBy: (share: string) => number): Job | null {
    let next: Job | null = null;
    for (const job of this.#jobs.values()) {
      if (job.status !== "RUNNABLE") continue;
      if (next === null || usedBy(shareOf(job)) < usedBy(shareOf(next))) next = job;
    }
    return next;
  }

  #start(job: Job): void {
    job.startedAt = null;
    job.stoppedAt = null;
    job.logStreamName = `${job.request.jobName}-${job.jobId.slice(0, 8)}-${job.attempts.length + 1}.log`;
    this.#enter(job, "STARTING");
    if (secretsOf(job).length === 0) this.#run(job, job.logStreamName, {});
    else void this.#startWithSecrets(job, job.logStreamName);
  }

  async #startWithSecrets(job: Job, log: string): Promise<void> {
    this.#starting.add(job.jobId);
    const [read] = await Promise.allSettled([this.#secretsOf(job)]);
    this.#starting.delete(job.jobId);
    // It may have been terminated meanwhile.
    if (!this.#stopped && job.status === "STARTING") {
      if (read.status === "fulfilled") this.#run(job, log, read.value);
      else {
        const reason = String(read.reason instanceof Error ? read.reason.message : read.reason);
        this.#ended(job, { by: "itself", statusReason: NOT_STARTED, reason, exitCode: null });
      }
    }
    this.#startWaiting();
  }

  async #secretsOf(job: Job): Promise<Record<string, string>> {
    const { readSecret } = this.#options;
    if (readSecret === undefined) throw new Error("ResourceInitializationError: there are no secrets here.");
    const read = secretsOf(job).map(
      async ({ name, valueFrom }) => [name, await readSecret(valueFrom)] as const,
    );
    return Object.fromEntries(await Promise.all(read));
  }

  /** @param log name of the file for its output. */
  #run(job: Job, log: string, secrets: Readonly<Record<string, string>>): void {
    const { directory, folder, environment } = this.#options;
    const attempt = job.attempts.length + 1;
    const command = commandOf(job);
    const { image } = job.definition.containerProperties;
    const container = startContainer({
      command,
      environment: {
        ...environment,
        ...environmentOf(job),
        ...secrets,
        AWS_BATCH_JOB_ID: job.jobId,
        AWS_BATCH_JOB_ATTEMPT: String(attempt),
        AWS_BATCH_JQ_NAME: job.queue,
      },
      directory,
      log: join(folder, "jobs", log),
      title: `# attempt ${attempt} of job ${job.jobId}; image ${image} is not used; command ${JSON.stringify(command)}`,
      scratch: join(folder, "jobs-tmp", job.jobId),
    });
    const running: Running = { container, cause: null, unseen: false };
    this.#running.set(job.jobId, running);
    job.startedAt = Date.now();
    this.#enter(job, "RUNNING");
    const seconds = timeoutOf(job);
    const timer =
      seconds === null
        ? undefined
        : setTimeout(
            () => this.#end(running, { by: "timeout", statusReason: TIMED_OUT, reason: null }),
            seconds * 1000,
          );
    container.ended.then(({ exitCode, reason }) => {
      clearTimeout(timer);
      this.#running.delete(job.jobId);
      if (this.#stopped) return;
      const cause = running.cause ?? { by: "itself", statusReason: EXITED, reason };
      this.#ended(job, { ...cause, exitCode: running.unseen ? null : exitCode });
      this.#startWaiting();
    });
  }

  #ended(job: Job, end: AttemptEnd): void {
    const stoppedAt = Date.now();
    job.attempts.push({
      startedAt: job.startedAt,
      stoppedAt,
      end,
      logStreamName: job.logStreamName ?? "",
    });
    const succeeded = end.by === "itself" && end.exitCode === 0 && end.reason === null;
    job.statusReason = end.statusReason;
    if (!succeeded && retries(retryStrategyOf(job), job.attempts.length, end)) {
      this.#enter(job, "RUNNABLE");
      return;
    }
    job.stoppedAt = stoppedAt;
    this.#enter(job, succeeded ? "SUCCEEDED" : "FAILED");
  }

  #enter(job: Job, status: JobState): void {
    job.status = status;
    this.#options.publish(toDetail(job));
  }

  #queue(id: string): string {
    const name = nameOf(id);
    if (!this.#options.queues.includes(name)) throw clientError(`JobQueue ${id} does not exist.`);
    return name;
  }

  #job(id: string): Job {
    const job = this.#jobs.get(nameOf(id));
    if (job === undefined) throw clientError(`Job ${id} does not exist.`);
    return job;
  }
}

/** All jobs without a share identifier are one share. */
const shareOf = ({ request }: Job): string => request.shareIdentifier ?? "";

const isOver = ({ status }: Job): boolean => status === "SUCCEEDED" || status === "FAILED";

/** @param pattern lower case; a final `*` matches any rest. */
const isNamed = ({ request }: Job, pattern: string): boolean => {
  const name = request.jobName.toLowerCase();
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
};

const checkEnvironment = (environment: Record<string, string>): void => {
  const reserved = Object.keys(environment).find((name) => name.startsWith("AWS_BATCH"));
  if (reserved !== undefined) {
    throw clientError(`Environment variables must not start with AWS_BATCH: ${reserved}`);
  }
};

const hostTerminated = (): string => `Host EC2 (instance i-0${randomBytes(8).toString("hex")}) terminated.`;
