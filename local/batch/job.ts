import { arnOf } from "./arn.ts";
import type { JobDefinition } from "./definitions.ts";
import type { JobState, SubmitJob } from "./requests.ts";
import type { AttemptEnd } from "./retry.ts";

interface Attempt {
  /** Null when its container was never started. */
  readonly startedAt: number | null;
  readonly stoppedAt: number;
  readonly end: AttemptEnd;
  readonly logStreamName: string;
}

/** One job: its request and its state. Times are milliseconds since 1970. */
export interface Job {
  readonly jobId: string;
  readonly request: SubmitJob;
  readonly definition: JobDefinition;
  readonly queue: string;
  readonly createdAt: number;
  status: JobState;
  statusReason: string | null;
  startedAt: number | null;
  stoppedAt: number | null;
  isTerminated: boolean;
  /** Of the current or last attempt. */
  logStreamName: string | null;
  readonly attempts: Attempt[];
}

export const commandOf = ({ request, definition }: Job): readonly string[] =>
  request.containerOverrides?.command ?? definition.containerProperties.command ?? [];

/** The definition's variables, overridden by the job's. */
export const environmentOf = ({ request, definition }: Job): Record<string, string> =>
  Object.fromEntries(
    [
      ...(definition.containerProperties.environment ?? []),
      ...(request.containerOverrides?.environment ?? []),
    ].map(({ name, value }) => [name, value]),
  );

/** Names of variables, and where their values are. */
export const secretsOf = ({ definition }: Job) => definition.containerProperties.secrets ?? [];

const resourcesOf = ({ request, definition }: Job) => {
  const { vcpus, memory, resourceRequirements = [] } = definition.containerProperties;
  const byType = new Map<string, string>();
  if (vcpus !== undefined) byType.set("VCPU", String(vcpus));
  if (memory !== undefined) byType.set("MEMORY", String(memory));
  for (const { type, value } of resourceRequirements) byType.set(type, value);
  for (const { type, value } of request.containerOverrides?.resourceRequirements ?? [])
    byType.set(type, value);
  return [...byType].map(([type, value]) => ({ type, value }));
};

export const vcpusOf = (job: Job): number =>
  Number(resourcesOf(job).find(({ type }) => type === "VCPU")?.value ?? 1);

export const retryStrategyOf = ({ request, definition }: Job) =>
  request.retryStrategy ?? definition.retryStrategy;

/** Seconds an attempt may take, or null. */
export const timeoutOf = ({ request, definition }: Job): number | null =>
  (request.timeout ?? definition.timeout)?.attemptDurationSeconds ?? null;

const given = <T>(name: string, value: T | null | undefined): Record<string, T> =>
  value === null || value === undefined ? {} : { [name]: value };

const exitOf = ({ exitCode, reason }: AttemptEnd) => ({
  ...given("exitCode", exitCode),
  ...given("reason", reason),
});

/** The job as DescribeJobs and the state-change events show it; AWS uses one shape for both as well. */
export const toDetail = (job: Job): Record<string, unknown> => {
  const { request, definition } = job;
  const last = job.status === "SUCCEEDED" || job.status === "FAILED" ? job.attempts.at(-1) : undefined;
  const timeout = timeoutOf(job);
  return {
    jobArn: arnOf("job", job.jobId),
    jobName: request.jobName,
    jobId: job.jobId,
    jobQueue: arnOf("job-queue", job.queue),
    status: job.status,
    attempts: job.attempts.map(({ startedAt, stoppedAt, end, logStreamName }) => ({
      container: { ...exitOf(end), logStreamName, networkInterfaces: [] },
      ...given("startedAt", startedAt),
      stoppedAt,
      statusReason: end.statusReason,
    })),
    ...given("statusReason", job.statusReason),
    createdAt: job.createdAt,
    retryStrategy: { attempts: 1, evaluateOnExit: [], ...retryStrategyOf(job) },
    ...given("startedAt", job.startedAt),
    ...given("stoppedAt", job.stoppedAt),
    dependsOn: [],
    jobDefinition: definition.jobDefinitionArn,
    parameters: { ...definition.parameters, ...request.parameters },
    container: {
      image: definition.containerProperties.image,
      command: commandOf(job),
      volumes: [],
      environment: Object.entries(environmentOf(job)).map(([name, value]) => ({ name, value })),
      mountPoints: [],
      ulimits: [],
      networkInterfaces: [],
      resourceRequirements: resourcesOf(job),
      secrets: secretsOf(job),
      ...given("logStreamName", job.logStreamName),
      ...(last === undefined ? {} : exitOf(last.end)),
    },
    ...(timeout === null ? {} : { timeout: { attemptDurationSeconds: timeout } }),
    tags: { resourceArn: arnOf("job", job.jobId), ...definition.tags, ...request.tags },
    propagateTags: request.propagateTags ?? definition.propagateTags ?? false,
    platformCapabilities: definition.platformCapabilities ?? [],
    eksAttempts: [],
    ...(job.isTerminated ? { isTerminated: true } : {}),
  };
};

/** The job as ListJobs shows it. */
export const toSummary = (job: Job): Record<string, unknown> => {
  const last = job.attempts.at(-1);
  return {
    jobArn: arnOf("job", job.jobId),
    jobId: job.jobId,
    jobName: job.request.jobName,
    createdAt: job.createdAt,
    status: job.status,
    ...given("statusReason", job.statusReason),
    ...given("startedAt", job.startedAt),
    ...given("stoppedAt", job.stoppedAt),
    container: last === undefined ? {} : exitOf(last.end),
    jobDefinition: job.definition.jobDefinitionArn,
  };
};
