import { expect, test } from "vitest";
import { synthesizeBoth, type Template } from "../infra/synthesize.ts";
import { needsOfBatch } from "../support/recorder/batch.ts";
import type { CallNote, Need } from "../support/recorder/note.ts";
import { Deployment } from "./deployment.ts";
import { actsOfLambdas, refused, refusedEntries, tagsOfJobs, unreadable, unused } from "./replay.ts";
import { actsOfServices, tasksOf } from "./services.ts";

/** The replay itself: granted calls pass, and planted faults are found. */

const { core } = synthesizeBoth();
/** Physical ids as in the emulator: the id of a queue is its URL, and what sweeps' schedules name has a name of its own. */
const names = (template: Template) =>
  Object.fromEntries(
    Object.entries(template.Resources).map(([id, { Type }]) => {
      if (Type === "AWS::SQS::Queue") return [id, `http://127.0.0.1:4566/000000000000/${id}`];
      if (id.startsWith("sweepFunction")) return [id, "hone-sweep"];
      return [id, id.startsWith("SweepSchedulesRole") ? "hone-sweeps-firing-us-east-1" : id];
    }),
  );
const deploy = (template: Template) => new Deployment(template, names(template));
const deployment = deploy(core);

const tableArn = deployment.arn(
  Object.entries(core.Resources).find(([, { Type }]) => Type === "AWS::DynamoDB::GlobalTable")?.[0] ?? "",
);
const bucketArn = deployment.arn(
  Object.entries(core.Resources).find(([, { Type }]) => Type === "AWS::S3::Bucket")?.[0] ?? "",
);
const checkpoint = `${bucketArn}/checkpoints/acme/svm-digits-7k2m/0/1-1764158400000-0123456789abcdef`;
const call = (lambda: string | null, needs: Need[] | null, more: Partial<CallNote> = {}): CallNote => ({
  kind: "call",
  lambda,
  byTest: false,
  operation: "dynamodb:GetItem",
  needs,
  status: 200,
  error: null,
  sizes: [],
  ...more,
});
const reads: Need = { action: "dynamodb:GetItem", resource: tableArn };

test("the api may make, check and remove checkpoints, and the reconciler may find and remove them", async () => {
  const prefix = { "s3:prefix": "checkpoints/acme/" };
  const acts = actsOfLambdas(deployment, [
    ...["s3:GetObject", "s3:PutObject", "s3:DeleteObject"].map((action) =>
      call("api", [{ action, resource: checkpoint }]),
    ),
    call("reconciler", [
      { action: "s3:ListBucket", resource: bucketArn, context: prefix },
      { action: "s3:DeleteObject", resource: checkpoint },
    ]),
  ]);
  expect(await refused(deployment, acts)).toEqual([]);
});

const jobArn = "arn:aws:batch:us-east-1:000000000000:job/0f1e";
const ends: Need = { action: "batch:TerminateJob", resource: jobArn };
const submits = (tags: Readonly<Record<string, string>>): CallNote =>
  call(
    null,
    needsOfBatch(
      "SubmitJob",
      { tags },
      { jobId: "0f1e" },
      (kind, name) => `arn:aws:batch:us-east-1:000000000000:${kind}/${name}`,
    ),
  );

test.each(["api", "reconciler"])(
  "the %s may end a job of Hone, and no other job of the account",
  async (lambda) => {
    const endsOne = (tags: Readonly<Record<string, string>>) => {
      const notes = [submits(tags), call(lambda, [ends])];
      return refused(deployment, actsOfLambdas(deployment, notes, tagsOfJobs(notes)));
    };
    expect(await endsOne({ "hone:team": "acme", "hone:study": "svm-digits-7k2m" })).toEqual([]);
    const others: Record<string, string>[] = [
      {},
      { "hone:team": "acme" },
      { study: "s" },
      { "other:study": "s" },
    ];
    const denied = [`${lambda}: batch:TerminateJob ${jobArn}: ImplicitlyDenied`];
    for (const tags of others) {
      expect(await endsOne(tags)).toEqual(denied);
    }
  },
);

test("a job whose submission had no reply is known by the tags that it is shown with", async () => {
  const tags = { [jobArn]: { "hone:study": "svm-digits-7k2m" } };
  const notes = [call("api", [], { tags }), call("reconciler", [ends])];
  expect(await refused(deployment, actsOfLambdas(deployment, notes, tagsOfJobs(notes)))).toEqual([]);
});

