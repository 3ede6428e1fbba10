import { z } from "zod";

/**
 * The parts of AWS Batch requests that the local Batch reads, with AWS's names and limits. Other fields (volumes, ulimits, …)
 * are accepted and kept, because DescribeJobDefinitions returns the complete job definition.
 */
const Environment = z.array(z.looseObject({ name: z.string(), value: z.string().default("") }));
const SecretList = z.array(z.looseObject({ name: z.string(), valueFrom: z.string().startsWith("arn:") }));
const Resources = z.array(z.looseObject({ type: z.enum(["GPU", "VCPU", "MEMORY"]), value: z.string() }));

/** AWS allows letters, digits, `.`, `:` and white space, and a `*` at the end only. */
const Pattern = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9.:\s]*\*?$/, "a pattern may hold letters, digits, '.', ':', spaces and a final '*'");

export const RetryRule = z.looseObject({
  action: z.string().regex(/^(RETRY|EXIT)$/i, "RETRY or EXIT"),
  onStatusReason: Pattern.optional(),
  onReason: Pattern.optional(),
  onExitCode: z
    .string()
    .max(512)
    .regex(/^[0-9]*\*?$/, "digits and a final '*'")
    .optional(),
});

export const RetryStrategy = z
  .looseObject({
    attempts: z.int().min(1).max(10).optional(),
    evaluateOnExit: z.array(RetryRule).max(5).optional(),
  })
  .refine(
    ({ attempts, evaluateOnExit }) => evaluateOnExit === undefined || attempts !== undefined,
    "attempts must be given with evaluateOnExit",
  );

const Timeout = z.looseObject({ attemptDurationSeconds: z.int().min(60) });
const Tags = z.record(z.string(), z.string());

export const ContainerProperties = z
  .looseObject({
    image: z.string().min(1),
    command: z.array(z.string()).optional(),
    environment: Environment.optional(),
    secrets: SecretList.optional(),
    executionRoleArn: z.string().optional(),
    resourceRequirements: Resources.optional(),
    vcpus: z.int().optional(),
    memory: z.int().optional(),
  })
  .refine(
    ({ secrets = [], executionRoleArn }) => secrets.length === 0 || executionRoleArn !== undefined,
    "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
  );

export const RegisterJobDefinition = z.looseObject({
  jobDefinitionName: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/),
  type: z.literal("container"),
  containerProperties: ContainerProperties,
  retryStrategy: RetryStrategy.optional(),
  timeout: Timeout.optional(),
  parameters: z.record(z.string(), z.string()).optional(),
  propagateTags: z.boolean().optional(),
  platformCapabilities: z.array(z.string()).optional(),
  tags: Tags.optional(),
});

export const DescribeJobDefinitions = z.looseObject({
  jobDefinitions: z.array(z.string()).max(100).optional(),
  jobDefinitionName: z.string().optional(),
  status: z.string().optional(),
  maxResults: z.int().min(1).max(100).optional(),
  nextToken: z.string().optional(),
});

export const DeregisterJobDefinition = z.looseObject({ jobDefinition: z.string() });

export const SubmitJob = z.looseObject({
  jobName: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/),
  jobQueue: z.string(),
  jobDefinition: z.string(),
  containerOverrides: z
    .looseObject({
      command: z.array(z.string()).optional(),
      environment: Environment.optional(),
      resourceRequirements: Resources.optional(),
    })
    .optional(),
  retryStrategy: RetryStrategy.optional(),
  timeout: Timeout.optional(),
  parameters: z.record(z.string(), z.string()).optional(),
  propagateTags: z.boolean().optional(),
  shareIdentifier: z
    .string()
    .regex(/^[A-Za-z0-9]{1,255}$/)
    .optional(),
  tags: Tags.optional(),
});

export const DescribeJobs = z.looseObject({ jobs: z.array(z.string()).max(100) });

export const jobStates = [
  "SUBMITTED",
  "PENDING",
  "RUNNABLE",
  "STARTING",
  "RUNNING",
  "SUCCEEDED",
  "FAILED",
] as const;
export type JobState = (typeof jobStates)[number];

export const ListJobs = z.looseObject({
  jobQueue: z.string(),
  jobStatus: z.enum(jobStates).optional(),
  filters: z
    .array(z.looseObject({ name: z.literal("JOB_NAME"), values: z.array(z.string()).length(1) }))
    .max(1)
    .optional(),
  maxResults: z.int().min(1).optional(),
  nextToken: z.string().optional(),
});

export const TerminateJob = z.looseObject({ jobId: z.string(), reason: z.string().max(1024) });

export type RetryStrategy = z.infer<typeof RetryStrategy>;
export type RegisterJobDefinition = z.infer<typeof RegisterJobDefinition>;
export type SubmitJob = z.infer<typeof SubmitJob>;
export type ContainerProperties = z.infer<typeof ContainerProperties>;
