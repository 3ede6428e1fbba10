import { expect, test } from "vitest";
import { type Exchange, noteCall } from "../support/recorder/call.ts";

/** The IAM permissions that a request to AWS needs, as the recorder determines them. */

const ACCOUNT = "us-east-1:000000000000";
const table = `arn:aws:dynamodb:${ACCOUNT}:table/hone`;
const queue = `arn:aws:sqs:${ACCOUNT}:dispatch`;
const machine = `arn:aws:states:${ACCOUNT}:stateMachine:hone-halving`;
const execution = `arn:aws:states:${ACCOUNT}:execution:hone-halving:s-1`;
const batch = (rest: string) => `arn:aws:batch:${ACCOUNT}:${rest}`;

const sent = (
  service: string,
  how: { target?: string; path?: string },
  body: object,
  more: Partial<Exchange> = {},
) =>
  noteCall({
    method: "POST",
    path: how.path ?? "/",
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=ASIA1/20261123/us-east-1/${service}/aws4_request, SignedHeaders=host`,
      "user-agent": "aws-sdk-js/3 ua/2.1 os/linux lang/js app/hone-api m/n",
      ...(how.target && { "x-amz-target": how.target }),
    },
    body: JSON.stringify(body),
    status: 200,
    answer: "{}",
    answerHeaders: {},
    ms: 1,
    ...more,
  });
const needs = (...call: Parameters<typeof sent>) =>
  sent(...call)?.needs?.map(({ action, resource }) => `${action} ${resource}`);

test.each(["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"])(
  "%s needs its action on the table",
  (name) => {
    expect(needs("dynamodb", { target: `DynamoDB_20120810.${name}` }, { TableName: "hone" })).toEqual([
      `dynamodb:${name} ${table}`,
    ]);
  },
);

test("a query of an index needs the index", () => {
  const body = { TableName: "hone", IndexName: "byTeam" };
  expect(needs("dynamodb", { target: "DynamoDB_20120810.Query" }, body)).toEqual([
    `dynamodb:Query ${table}/index/byTeam`,
  ]);
});

test("a transaction needs the actions that it consists of, and no action of its own", () => {
  const one = { TableName: "hone", Key: {} };
  const TransactItems = [{ Put: one }, { Update: one }, { Delete: one }, { ConditionCheck: one }];
  expect(needs("dynamodb", { target: "DynamoDB_20120810.TransactWriteItems" }, { TransactItems })).toEqual([
    `dynamodb:PutItem ${table}`,
    `dynamodb:UpdateItem ${table}`,
    `dynamodb:DeleteItem ${table}`,
    `dynamodb:ConditionCheckItem ${table}`,
  ]);
});

test("a batch of writes needs only BatchWriteItem, on each table", () => {
  const RequestItems = { hone: [{ DeleteRequest: { Key: {} } }], other: [] };
  expect(needs("dynamodb", { target: "DynamoDB_20120810.BatchWriteItem" }, { RequestItems })).toEqual([
    `dynamodb:BatchWriteItem ${table}`,
    `dynamodb:BatchWriteItem arn:aws:dynamodb:${ACCOUNT}:table/other`,
  ]);
});

test("a batch of messages needs SendMessage", () => {
  const body = { QueueUrl: "http://127.0.0.1:4566/000000000000/dispatch", Entries: [{ MessageBody: "{}" }] };
  expect(needs("sqs", { target: "AmazonSQS.SendMessageBatch" }, body)).toEqual([`sqs:SendMessage ${queue}`]);
});

test.each([
  ["StartExecution", { stateMachineArn: machine, name: "s-1", input: "{}" }, machine],
  ["StopExecution", { executionArn: execution }, execution],
  ["DescribeExecution", { executionArn: execution }, execution],
  ["SendTaskSuccess", { taskToken: "t", output: "{}" }, "*"],
])("%s needs its action on what it names", (name, body, resource) => {
  expect(needs("states", { target: `AWSStepFunctions.${name}` }, body)).toEqual([
    `states:${name} ${resource}`,
  ]);
});

test("a job with tags needs SubmitJob on the job, its definition and its queue, and TagResource", () => {
  const body = {
    jobName: "j",
    jobQueue: "hone-cpu",
    jobDefinition: batch("job-definition/hone-s:1"),
    tags: { a: "b" },
  };
  const answer = JSON.stringify({ jobId: "j-1" });
  expect(needs("batch", { path: "/v1/submitjob" }, body, { answer })).toEqual([
    `batch:SubmitJob ${batch("job/j-1")}`,
    `batch:SubmitJob ${batch("job-definition/hone-s:1")}`,
    `batch:SubmitJob ${batch("job-queue/hone-cpu")}`,
    `batch:TagResource ${batch("job/j-1")}`,
  ]);
});

test.each([
  ["HEAD", "s3:GetObject"],
  ["GET", "s3:GetObject"],
  ["PUT", "s3:PutObject"],
  ["DELETE", "s3:DeleteObject"],
])("%s of an object needs %s on it", (method, action) => {
  expect(needs("s3", { path: "/bucket/checkpoints/a/1" }, {}, { method })).toEqual([
    `${action} arn:aws:s3:::bucket/checkpoints/a/1`,
  ]);
});

test("a list needs ListBucket on the bucket, for its prefix", () => {
  const path = "/bucket/?list-type=2&prefix=checkpoints%2F";
  expect(sent("s3", { path }, {}, { method: "GET" })?.needs).toEqual([
    { action: "s3:ListBucket", resource: "arn:aws:s3:::bucket", context: { "s3:prefix": "checkpoints/" } },
  ]);
});

test("a presigned URL is used with the rights of the api, whoever uses it; nothing of its signature is kept", () => {
  const query = new URLSearchParams({
    "X-Amz-Credential": "ASIA1/20261123/us-east-1/s3/aws4_request",
    "X-Amz-Signature": "0123",
  });
  const note = sent(
    "s3",
    { path: `/bucket/checkpoints/a/1?${query}` },
    {},
    { method: "PUT", headers: { "user-agent": "Python-urllib/3.13" } },
  );
  expect(note).toMatchObject({
    lambda: "api",
    byTest: false,
    operation: "s3:PutObject",
    needs: [{ action: "s3:PutObject", resource: "arn:aws:s3:::bucket/checkpoints/a/1" }],
  });
  expect(JSON.stringify(note)).not.toContain("0123");
});

test("a job definition with roles needs PassRole for them", () => {
  const role = (name: string) => `arn:aws:iam::000000000000:role/${name}`;
  const body = {
    jobDefinitionName: "hone-s",
    containerProperties: { jobRoleArn: role("job"), executionRoleArn: role("start") },
    tags: { a: "b" },
  };
  const answer = JSON.stringify({ jobDefinitionArn: batch("job-definition/hone-s:4") });
  expect(needs("batch", { path: "/v1/registerjobdefinition" }, body, { answer })).toEqual([
    `batch:RegisterJobDefinition ${batch("job-definition/hone-s")}`,
    `batch:TagResource ${batch("job-definition/hone-s:4")}`,
    `iam:PassRole ${role("job")}`,
    `iam:PassRole ${role("start")}`,
  ]);
});

test.each([
  ["describejobs", { jobs: ["a"] }, "batch:DescribeJobs *"],
  ["listjobs", { jobQueue: "hone-cpu" }, "batch:ListJobs *"],
  ["describejobdefinitions", {}, "batch:DescribeJobDefinitions *"],
  ["terminatejob", { jobId: "a" }, `batch:TerminateJob ${batch("job/a")}`],
  [
    "deregisterjobdefinition",
    { jobDefinition: "hone-s:1" },
    `batch:DeregisterJobDefinition ${batch("job-definition/hone-s:1")}`,
  ],
])("%s", (path, body, need) => {
  expect(needs("batch", { path: `/v1/${path}` }, body)).toEqual([need]);
});

test.each([
  ["POST", "CreateSchedule"],
  ["PUT", "UpdateSchedule"],
])("%s of a schedule needs %s on it in its group, and may pass its role to the scheduler", (method, name) => {
  const role = "arn:aws:iam::000000000000:role/firing";
  const body = { GroupName: "hone-sweeps", Target: { Arn: queue, RoleArn: role } };
  expect(sent("scheduler", { path: "/schedules/nightly-abc" }, body, { method })?.needs).toEqual([
    {
      action: `scheduler:${name}`,
      resource: `arn:aws:scheduler:${ACCOUNT}:schedule/hone-sweeps/nightly-abc`,
    },
    {
      action: "iam:PassRole",
      resource: role,
      context: { "iam:PassedToService": "scheduler.amazonaws.com" },
    },
  ]);
});

test("to remove a schedule needs no more than that", () => {
  const path = "/schedules/nightly-abc?groupName=hone-sweeps";
  const note = sent("scheduler", { path }, {}, { method: "DELETE", body: "" });
  expect(note?.needs).toEqual([
    {
      action: "scheduler:DeleteSchedule",
      resource: `arn:aws:scheduler:${ACCOUNT}:schedule/hone-sweeps/nightly-abc`,
    },
  ]);
});

test("an unknown operation or service has unknown needs, not none", () => {
  expect(sent("dynamodb", { target: "DynamoDB_20120810.Scan" }, {})).toMatchObject({
    operation: "dynamodb:Scan",
    needs: null,
  });
  expect(sent("sqs", { target: "AmazonSQS.PurgeQueue" }, {})).toMatchObject({ needs: null });
  expect(sent("states", { target: "AWSStepFunctions.SendTaskFailure" }, {})).toMatchObject({ needs: null });
  expect(sent("batch", { path: "/v1/canceljob" }, {})).toMatchObject({
    operation: "batch:canceljob",
    needs: null,
  });
  expect(sent("scheduler", { path: "/schedule-groups/other" }, {})).toMatchObject({ needs: null });
  expect(sent("s3", { path: "/bucket/key" }, {})).toMatchObject({
    operation: "s3:POST /bucket/key",
    needs: null,
  });
});

test("the caller is read from the User-Agent, and a refusal from the error type", () => {
  const refused = {
    status: 400,
    answer: '{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}',
  };
  expect(sent("dynamodb", { target: "DynamoDB_20120810.GetItem" }, {}, refused)).toMatchObject({
    lambda: "api",
    byTest: false,
    error: "AccessDeniedException",
  });
  const answerHeaders = { "x-amzn-errortype": "ClientException:http://internal.amazon.com/" };
  expect(sent("batch", { path: "/v1/submitjob" }, {}, { status: 400, answerHeaders })?.error).toBe(
    "ClientException",
  );
});

test("a request that is not signed is not a call of AWS", () => {
  expect(sent("dynamodb", {}, {}, { headers: { authorization: "Bearer hone_x" } })).toBeNull();
});
