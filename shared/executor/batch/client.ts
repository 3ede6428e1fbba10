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
import { STUDY_TAG, TEAM_TAG } from "../../deployment.ts";
import { Conflict, invalid, Unavailable } from "../../errors.ts";
import type { AttemptOfTeam, BatchExecutor, JobRequest, Registration, Submission } from "../../ports.ts";
import type { Market } from "../../prices.ts";
import { BatchJob } from "../../schemas/batch-event.ts";
import { JOB_PREFIX, jobName } from "./job-name.ts";
import { valueFrom } from "./secret-arn.ts";
import { shareOf } from "./share.ts";
import { type BatchSpec, marketOf, sizeOf } from "./size.ts";

/** Names of the job queues for trials with GPUs and without. */
export interface JobQueues {
  readonly gpu: string;
  readonly cpu: string;
}

/** AWS Batch: the only file that calls it. */
export interface BatchOptions {
  readonly client: BatchClient;
  /** A client that never repeats a request by itself (`maxAttempts: 1`): SubmitJob has no idempotency token. */
  readonly submitter: BatchClient;
  /** By market; null where the deployment has no such machines. */
  readonly queues: Readonly<Record<Market, JobQueues | null>>;
  /** Name of the job definition from which a study's own takes its roles, logs and network. */
  readonly template: string;
  /** What jobs find in HONE_API. */
  readonly api: string;
  /** Prefixes of images that studies may name; `*` allows any. */
  readonly images: readonly string[];
}

/** DescribeJobs takes as many ids. */
const IDS_A_CALL = 100;
/** Of every job: the shares of the teams decide which comes first. */
const PRIORITY = 1;
/** A submission that takes longer is unclear. */
const SUBMIT_MS = 8000;
const ALIVE: readonly JobStatus[] = ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"];

export const batchExecutor = (options: BatchOptions): BatchExecutor => {
  const { client } = options;
  const queues = [
    ...new Set(
      Object.values(options.queues).flatMap((known) => (known === null ? [] : [known.gpu, known.cpu])),
    ),
  ];

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
    register: (registration) => register(options, registration),

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

    isJobOf: async (jobId, attempt) => {
      const [job] = await describeOne(client, jobId);
      return job !== undefined && job.jobId === jobId && isOfAttempt(job, attempt, queues);
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

/** The job with an id that a caller chose; none when Batch refuses the id. */
const describeOne = async (client: BatchClient, jobId: string): Promise<BatchJob[]> => {
  try {
    const reply = await client.send(new DescribeJobsCommand({ jobs: [jobId] }));
    return (reply.jobs ?? []).map((job) => BatchJob.parse(job));
  } catch (error) {
    if (error instanceof ClientException) return [];
    throw error;
  }
};

/** Names alone would not do: whoever may submit jobs to any queue of the account chooses theirs. */
const isOfAttempt = (job: BatchJob, attempt: AttemptOfTeam, queues: readonly string[]): boolean =>
  job.jobName === jobName(attempt) &&
  queues.some((queue) => job.jobQueue === queue || job.jobQueue?.endsWith(`:job-queue/${queue}`)) &&
  Object.entries(tagsOf(attempt)).every(([key, value]) => job.tags?.[key] === value);

/** The tags of an attempt's job. Hone may only end jobs that have them (infra/permissions.ts). */
const tagsOf = ({ team, study, trial, attempt }: AttemptOfTeam): Record<string, string> => ({
  [TEAM_TAG]: team,
  [STUDY_TAG]: study,
  "hone:trial": String(trial),
  "hone:attempt": String(attempt),
});

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
  { client, template, images, queues }: BatchOptions,
  { study, team, executor, labels }: Registration,
): Promise<string> => {
  refuseImage(images, executor.image);
  const market = marketOf(executor);
  if (queues[market] === null) throw invalid("/executor/market", { kind: "no-such-market", market });
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
          environment: Object.entries(environmentOf(executor)).map(([name, value]) => ({ name, value })),
          secrets: Object.entries(executor.secrets ?? {}).map(([name, reference]) => ({
            name,
            valueFrom: valueFrom(reference, base.jobDefinitionArn ?? ""),
          })),
          resourceRequirements: [
            { type: "VCPU", value: String(vcpus) },
            { type: "MEMORY", value: String(memoryMiB) },
            ...(gpus > 0 ? [{ type: "GPU" as const, value: String(gpus) }] : []),
          ],
        },
        timeout: { attemptDurationSeconds: timeoutSeconds },
        retryStrategy: { attempts: 1 },
        propagateTags: true,
        schedulingPriority: PRIORITY,
        tags: { ...labels, [TEAM_TAG]: team, [STUDY_TAG]: study },
      }),
    );
    if (reply.jobDefinitionArn === undefined) throw new Unavailable();
    return reply.jobDefinitionArn;
  } catch (error) {
    if (!(error instanceof ClientException)) throw error;
    throw Object.assign(new Conflict({ kind: "batch-refuses" }), { cause: error });
  }
};

/** The study's own, and the names of its secrets, whose values the runner keeps out of what it tells. */
const environmentOf = ({ environment = {}, secrets = {} }: BatchSpec): Readonly<Record<string, string>> => {
  const names = Object.keys(secrets).join(",");
  return names === "" ? environment : { ...environment, HONE_SECRETS: names };
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
  const queues = options.queues[request.market];
  if (queues === null) return { kind: "rejected", detail: `There are no ${request.market} machines here.` };
  const environment = { HONE_API: options.api, ...request.environment };
  try {
    const reply = await options.submitter.send(
      new SubmitJobCommand({
        jobName: jobName(request),
        jobQueue: request.gpus > 0 ? queues.gpu : queues.cpu,
        shareIdentifier: shareOf(request.team),
        // Definitions that an earlier version registered have none.
        schedulingPriorityOverride: PRIORITY,
        jobDefinition: request.definition,
        containerOverrides: {
          environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
        },
        propagateTags: true,
        tags: { ...request.labels, ...tagsOf(request) },
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
