import {
  type BatchClient,
  ClientException,
  DeregisterJobDefinitionCommand,
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  type JobDefinition,
  type JobStatus,
  ListJobsCommand,
  type ListJobsCommandInput,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from "@aws-sdk/client-batch";
import { Conflict, invalid, Unavailable } from "../../errors.ts";
import type { BatchExecutor, JobRequest, Submission } from "../../ports.ts";
import { BatchJob } from "../../schemas/batch-event.ts";
import { JOB_PREFIX, jobName } from "./job-name.ts";
import { type BatchSpec, sizeOf } from "./size.ts";

/** AWS Batch: the only file that calls it. */
export interface BatchOptions {
  readonly client: BatchClient;
  /** A client that never repeats a request by itself (`maxAttempts: 1`): SubmitJob has no idempotency token. */
  readonly submitter: BatchClient;
  /** Names of the job queues for trials with GPUs and without. */
  readonly gpuQueue: string;
  readonly cpuQueue: string;
  /** Name of the job definition from which a study's own takes its roles, logs and network. */
  readonly template: string;
  /** What jobs find in HONE_API. */
  readonly api: string;
  /** Prefixes of images that studies may name; `*` allows any. */
  readonly images: readonly string[];
}

/** DescribeJobs takes as many ids. */
const IDS_A_CALL = 100;
/** A submission that takes longer is unclear. */
const SUBMIT_MS = 8000;
const ALIVE: readonly JobStatus[] = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"];

export const batchExecutor = (options: BatchOptions): BatchExecutor => {
  const { client, gpuQueue, cpuQueue } = options;
  const queues = [...new Set([gpuQueue, cpuQueue])];

  const list = async (input: Omit<ListJobsCommandInput, "jobQueue">): Promise<BatchJob[]> => {
    const jobs: BatchJob[] = [];
    for (const jobQueue of queues) {
      let nextToken: string | undefined;
      do {
        const page = await client.send(
          new ListJobsCommand({ ...input, jobQueue, ...(nextToken && { nextToken }) }),
        );
        for (const job of page.jobSummaryList ?? []) jobs.push(BatchJob.parse(job));
        nextToken = page.nextToken;
      } while (nextToken);
    }
    return jobs;
  };

  return {
    register: (study, team, executor) => register(options, study, team, executor),

    deregister: (definition) =>
      unlessGone(() => client.send(new DeregisterJobDefinitionCommand({ jobDefinition: definition }))),

    definitionsOf: async (study) => {
      const definitions = await activeDefinitions(client, definitionName(study));
      return definitions.flatMap(({ jobDefinitionArn }) => jobDefinitionArn ?? []);
    },

    submit: (request) => submit(options, request),

    describe: async (jobIds) => {
      const jobs: BatchJob[] = [];
      for (let i = 0; i < jobIds.length; i += IDS_A_CALL) {
        const reply = await client.send(new DescribeJobsCommand({ jobs: jobIds.slice(i, i + IDS_A_CALL) }));
        for (const job of reply.jobs ?? []) jobs.push(BatchJob.parse(job));
      }
      return jobs;
    },

    listByName: async (name) => {
      const jobs = await list({ filters: [{ name: "JOB_NAME", values: [name] }] });
      return jobs.sort((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0));
    },

    listAlive: async () => {
      const jobs: BatchJob[] = [];
      for (const jobStatus of ALIVE) jobs.push(...(await list({ jobStatus })));
      return jobs.filter((job) => job.jobName.startsWith(JOB_PREFIX));
    },

    terminate: (jobId, reason) => unlessGone(() => client.send(new TerminateJobCommand({ jobId, reason }))),
  };
};

const definitionName = (study: string) => `${JOB_PREFIX}${study}`;

/** Ends something that AWS Batch may have forgotten already. */
const unlessGone = async (run: () => Promise<unknown>): Promise<void> => {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof ClientException)) throw error;
  }
};

/**
 * Registers the study's own job definition: image, command and size are the study's; roles, logs and network are the
 * stack's. Batch itself never retries a job: every attempt is one of Hone's, with its own number, token and record.
 */
