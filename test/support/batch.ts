import { randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { createSweeper } from "../../functions/sweep/index.ts";
import { jobName } from "../../shared/executor/batch/job-name.ts";
import { type BatchSpec, sizeOf } from "../../shared/executor/batch/size.ts";
import { createRandom } from "../../shared/numerics/random.ts";
import type {
  AttemptOfTeam,
  BatchExecutor,
  DispatchQueue,
  Execution,
  JobRequest,
  Registration,
  Submission,
  Workflow,
} from "../../shared/ports.ts";
import type { BatchJob } from "../../shared/schemas/batch-event.ts";
import type { DispatchMessage, QueueMessage, SweepMessage } from "../../shared/schemas/message.ts";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { ClaimReply } from "../../shared/schemas/trial.ts";
import { claimTrial } from "../../shared/service/batch/claim.ts";
import { dispatchMessages } from "../../shared/service/batch/dispatch.ts";
import { settleJob } from "../../shared/service/batch/settle.ts";
import { startStudy } from "../../shared/service/batch/start.ts";
import type { ApiDeps, ServiceDeps } from "../../shared/service/core/deps.ts";
import { findTrial } from "../../shared/service/core/find-trial.ts";
import { readSnapshot } from "../../shared/service/core/snapshot.ts";
import { reconcile } from "../../shared/service/repair/reconcile.ts";
import { inPart } from "../../shared/service/trials/in-part.ts";
import { tellTrial } from "../../shared/service/trials/tell.ts";
import { Store } from "../../shared/store/store.ts";
import type { TrialItem } from "../../shared/store/trial.ts";
import { holderOf } from "../../shared/study/nested.ts";
import type { Snapshot } from "../../shared/study/snapshot.ts";
import type { LoadedStudy } from "../../shared/study/study.ts";
import { FakeCheckpoints } from "./checkpoints.ts";
import { createTestTable } from "./emulator.ts";
import { retryAtOnce } from "./faults.ts";
import { FakeIdentities } from "./identities.ts";
import { createMemoryTable } from "./memory-table/client.ts";
import { FakeSchedules } from "./schedules.ts";
import { makeStudy, noReceipt, type TestClock, testDeps } from "./service.ts";

/** SQS in memory: nothing is delivered until a test says so. */
export class FakeQueue implements DispatchQueue {
  messages: DispatchMessage[] = [];
  /** Loses what is sent, as a crash between a commit and its message does. */
  deaf = false;

  async send(_team: string, messages: readonly DispatchMessage[]): Promise<void> {
    if (!this.deaf) this.messages.push(...messages);
  }

  take(): DispatchMessage[] {
    return this.messages.splice(0);
  }
}

/** What becomes of the next SubmitJob; "lost" is a server error without a job, "unheard" a time-out with one. */
export type SubmitFault = "throttled" | "rejected" | "lost" | "unheard" | "twice";

interface FakeJob extends BatchJob {
  readonly environment: Readonly<Record<string, string>>;
  /** Until then lists do not show it yet: they are eventually consistent. */
  visibleFrom: number;
}

/** AWS Batch in memory: jobs change their state when a test says so. */
export class FakeBatch implements BatchExecutor {
  readonly jobs: FakeJob[] = [];
  readonly definitions = new Set<string>();
  readonly terminations: { jobId: string; reason: string }[] = [];
  submissions = 0;
  /** Jobs that a single submission made beside the first. */
  twins = 0;
  faults: SubmitFault[] = [];
  /** How long lists may not show a new job yet, in milliseconds. */
  lag = 0;
  readonly #clock: TestClock;
  #revisions = 0;

  constructor(clock: TestClock) {
    this.#clock = clock;
  }

  async register({ study }: Registration): Promise<string> {
    const definition = `arn:definition/hone-${study}:${++this.#revisions}`;
    this.definitions.add(definition);
    return definition;
  }

  async deregister(definition: string): Promise<void> {
    this.definitions.delete(definition);
  }

  async definitionsOf(study: string): Promise<string[]> {
    return [...this.definitions].filter((definition) =>
      definition.startsWith(`arn:definition/hone-${study}:`),
    );
  }

  async submit(request: JobRequest): Promise<Submission> {
    this.submissions++;
    const fault = this.faults.shift();
    if (fault === "throttled") return { kind: "throttled", detail: "TooManyRequestsException" };
    if (fault === "rejected") return { kind: "rejected", detail: "ClientException: JobQueue does not exist" };
    if (fault === "lost") return { kind: "unclear", detail: "ServerException" };
    if (!this.definitions.has(request.definition)) return { kind: "rejected", detail: "no such definition" };
    const job = this.#add(request);
    if (fault === "twice") {
      this.#add(request);
      this.twins++;
    }
    if (fault === "unheard" || fault === "twice") return { kind: "unclear", detail: "TimeoutError" };
    return { kind: "accepted", jobId: job.jobId };
  }

  #add(request: JobRequest): FakeJob {
    const job: FakeJob = {
      jobId: `job-${this.jobs.length}-${randomUUID().slice(0, 8)}`,
      jobName: jobName(request),
      status: "RUNNABLE",
      createdAt: this.#clock.now + this.jobs.length,
      environment: request.environment,
      visibleFrom: this.#clock.now + this.lag,
    };
    this.jobs.push(job);
    return job;
  }

  async describe(jobIds: readonly string[]): Promise<BatchJob[]> {
    return this.jobs.filter((job) => jobIds.includes(job.jobId)).map((job) => ({ ...job }));
  }

  async isJobOf(jobId: string, attempt: AttemptOfTeam): Promise<boolean> {
    const job = this.jobs.find((each) => each.jobId === jobId);
    return job?.jobName === jobName(attempt) && job.environment.HONE_TEAM === attempt.team;
  }

  async listByName(name: string): Promise<BatchJob[]> {
    const visible = this.jobs.filter((job) => job.visibleFrom <= this.#clock.now);
    return visible.filter((job) => job.jobName === name).map((job) => ({ ...job }));
  }

  async listAlive(): Promise<BatchJob[]> {
    return this.alive().map((job) => ({ ...job }));
  }

  async terminate(jobId: string, reason: string): Promise<void> {
    this.terminations.push({ jobId, reason });
    const job = this.jobs.find((each) => each.jobId === jobId);
    if (job !== undefined && isAlive(job)) this.fail(job, { statusReason: reason, exitCode: 143 });
  }

  /** A second job of the same submission. */
  twin(job: FakeJob): FakeJob {
    const twin = { ...job, jobId: `job-${this.jobs.length}-${randomUUID().slice(0, 8)}` };
    this.jobs.push(twin);
    return twin;
  }

  alive(): FakeJob[] {
    return this.jobs.filter(isAlive);
  }

  /** The job of an attempt; the first of twins. */
  of(trial: number, attempt = 1): FakeJob {
    const job = this.jobs.find((each) => each.jobName.endsWith(`-${trial}-${attempt}`));
    if (job === undefined) throw new Error(`There is no job for trial ${trial}, attempt ${attempt}.`);
    return job;
  }

  run(job: BatchJob): BatchJob {
    return Object.assign(job, { status: "RUNNING", startedAt: this.#clock.now });
  }

  succeed(job: BatchJob): BatchJob {
    return Object.assign(job, {
      status: "SUCCEEDED",
      stoppedAt: this.#clock.now,
      container: { exitCode: 0 },
    });
  }

  /** Without `exitCode` the container's end was not seen. */
  fail(job: BatchJob, end: { statusReason?: string; exitCode?: number; reason?: string }): BatchJob {
    const { statusReason = "Essential container in task exited", exitCode, reason } = end;
    const container = {
      ...(exitCode !== undefined && { exitCode }),
      ...(reason !== undefined && { reason }),
    };
    return Object.assign(job, { status: "FAILED", stoppedAt: this.#clock.now, statusReason, container });
  }

  forget(job: BatchJob): void {
    this.jobs.splice(this.jobs.indexOf(job as FakeJob), 1);
  }
}

const isAlive = (job: BatchJob) => job.status !== "SUCCEEDED" && job.status !== "FAILED";

const nameOf = ({ study, generation, index }: Execution) =>
  index === null ? `${study}-${generation}` : `${study}-${generation}-${index}`;

/** Step Functions in memory: executions by name, and the tokens that were answered. */
export class FakeRounds implements Workflow {
  readonly executions = new Map<string, "running" | "ended">();
  readonly resumed: { taskToken: string; output: Readonly<Record<string, string | number>> }[] = [];
  /** Tokens that somebody waits for, those of an execution `<its name>:<n>`. */
  readonly waiting = new Set<string>();
  /** Executions that somebody stopped, whether they ran or not. */
  readonly stopped: string[] = [];
  /** Those that ran when they were stopped. */
  readonly aborted = new Set<string>();
  broken = false;

  async start(execution: Execution): Promise<void> {
    const name = nameOf(execution);
    if (!this.executions.has(name)) this.executions.set(name, "running");
  }

  async state(execution: Execution): Promise<"running" | "ended" | "missing"> {
    return this.executions.get(nameOf(execution)) ?? "missing";
  }

  /** One that starts those of brackets does not end them with it, as on the emulator: who stops it must name them. */
  async stop(execution: Execution): Promise<void> {
    const name = nameOf(execution);
    this.stopped.push(name);
    if (this.executions.get(name) === "running") {
      this.executions.set(name, "ended");
      this.aborted.add(name);
    }
    for (const token of this.waiting) if (token.startsWith(`${name}:`)) this.waiting.delete(token);
  }

  async resume(taskToken: string, output: Readonly<Record<string, string | number>>): Promise<boolean> {
    if (this.broken) throw new Error("Step Functions are away");
    this.resumed.push({ taskToken, output });
    return this.waiting.delete(taskToken);
  }
}

export const batchExecution: BatchSpec = {
  type: "batch",
  image: "trainer:1",
  command: ["hone", "exec", "--", "python", "train.py"],
  vcpus: 2,
  gpus: 1,
  timeoutSeconds: 3600,
};

export const halvingScheduler = {
  name: "sha",
  resource: { name: "epoch", min: 1, max: 9 },
  eta: 3,
} as const;

export interface LogLine {
  readonly event: string;
  readonly [field: string]: string | number | boolean | null;
}

/** A batch study on the emulator, with everything else in memory. */
export const batchWorld = async (change: Partial<CreateStudyBody> = {}) => {
  const { client, tableName } = await createTestTable();
  return worldOn(client, tableName, change);
};

/** The same on a table in this process. Nothing waits, and a seed gives the same ids, tokens and order of calls each time. */
export const memoryWorld = async (change: Partial<CreateStudyBody> = {}, seed = 0) => {
  const { client, tableName, table } = createMemoryTable();
  retryAtOnce(client);
  const random = createRandom(seed, MEMORY_STREAM);
  let tokens = 0;
  const settings = {
    client,
    table: tableName,
    jitter: () => random.uniform(),
    token: () => `token-${tokens++}`,
    sleep: async () => {},
  };
  const world = await worldOn(client, tableName, change, () => ({
    store: new Store(settings),
    randomBytes: (count) => Uint8Array.from({ length: count }, () => random.integer(256)),
  }));
  return { ...world, table };
};

export type MemoryWorld = Awaited<ReturnType<typeof memoryWorld>>;

/** Keeps ids and tokens from using up the numbers that a story is made of. */
const MEMORY_STREAM = 1;

/** @param own what each process has of its own, beside the fakes. */
export const worldOn = async (
  client: DynamoDBClient,
  tableName: string,
  change: Partial<CreateStudyBody> = {},
  own: () => Partial<ServiceDeps> = () => ({}),
) => {
  const clock: TestClock = { now: Date.parse("2026-11-23T12:00:00Z") };
  const queue = new FakeQueue();
  const batch = new FakeBatch(clock);
  const rounds = new FakeRounds();
  const checkpoints = new FakeCheckpoints();
  const identities = new FakeIdentities(clock);
  const schedules = new FakeSchedules();
  const lines: LogLine[] = [];
  /** A fresh process: no caches. */
  const process = (): ApiDeps =>
    testDeps(client, tableName, clock, {
      queue,
      batch,
      workflow: rounds,
      checkpoints,
      identities,
      schedules,
      log: (event, fields) => lines.push({ ...fields, event }),
      ...own(),
    });
  const deps = process();
  const study = await makeStudy(deps, {
    executor: batchExecution,
    budget: { trials: 6, parallel: 2 },
    lease: { seconds: 60, maxAttempts: 3 },
    ...change,
  });
  const actions = actionsOn(deps, study, queue, batch);
  /** The sweep Lambda sees to messages at once. @returns the places of those that come again. */
  const sweep = async (messages: readonly SweepMessage[] = [{ version: 1, attend: "all" }]) => {
    const context = { getRemainingTimeInMillis: () => 60_000 };
    const ends = await Promise.allSettled(
      messages.map((message) => createSweeper(process)(message, context)),
    );
    return ends.flatMap(({ status }, i) => (status === "rejected" ? [i] : []));
  };
  return {
    client,
    tableName,
    clock,
    queue,
    batch,
    rounds,
    checkpoints,
    identities,
    schedules,
    lines,
    deps,
    process,
    study,
    ...actions,
    sweep,
    /** The reconciler, and what is left to do of sweeps. */
    reconcile: async () => {
      await actions.reconcile();
      await sweep();
    },
  };
};

export type World = Awaited<ReturnType<typeof batchWorld>>;

/** What the players of a batch study do, in a line each. */
export const actionsOn = (deps: ServiceDeps, study: LoadedStudy, queue: FakeQueue, batch: FakeBatch) => {
  const start = () => startStudy(deps, study, noReceipt);
  const deliver = (messages: readonly QueueMessage[] = queue.take()) =>
    dispatchMessages(
      deps,
      messages.map((message, i) => ({ id: String(i), body: JSON.stringify(message) })),
    );
  const claim = (trial: number, attempt = 1, claimant = "claimant-0123456789") =>
    inPart(study, trial, (part, own) =>
      claimTrial(deps, part, own, { attempt, jobId: batch.of(trial, attempt).jobId, claimant }),
    );
  const tellOnly = (trial: number, accuracy: number, attempt = 1) =>
    inPart(study, trial, (part, own) =>
      tellTrial(deps, part, own, { attempt, values: { accuracy } }, noReceipt),
    );
  /** Whatever ended the attempt, its job ends a moment later, and Batch says so. */
  const endJob = async (trial: number, attempt = 1): Promise<void> => {
    const job = batch.jobs.find(({ jobName: name }) => name.endsWith(`-${trial}-${attempt}`));
    if (job !== undefined && isAlive(job)) await settleJob(deps, { ...batch.succeed(job) });
  };
  const tell = async (trial: number, accuracy: number, attempt = 1) => {
    const reply = await tellOnly(trial, accuracy, attempt);
    await endJob(trial, attempt);
    return reply;
  };
  return {
    start,
    /** Delivers messages; what the dispatcher wants again is answered by its ids. */
    deliver,
    claim,
    /** A container tells its result, and its job ends. */
    tell,
    /** The same while its job runs on. */
    tellOnly,
    endJob,
    settle: (job: BatchJob) => settleJob(deps, { ...job }),
    reconcile: () => reconcile(deps, deps.clock() + 60_000),
    trial: (number: number): Promise<TrialItem> => {
      const { holder, own } = holderOf(study, number);
      return findTrial(deps, holder, own);
    },
    snapshot: (): Promise<Snapshot> => readSnapshot(deps, study),
    /** Starts the study and brings its first trials to where their containers run. */
    launch: async (): Promise<ClaimReply[]> => {
      await start();
      await deliver();
      const claims: ClaimReply[] = [];
      for (const job of batch.alive()) {
        batch.run(job);
        claims.push(await claim(Number(job.environment.HONE_TRIAL)));
      }
      return claims;
    },
    /** A container runs its attempt to a result, and its job ends. */
    finish: async (trial: number, accuracy: number, attempt = 1): Promise<void> => {
      const job = batch.run(batch.of(trial, attempt));
      await claim(trial, attempt);
      await tellOnly(trial, accuracy, attempt);
      await settleJob(deps, { ...batch.succeed(job) });
    },
  };
};

/** GPU seconds that the study's trials say their attempts took (I9). */
export const recordedGpuSeconds = (study: LoadedStudy, trials: readonly TrialItem[]): number => {
  const { executor } = study.spec;
  const gpus = executor.type === "batch" ? sizeOf(executor).gpus : 0;
  return gpus * trials.reduce((sum, trial) => sum + trial.seconds, 0);
};
