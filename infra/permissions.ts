import type { Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { AUDITS, CHECKPOINTS, STUDY_TAG } from "../shared/deployment.ts";
import type { LambdaName } from "./bundles.ts";
import {
  executionRoleName,
  executionsArn,
  firingRoleName,
  jobQueueArn,
  jobQueuesOf,
  jobRoleName,
  machineArn,
  type Names,
  roleArn,
  schedulesArn,
} from "./names.ts";

/** The resources that grants refer to. */
export type Thing =
  | "table"
  | "queue"
  | "schedules"
  | "firingRole"
  | "machines"
  /** Those that hand a long study over to another execution of themselves. */
  | "longMachines"
  | "runs"
  | "innerRuns"
  | "jobs"
  | "jobDefinitions"
  | "jobQueues"
  | "jobRoles"
  | "bucket"
  | "checkpoints"
  | "sessionsRole"
  | "exports"
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
  // Any other job of the account has no such tag.
  when: { Null: { [`aws:ResourceTag/${STUDY_TAG}`]: "false" } },
  why: "end the jobs of stopped, deleted and lost trials",
};
const stopRounds: Grant = {
  on: ["runs", "innerRuns"],
  actions: ["states:StopExecution"],
  why: "end the rounds or folds of a stopped or deleted study, and what they started",
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

const checkTeam: Grant = {
  on: ["table"],
  actions: ["dynamodb:ConditionCheckItem"],
  why: "change something for a team, or give something to a member, only while nobody deletes the team or removes the member",
};

const dropCheckpoints: Grant = {
  on: ["checkpoints"],
  actions: ["s3:DeleteObject"],
  why: "remove checkpoints that were replaced, or whose trial has ended",
};

/** What starting the studies that Hone runs needs. */
const startStudies: readonly Grant[] = [
  describeDefinitions("read the stack's template, from which the definition of a study is made"),
  {
    on: ["jobDefinitions"],
    actions: ["batch:RegisterJobDefinition", "batch:TagResource"],
    why: "register a study's image, command and size",
  },
  { on: ["jobRoles"], actions: ["iam:PassRole"], why: "give those definitions the template's roles" },
  { on: ["machines"], actions: ["states:StartExecution"], why: "start the rounds or the folds of a study" },
];

const makeSchedules: readonly Grant[] = [
  {
    on: ["schedules"],
    actions: ["scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"],
    why: "make, change and remove the schedule of a sweep",
  },
  {
    on: ["firingRole"],
    actions: ["iam:PassRole"],
    when: { StringEquals: { "iam:PassedToService": "scheduler.amazonaws.com" } },
    why: "give it the role that sends firings",
  },
];

/** All permissions of the Lambdas, except those for a Lambda's own log group and dead-letter queue. */
export const permissions: Readonly<Record<LambdaName, readonly Grant[]>> = {
  api: [
    readTable,
    changeItems,
    checkTeam,
    dropItems,
    writeMany,
    sendTrials,
    answerMachine,
    endJobs,
    dropDefinition,
    {
      on: ["anything"],
      actions: ["batch:DescribeJobs"],
      why: "check that a job that claims an attempt is one that was submitted for it",
    },
    ...startStudies,
    stopRounds,
    ...makeSchedules,
    {
      on: ["checkpoints"],
      actions: ["s3:GetObject", "s3:PutObject"],
      why: "sign the URLs of checkpoints, which allow no more than their signer may do; check what was uploaded",
    },
    dropCheckpoints,
    {
      on: ["sessionsRole"],
      actions: ["sts:AssumeRole", "sts:TagSession"],
      why: "make the credentials of a session, which its tags and its policy limit to one study",
    },
    {
      on: ["exports"],
      actions: ["s3:GetObject", "s3:PutObject"],
      why: "write what a team's owner exports of its audit trail, and sign the URL that downloads it",
    },
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
    {
      on: ["machines"],
      actions: ["states:StartExecution"],
      why: "start rounds or folds whose start was lost",
    },
    {
      on: ["runs"],
      actions: ["states:DescribeExecution"],
      why: "check whether rounds or folds are still running",
    },
    stopRounds,
    {
      on: ["bucket"],
      actions: ["s3:ListBucket"],
      when: { StringLike: { "s3:prefix": `${CHECKPOINTS}*` } },
      why: "find checkpoints that nobody needs",
    },
    dropCheckpoints,
    {
      on: ["bucket"],
      actions: ["s3:ListBucket"],
      when: { StringLike: { "s3:prefix": `${AUDITS}*` } },
      why: "find what a team that is being deleted has exported",
    },
    {
      on: ["exports"],
      actions: ["s3:DeleteObject"],
      why: "remove it",
    },
  ],
  rounds: [
    readTable,
    changeItems,
    checkHead,
    writeMany,
    sendTrials,
    {
      on: ["longMachines"],
      actions: ["states:StartExecution"],
      why: "hand a study of many brackets or generations over to the next execution",
    },
  ],
  // A firing creates and starts a study, stops the one before, and deletes those that are no longer kept.
  sweep: [
    readTable,
    changeItems,
    checkTeam,
    dropItems,
    writeMany,
    sendTrials,
    endJobs,
    dropDefinition,
    ...startStudies,
    stopRounds,
    ...makeSchedules,
  ],
};

export interface Resources {
  readonly tableArn: string;
  readonly bucketArn: string;
  readonly queueArn: string;
  readonly names: Names;
  /** Whether there are queues of on-demand instances. */
  readonly onDemand: boolean;
  /** For the emulator, which treats SendMessageBatch as an action of its own, and takes every schedule for one of the default group. */
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
  { tableArn, bucketArn, queueArn, names, onDemand, local }: Resources,
): Record<Thing, readonly string[]> => {
  const batch = (resource: string, resourceName: string) =>
    stack.formatArn({ service: "batch", resource, resourceName });
  return {
    table: [tableArn],
    queue: [queueArn],
    schedules: [names.scheduleGroup, ...(local ? ["default"] : [])].map((group) =>
      schedulesArn(stack, group),
    ),
    firingRole: [roleArn(stack, firingRoleName(stack, names))],
    machines: [names.brackets, names.folds, names.generations].map((name) => machineArn(stack, name)),
    longMachines: [names.brackets, names.generations].map((name) => machineArn(stack, name)),
    runs: [names.brackets, names.folds, names.generations].map((name) => executionsArn(stack, name)),
    innerRuns: [executionsArn(stack, names.halving), executionsArn(stack, names.fold)],
    jobs: [batch("job", "*")],
    jobDefinitions: [batch("job-definition", `${names.jobDefinitionPrefix}*`)],
    jobQueues: jobQueuesOf(names, onDemand).map((queue) => jobQueueArn(stack, queue)),
    jobRoles: [roleArn(stack, jobRoleName(stack, names)), roleArn(stack, executionRoleName(stack, names))],
    bucket: [bucketArn],
    checkpoints: [`${bucketArn}/${CHECKPOINTS}*`],
    sessionsRole: [roleArn(stack, names.sessionsRole)],
    exports: [`${bucketArn}/${AUDITS}*`],
    anything: ["*"],
  };
};
