import { describe, expect, test } from "vitest";
import { lambdas } from "../../infra/bundles.ts";
import { permissions } from "../../infra/permissions.ts";
import { allStatements, lambdaOf, ofType, statementsOfRole, synthesizeBoth, target } from "./synthesize.ts";

const { core, compute } = synthesizeBoth();

const roleOf = (name: string): string => target(lambdaOf(core, name)[1].Properties.Role) ?? "";
const actionsOf = (name: string): string[] =>
  statementsOfRole(core, roleOf(name)).flatMap(({ actions }) => actions);

test("no policy of either stack names an action with a wildcard", () => {
  const actions = [...allStatements(core), ...allStatements(compute)].flatMap(
    (statement) => statement.actions,
  );
  expect(actions.length).toBeGreaterThan(50);
  expect(actions.filter((action) => action.includes("*"))).toEqual([]);
});

test("only the role of the instances that run jobs has an AWS managed policy", () => {
  const managed = [core, compute].flatMap((template) =>
    ofType(template, "AWS::IAM::Role")
      .filter(([, { Properties }]) => Properties.ManagedPolicyArns !== undefined)
      .map(([id]) => id),
  );
  expect(managed).toEqual([expect.stringMatching(/^InstanceRole/)]);
});

describe.each(lambdas)("%s", (name) => {
  test("has the permissions of the table, may write its log and its dead-letter queue, and nothing else", () => {
    const asynchronous = "DeadLetterConfig" in lambdaOf(core, name)[1].Properties;
    const expected = new Set([
      ...permissions[name].flatMap(({ actions }) => actions),
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      ...(asynchronous ? ["sqs:SendMessage"] : []),
    ]);
    expect(new Set(actionsOf(name))).toEqual(expected);
  });

  test("has the resource * only for actions that support no resource ARNs", () => {
    const free = statementsOfRole(core, roleOf(name))
      .filter(({ resources }) => resources.includes("*"))
      .flatMap(({ actions }) => actions);
    const resourceless = [
      "states:SendTaskSuccess",
      "batch:DescribeJobs",
      "batch:DescribeJobDefinitions",
      "batch:ListJobs",
    ];
    expect(free.filter((action) => !resourceless.includes(action))).toEqual([]);
  });
});

test("the authorizer may only read single items of the table", () => {
  const own = statementsOfRole(core, roleOf("authorizer")).filter(
    ({ actions }) => !actions.some((action) => action.startsWith("logs:")),
  );
  const [[table] = []] = ofType(core, "AWS::DynamoDB::GlobalTable");
  expect(own).toEqual([{ effect: "Allow", actions: ["dynamodb:GetItem"], resources: [`<${table}.Arn>`] }]);
});

test("only the api and the reconciler may touch the bucket, and only its checkpoints", () => {
  const [[bucket] = []] = ofType(core, "AWS::S3::Bucket");
  const ofBucket = (name: string) =>
    statementsOfRole(core, roleOf(name)).filter(({ actions }) =>
      actions.some((each) => each.startsWith("s3:")),
    );
  expect(lambdas.filter((name) => ofBucket(name).length > 0)).toEqual(["api", "reconciler"]);
  const own = [...ofBucket("api"), ...ofBucket("reconciler")];
  const actionsOn = (resource: string) =>
    own.filter(({ resources }) => resources.join() === resource).flatMap(({ actions }) => actions);
  const objects = actionsOn(`<${bucket}.Arn>/checkpoints/*`);
  expect(new Set(objects)).toEqual(new Set(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]));
  expect(actionsOn(`<${bucket}.Arn>`)).toEqual(["s3:ListBucket"]);
  expect(own.flatMap(({ actions }) => actions)).toHaveLength(objects.length + 1);
});

test("only the api may register job definitions and pass roles to jobs, only the reconciler looks for others' definitions", () => {
  const allowed = (action: string) => lambdas.filter((name) => actionsOf(name).includes(action));
  expect(allowed("iam:PassRole")).toEqual(["api"]);
  expect(allowed("batch:RegisterJobDefinition")).toEqual(["api"]);
  expect(allowed("batch:DescribeJobDefinitions").sort()).toEqual(["api", "reconciler"]);
  expect(allowed("batch:DeregisterJobDefinition").sort()).toEqual(["api", "reconciler"]);
});

test("the state machine may call rounds and send to the dispatch queue", () => {
  const [[, machine] = []] = ofType(core, "AWS::StepFunctions::StateMachine");
  const own = statementsOfRole(core, target(machine?.Properties.RoleArn) ?? "").filter(
    ({ resources }) => !resources.includes("*"),
  );
  const rounds = lambdaOf(core, "rounds")[0];
  expect(own.map(({ actions }) => actions)).toEqual([["lambda:InvokeFunction"], ["sqs:SendMessage"]]);
  expect(own[0]?.resources).toEqual([`<${rounds}.Arn>`]);
});
