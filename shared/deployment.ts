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
  /** Batch job queue for trials that ask for GPUs, and the one for those that do not; on on-demand instances where there are such. */
  gpuJobQueue: "HONE_GPU_JOB_QUEUE",
  cpuJobQueue: "HONE_CPU_JOB_QUEUE",
  onDemandGpuJobQueue: "HONE_ON_DEMAND_GPU_JOB_QUEUE",
  onDemandCpuJobQueue: "HONE_ON_DEMAND_CPU_JOB_QUEUE",
  /** Job definition of the stack: the template (roles, logs, retries) of the one registered for each study. */
  jobDefinition: "HONE_JOB_DEFINITION",
  /** Comma-separated prefixes of images that studies may name; `*` allows any. */
  images: "HONE_IMAGES",
  /** Requests per second that a team may make. */
  teamRate: "HONE_TEAM_RATE",
  /** JSON of what machines cost, where the defaults are not right. */
  prices: "HONE_PRICES",
  /** ARNs of the state machines. */
  brackets: "HONE_BRACKETS_ARN",
  halving: "HONE_HALVING_ARN",
  folds: "HONE_FOLDS_ARN",
  fold: "HONE_FOLD_ARN",
  generations: "HONE_GENERATIONS_ARN",
  /** Name of the bucket of checkpoints, and its URL on AWS; an endpoint of AWS other than the Region's own replaces that. */
  bucket: "HONE_BUCKET",
  bucketUrl: "HONE_BUCKET_URL",
  /** ARN of the API's stage, to which policies add method and path. */
  stageArn: "HONE_STAGE_ARN",
  /** ARN of the role of the sessions that Hone makes for a single study. */
  sessionsRole: "HONE_SESSIONS_ROLE_ARN",
  /** ARN of the roles of teams, without the team's name at the end. */
  teamRoles: "HONE_TEAM_ROLES_ARN",
  /** Days that a line of the audit trail is kept. */
  auditDays: "HONE_AUDIT_DAYS",
  /** ARN of the Lambda that firings of sweeps call, and of the queue for those that could not be delivered. */
  sweepFunction: "HONE_SWEEP_FUNCTION_ARN",
  failedFirings: "HONE_FAILED_FIRINGS_ARN",
  /** Name of the schedule group of sweeps, and ARN of the role that their schedules have. */
  scheduleGroup: "HONE_SCHEDULE_GROUP",
  firingRole: "HONE_FIRING_ROLE_ARN",
} as const;

/** In place of a job queue that the deployment does not have. */
export const NO_QUEUE = "none";

/** The prefix of all checkpoints in the bucket, which roles and the lifecycle rule name. */
export const CHECKPOINTS = "checkpoints/";

/** Tags of every job and job definition of Hone: roles name them, and Cost Explorer groups by them. */
export const TEAM_TAG = "hone:team";
export const STUDY_TAG = "hone:study";

/**
 * What the names of all secrets begin with that jobs may have, in Secrets Manager; paths of SSM parameters have a slash before it.
 * Next comes the team. Batch reads them for a job by a role that is given this prefix; that a study names only those of its own
 * team, Hone checks (`shared/study/secrets.ts`).
 */
export const SECRETS = "hone/";

/** Days that a line of the audit trail is kept, unless the deployment says otherwise: a year, and a month to look back at it. */
export const AUDIT_DAYS = 400;

/** The prefix of what is exported of audit trails, in the same bucket. */
export const AUDITS = "audit/";

/** Keys of the CoreStack's outputs, which the CLI, the local stack and the tests read. */
export const outputs = {
  apiUrl: "ApiUrl",
  table: "TableName",
  queue: "DispatchQueueUrl",
  deadLetterQueue: "DispatchDeadLetterQueueUrl",
  bucket: "BucketName",
  brackets: "BracketsArn",
  halving: "HalvingArn",
  folds: "FoldsArn",
  fold: "FoldArn",
  generations: "GenerationsArn",
} as const;

/** Events of the log that alarms count; the stacks and the code that logs them take the names from here. */
export const alarmedEvents = {
  /** A trial failed before its program was reached. */
  infraFailure: "infra-failure",
  /** A state machine gave up. */
  roundsFailed: "rounds-failed",
  /** The reconciler could not repair a study, or the sweep Lambda do what is left of a sweep. */
  reconcileFailed: "reconcile-failed",
} as const;

export const CORE_STACK = "HoneCore";
export const COMPUTE_STACK = "HoneCompute";