const register = async (
  { client, template, images }: BatchOptions,
  study: string,
  team: string,
  executor: BatchSpec,
): Promise<string> => {
  refuseImage(images, executor.image);
  const base = await findTemplate(client, template);
  const { vcpus, memoryMiB, gpus, timeoutSeconds } = sizeOf(executor);
  const { vcpus: _vcpus, memory: _memory, ...container } = base.containerProperties ?? {};
  try {
    const reply = await client.send(
      new RegisterJobDefinitionCommand({
        jobDefinitionName: definitionName(study),
        type: "container",
        platformCapabilities: base.platformCapabilities,
        containerProperties: {
          ...container,
          image: executor.image,
          command: executor.command,
          environment: Object.entries(executor.environment ?? {}).map(([name, value]) => ({ name, value })),
          resourceRequirements: [
            { type: "VCPU", value: String(vcpus) },
            { type: "MEMORY", value: String(memoryMiB) },
            ...(gpus > 0 ? [{ type: "GPU" as const, value: String(gpus) }] : []),
          ],
        },
        timeout: { attemptDurationSeconds: timeoutSeconds },
        retryStrategy: { attempts: 1 },
        propagateTags: true,
        tags: { "hone:team": team, "hone:study": study },
      }),
    );
    if (reply.jobDefinitionArn === undefined) throw new Unavailable();
    return reply.jobDefinitionArn;
  } catch (error) {
    if (!(error instanceof ClientException)) throw error;
    throw Object.assign(new Conflict({ kind: "batch-refuses" }), { cause: error });
  }
};

const refuseImage = (prefixes: readonly string[], image: string): void => {
  if (prefixes.some((prefix) => prefix === "*" || image.startsWith(prefix))) return;
  throw invalid("/executor/image", { kind: "image-not-allowed", prefixes });
};

/** The latest revision of the stack's job definition. */
const findTemplate = async (client: BatchClient, name: string): Promise<JobDefinition> => {
  let latest: JobDefinition | undefined;
  for (const definition of await activeDefinitions(client, name)) {
    if ((definition.revision ?? 0) > (latest?.revision ?? 0)) latest = definition;
  }
  if (latest === undefined) {
    throw new Unavailable({ kind: "no-machines" }, 60);
  }
  return latest;
};

/** The revisions of a job definition that are not deregistered. */
const activeDefinitions = async (
  client: BatchClient,
  jobDefinitionName: string,
): Promise<JobDefinition[]> => {
  const definitions: JobDefinition[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(
      new DescribeJobDefinitionsCommand({
        jobDefinitionName,
        status: "ACTIVE",
        ...(nextToken && { nextToken }),
      }),
    );
    definitions.push(...(page.jobDefinitions ?? []));
    nextToken = page.nextToken;
  } while (nextToken);
  return definitions;
};

const submit = async (options: BatchOptions, request: JobRequest): Promise<Submission> => {
  const { team, study, trial, attempt } = request;
  const environment = { HONE_API: options.api, ...request.environment };
  try {
    const reply = await options.submitter.send(
      new SubmitJobCommand({
        jobName: jobName(request),
        jobQueue: request.gpus > 0 ? options.gpuQueue : options.cpuQueue,
        jobDefinition: request.definition,
        containerOverrides: {
          environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
        },
        propagateTags: true,
        tags: {
          "hone:team": team,
          "hone:study": study,
          "hone:trial": String(trial),
          "hone:attempt": String(attempt),
        },
      }),
      { abortSignal: AbortSignal.timeout(SUBMIT_MS) },
    );
    if (reply.jobId === undefined) return { kind: "unclear", detail: "an answer without a job id" };
    return { kind: "accepted", jobId: reply.jobId };
  } catch (error) {
    return judge(error);
  }
};

/** Connections that were never made carried no request. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);
const TIMED_OUT = 408;
const TOO_MANY = 429;

/** What a failed submission means: only an answer that says so means that there is no job. */
const judge = (error: unknown): Submission => {
  const { name = "unknown", message = "" } = error instanceof Error ? error : {};
  const { $metadata, code } = error as { $metadata?: { httpStatusCode?: number }; code?: string };
  const status = $metadata?.httpStatusCode;
  const detail = `${name}: ${message}`.slice(0, 400);
  if (NEVER_SENT.has(code ?? "")) return { kind: "throttled", detail };
  if (status === TOO_MANY || /^(TooManyRequests|Throttling)/.test(name)) return { kind: "throttled", detail };
  if (status !== undefined && status >= 400 && status < 500 && status !== TIMED_OUT) {
    return { kind: "rejected", detail };
  }
  return { kind: "unclear", detail };
};