test.each(["dispatcher", "events", "rounds", "authorizer"])("the %s may end no job", async (lambda) => {
  const context = { "aws:ResourceTag/hone:study": "svm-digits-7k2m" };
  const acts = actsOfLambdas(deployment, [call(lambda, [{ ...ends, context }])]);
  expect(await refused(deployment, acts)).toHaveLength(1);
});

test("a call that the Lambda's role grants is allowed", async () => {
  const acts = actsOfLambdas(deployment, [call("api", [reads]), call("authorizer", [reads])]);
  expect(acts).toHaveLength(2);
  expect(await refused(deployment, acts)).toEqual([]);
});

test.each<[string, string, Need]>([
  ["an action that is not granted", "authorizer", { action: "dynamodb:PutItem", resource: tableArn }],
  ["a resource that is not granted", "api", { action: "dynamodb:GetItem", resource: `${tableArn}2` }],
  ["another Lambda's right", "rounds", { action: "states:SendTaskSuccess", resource: "*" }],
  [
    "a job definition that is not ours",
    "dispatcher",
    { action: "batch:SubmitJob", resource: "arn:aws:batch:us-east-1:000000000000:job-definition/theirs:1" },
  ],
  ["an object that is no checkpoint", "api", { action: "s3:PutObject", resource: `${bucketArn}/other/1` }],
  ["the removal of one", "reconciler", { action: "s3:DeleteObject", resource: `${bucketArn}/other/1` }],
  [
    "a list of more than checkpoints",
    "reconciler",
    { action: "s3:ListBucket", resource: bucketArn, context: { "s3:prefix": "" } },
  ],
  [
    "a list by the api",
    "api",
    { action: "s3:ListBucket", resource: bucketArn, context: { "s3:prefix": "checkpoints/" } },
  ],
  ["a checkpoint for the dispatcher", "dispatcher", { action: "s3:GetObject", resource: checkpoint }],
  ["a checkpoint for the events", "events", { action: "s3:DeleteObject", resource: checkpoint }],
])("%s is refused", async (_, lambda, need) => {
  const faults = await refused(deployment, actsOfLambdas(deployment, [call(lambda, [need])]));
  expect(faults).toEqual([
    expect.stringContaining(`${lambda}: ${need.action} ${need.resource}: ImplicitlyDenied`),
  ]);
});

test("a grant that is removed from the template is found to be missing", async () => {
  const without = JSON.parse(
    JSON.stringify(core).replaceAll("dynamodb:GetItem", "dynamodb:Scan"),
  ) as Template;
  const faults = await refused(deploy(without), actsOfLambdas(deploy(without), [call("api", [reads])]));
  expect(faults).toEqual([`api: dynamodb:GetItem ${tableArn}: ImplicitlyDenied`]);
});

test("calls that are not signed, or whose needs are unknown, are reported", () => {
  const notes = [call(null, [reads]), call("api", null, { operation: "s3:GetObject" }), call("api", [reads])];
  expect(unreadable(notes)).toEqual(["somebody dynamodb:GetItem", "api s3:GetObject"]);
});

test("what AWS's services do with Hone's roles is allowed", async () => {
  const acts = actsOfServices(deployment);
  // The role of sessions acts for whoever holds one.
  const others = deployment.roles.map(({ name }) => name).filter((name) => name !== "sessions");
  expect(new Set(acts.map(({ role }) => role.name))).toEqual(new Set(others));
  expect(await refused(deployment, acts)).toEqual([]);
});

test("services that act as themselves are allowed", async () => {
  expect(await refusedEntries(deployment)).toEqual([]);
});

test.each(["AWS::Lambda::Permission", "AWS::SQS::QueuePolicy"])("a missing %s is found", async (type) => {
  const Resources = Object.fromEntries(
    Object.entries(core.Resources).filter(([, { Type }]) => Type !== type),
  );
  expect(await refusedEntries(deploy({ ...core, Resources }))).not.toEqual([]);
});

test("a task of an unknown kind stops the replay", () => {
  expect(() =>
    tasksOf({ States: { Run: { Type: "Task", Resource: "arn:aws:states:::sns:publish" } } }, "arn:machine"),
  ).toThrow(/sns:publish/);
});

test("grants that are never used are listed", () => {
  const nothing = unused(deployment, []);
  expect(nothing).toContain(`authorizer dynamodb:GetItem ${tableArn}`);
  expect(nothing.filter((grant) => /logs:|xray:|sqs:ReceiveMessage/.test(grant))).toEqual([]);
  const some = unused(deployment, actsOfLambdas(deployment, [call("authorizer", [reads])]));
  expect(nothing.filter((grant) => !some.includes(grant))).toEqual([
    `authorizer dynamodb:GetItem ${tableArn}`,
  ]);
});
