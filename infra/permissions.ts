import type { Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { CHECKPOINTS } from "../shared/deployment.ts";
import type { LambdaName } from "./bundles.ts";
import {
  executionRoleName,
  executionsArn,
  jobQueueArn,
  jobRoleName,
  machineArn,
  type Names,
} from "./names.ts";

/** The resources that grants refer to. */
export type Thing =
  | "table"
  | "queue"
  | "brackets"
  | "runs"
  | "bracketRuns"
  | "jobs"
  | "jobDefinitions"
  | "jobQueues"
  | "jobRoles"
  | "bucket"
  | "checkpoints"
  /** Actions that AWS cannot restrict to a resource. */
  | "anything";

interface Grant {
  readonly on: readonly Thing[];
  readonly actions: readonly string[];
  /** Under which it holds, as IAM writes it. */
  readonly when?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What the Lambda does with it. */
  readonly why: string;
}

const readTable: Grant = {
  on: ["table"],
  actions: ["dynamodb:GetItem", "dynamodb:Query"],
  why: "load studies, trials and tokens",
};
// TransactWriteItems needs no grant of its own, only those of the actions in it.
const changeItems: Grant = {
  on: ["table"],
  actions: ["dynamodb:PutItem", "dynamodb:UpdateItem"],
  why: "change trials, their study's counters and receipts in one transaction",
};
const checkHead: Grant = {
  on: ["table"],
  actions: ["dynamodb:ConditionCheckItem"],
  why: "change trials only while their study is still started",
};
const dropItems: Grant = {
  on: ["table"],
  actions: ["dynamodb:DeleteItem"],
  why: "remove revoked tokens, deleted and finished studies from lists, in such a transaction",
};
const writeMany: Grant = {
  on: ["table"],
  actions: ["dynamodb:BatchWriteItem"],
  why: "delete observations that were folded, and deleted studies",
};
const sendTrials: Grant = {
  on: ["queue"],
  actions: ["sqs:SendMessage"],
  why: "send trials to the dispatch queue",
};
const answerMachine: Grant = {
  on: ["anything"],
  actions: ["states:SendTaskSuccess"],
  why: "tell a waiting state machine that its attempt ended",
};
const endJobs: Grant = {
  on: ["jobs"],
  actions: ["batch:TerminateJob"],
  why: "end the jobs of stopped, deleted and lost trials",
};
const stopRounds: Grant = {
  on: ["runs", "bracketRuns"],
  actions: ["states:StopExecution"],
  why: "end the rounds of a stopped or deleted study, and its brackets",
};
const dropDefinition: Grant = {
  on: ["jobDefinitions"],
  actions: ["batch:DeregisterJobDefinition"],
  why: "remove the job definition of a deleted study",
};
const describeDefinitions = (why: string): Grant => ({
  on: ["anything"],
  actions: ["batch:DescribeJobDefinitions"],
  why,
});

const dropCheckpoints: Grant = {
  on: ["checkpoints"],
  actions: ["s3:DeleteObject"],
  why: "remove checkpoints that were replaced, or whose trial has ended",
};

/** All permissions of the Lambdas, except those for a Lambda's own log group and dead-letter queue. */
export const permissions: Readonly<Record<LambdaName, readonly Grant[]>> = {
  api: [
    readTable,
    changeItems,
    dropItems,
    writeMany,
    sendTrials,
    answerMachine,
    endJobs,
    dropDefinition,
    describeDefinitions("read the stack's template, from which the definition of a study is made"),
    {
      on: ["jobDefinitions"],
      actions: ["batch:RegisterJobDefinition", "batch:TagResource"],
      why: "register a study's image, command and size",
    },
    { on: ["jobRoles"], actions: ["iam:PassRole"], why: "give those definitions the template's roles" },
    { on: ["brackets"], actions: ["states:StartExecution"], why: "start the rounds of a study" },
    stopRounds,
    {
      on: ["checkpoints"],
      actions: ["s3:GetObject", "s3:PutObject"],
      why: "sign the URLs of checkpoints, which allow no more than their signer may do; check what was uploaded",
    },
    dropCheckpoints,
  ],
  authorizer: [{ on: ["table"], actions: ["dynamodb:GetItem"], why: "look up a token" }],
  dispatcher: [
    {
      on: ["queue"],
      actions: ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
      why: "Lambda reads the queue with the function's role",
    },
    readTable,
    changeItems,
    checkHead,
    {
      on: ["jobs", "jobDefinitions", "jobQueues"],
      actions: ["batch:SubmitJob"],
      why: "start the job of an attempt",
    },
    { on: ["jobs"], actions: ["batch:TagResource"], why: "tag it with its team and study" },
    answerMachine,
  ],
  events: [readTable, changeItems, writeMany, sendTrials, answerMachine],
  reconciler: [
    readTable,
    changeItems,
    dropItems,
    writeMany,
    sendTrials,
    answerMachine,
    endJobs,
    dropDefinition,
    describeDefinitions("find job definitions that a start has left behind"),
    {
      on: ["anything"],
      actions: ["batch:DescribeJobs", "batch:ListJobs"],
      why: "read the state of jobs, and find jobs whose submission was unclear or whose study was deleted",
    },
    { on: ["brackets"], actions: ["states:StartExecution"], why: "start rounds whose start was lost" },
    {
      on: ["runs"],
      actions: ["states:DescribeExecution"],
      why: "check whether rounds are still running",
    },
    stopRounds,
    {
      on: ["bucket"],
      actions: ["s3:ListBucket"],
      when: { StringLike: { "s3:prefix": `${CHECKPOINTS}*` } },
      why: "find checkpoints that nobody needs",
    },
    dropCheckpoints,
  ],
  rounds: [
    readTable,
    changeItems,
    checkHead,
    writeMany,
    {
      on: ["brackets"],
      actions: ["states:StartExecution"],
      why: "hand a study of many brackets over to the next execution",
    },
  ],
};

export interface Resources {
  readonly tableArn: string;
  readonly bucketArn: string;
  readonly queueArn: string;
  readonly names: Names;
  /** For the emulator, which treats SendMessageBatch as an action of its own. */
  readonly local: boolean;
}

/** The IAM statements of one Lambda's role. */
export const statementsOf = (stack: Stack, lambda: LambdaName, resources: Resources): PolicyStatement[] => {
  const arns = arnsOf(stack, resources);
  return permissions[lambda].map(
    ({ on, actions, when }) =>
      new PolicyStatement({
        actions: resources.local ? actions.flatMap(asEmulated) : [...actions],
        resources: on.flatMap((thing) => arns[thing]),
        ...(when !== undefined && { conditions: when }),
      }),
  );
};

/** On AWS, sqs:SendMessage also allows SendMessageBatch, which is not a separate action. */
const asEmulated = (action: string): string[] =>
  action === "sqs:SendMessage" ? [action, "sqs:SendMessageBatch"] : [action];

const arnsOf = (
  stack: Stack,
  { tableArn, bucketArn, queueArn, names }: Resources,
): Record<Thing, readonly string[]> => {
  const batch = (resource: string, resourceName: string) =>
    stack.formatArn({ service: "batch", resource, resourceName });
  const role = (resourceName: string) =>
    stack.formatArn({ service: "iam", region: "", resource: "role", resourceName });
  return {
    table: [tableArn],
    queue: [queueArn],
    brackets: [machineArn(stack, names.brackets)],
    runs: [executionsArn(stack, names.brackets)],
    bracketRuns: [executionsArn(stack, names.halving)],
    jobs: [batch("job", "*")],
    jobDefinitions: [batch("job-definition", `${names.jobDefinitionPrefix}*`)],
    jobQueues: [jobQueueArn(stack, names.gpuJobQueue), jobQueueArn(stack, names.cpuJobQueue)],
    jobRoles: [role(jobRoleName(stack, names)), role(executionRoleName(stack, names))],
    bucket: [bucketArn],
    checkpoints: [`${bucketArn}/${CHECKPOINTS}*`],
    anything: ["*"],
  };
};
