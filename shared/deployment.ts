/**
 * Names of the environment variables that the stacks set and `functions/deps.ts` reads. A name that is misspelt on
 * one side does not compile.
 */
export const environment = {
  /** The DynamoDB table. */
  table: "HONE_TABLE",
  /** URL of the dispatch queue. */
  queue: "HONE_QUEUE_URL",
  /** Where a job reaches the API: base URL up to and including `/v1`. */
  api: "HONE_API_URL",
  /** Batch job queue for trials that ask for GPUs, and the one for those that do not. */
  gpuJobQueue: "HONE_GPU_JOB_QUEUE",
  cpuJobQueue: "HONE_CPU_JOB_QUEUE",
  /** Job definition of the stack: the template (roles, logs, retries) of the one registered for each study. */
  jobDefinition: "HONE_JOB_DEFINITION",
  /** Comma-separated prefixes of images that studies may name; `*` allows any. */
  images: "HONE_IMAGES",
  /** ARNs of the state machines of rounds. */
  brackets: "HONE_BRACKETS_ARN",
  halving: "HONE_HALVING_ARN",
  /** Name of the bucket of checkpoints, and its URL on AWS; an endpoint of AWS other than the Region's own replaces that. */
  bucket: "HONE_BUCKET",
  bucketUrl: "HONE_BUCKET_URL",
} as const;

/** The prefix of all checkpoints in the bucket, which roles and the lifecycle rule name. */
export const CHECKPOINTS = "checkpoints/";

/** Keys of the CoreStack's outputs, which the CLI, the local stack and the tests read. */
export const outputs = {
  apiUrl: "ApiUrl",
  table: "TableName",
  queue: "DispatchQueueUrl",
  deadLetterQueue: "DispatchDeadLetterQueueUrl",
  bucket: "BucketName",
  brackets: "BracketsArn",
  halving: "HalvingArn",
} as const;

/** Events of the log that alarms count; the stacks and the code that logs them take the names from here. */
export const alarmedEvents = {
  /** A trial failed before its program was reached. */
  infraFailure: "infra-failure",
  /** The reconciler could not repair a study. */
  reconcileFailed: "reconcile-failed",
} as const;

export const CORE_STACK = "HoneCore";
export const COMPUTE_STACK = "HoneCompute";
