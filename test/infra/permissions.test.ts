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

test("only the api and the reconciler may touch the bucket, and only its checkpoints and exports", () => {
  const [[bucket] = []] = ofType(core, "AWS::S3::Bucket");
  const ofBucket = (name: string) =>
    statementsOfRole(core, roleOf(name)).filter(({ actions }) =>
      actions.some((each) => each.startsWith("s3:")),
    );
  expect(lambdas.filter((name) => ofBucket(name).length > 0)).toEqual(["api", "reconciler"]);
  const own = [...ofBucket("api"), ...ofBucket("reconciler")];
  const actionsOn = (resource: string) =>
    own.filter(({ resources }) => resources.includes(resource)).flatMap(({ actions }) => actions);
  const [checkpoints, exports, whole] = ["/checkpoints/*", "/audit/*", ""].map(
    (rest) => `<${bucket}.Arn>${rest}`,
  );
  const onObjects = new Set(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]);
  expect(new Set(actionsOn(checkpoints ?? ""))).toEqual(onObjects);
  expect(new Set(actionsOn(exports ?? ""))).toEqual(onObjects);
  expect(new Set(actionsOn(whole ?? ""))).toEqual(new Set(["s3:ListBucket"]));
  expect(new Set(own.flatMap(({ resources }) => resources))).toEqual(new Set([checkpoints, exports, whole]));
});

test("only the api may make sessions, and only of the role that there is for them", () => {
  const assume = (name: string) =>
    statementsOfRole(core, roleOf(name)).filter(({ actions }) =>
      actions.some((each) => each.startsWith("sts:")),
    );
  expect(lambdas.filter((name) => assume(name).length > 0)).toEqual(["api"]);
  expect(assume("api")).toEqual([
    {
      effect: "Allow",
      actions: ["sts:AssumeRole", "sts:TagSession"],
      resources: ["arn:aws:iam::111122223333:role/hone-sessions"],
    },
  ]);
  const [role] = ofType(core, "AWS::IAM::Role").filter(([id]) => id.startsWith("sessionsRole"));
  expect(role?.[1].Properties.RoleName).toBe("hone-sessions");
});

test("only the api may register job definitions and pass roles to jobs, only the reconciler looks for others' definitions", () => {
  const allowed = (action: string) => lambdas.filter((name) => actionsOf(name).includes(action));
  expect(allowed("iam:PassRole")).toEqual(["api"]);
  expect(allowed("batch:RegisterJobDefinition")).toEqual(["api"]);
  expect(allowed("batch:DescribeJobDefinitions").sort()).toEqual(["api", "reconciler"]);
  expect(allowed("batch:DeregisterJobDefinition").sort()).toEqual(["api", "reconciler"]);
});

describe("the state machines", () => {
  const statementsOfMachine = (name: string) => {
    const [, machine] =
      ofType(core, "AWS::StepFunctions::StateMachine").find(
        ([, { Properties }]) => Properties.StateMachineName === name,
      ) ?? [];
    return statementsOfRole(core, target(machine?.Properties.RoleArn) ?? "").filter(
      ({ resources }) => !resources.includes("*"),
    );
  };
  const states = (kind: string, name: string) => `arn:aws:states:eu-west-1:111122223333:${kind}:${name}`;
  const [rounds] = lambdaOf(core, "rounds");
  const runs = {
    actions: ["states:DescribeExecution", "states:StopExecution"],
    resources: [states("execution", "hone-halving:*")],
  };
  const start = { actions: ["states:StartExecution"], resources: [states("stateMachine", "hone-halving")] };
  const call = { actions: ["lambda:InvokeFunction"], resources: [`<${rounds}.Arn>`] };

  test("that of the brackets may call rounds, and start, follow and end those of brackets", () => {
    const rule = "rule/StepFunctionsGetEventsForStepFunctionsExecutionRule";
    expect(statementsOfMachine("hone-brackets")).toMatchObject([
      call,
      start,
      runs,
      {
        actions: ["events:DescribeRule", "events:PutRule", "events:PutTargets"],
        resources: [`arn:aws:events:eu-west-1:111122223333:${rule}`],
      },
    ]);
  });

  test("that of a bracket may call rounds, send to the dispatch queue, and run its parts", () => {
    expect(statementsOfMachine("hone-halving")).toMatchObject([
      call,
      { actions: ["sqs:SendMessage"] },
      start,
      runs,
      { actions: ["states:RedriveExecution"], resources: [states("execution", "hone-halving/Parts:*")] },
    ]);
  });
});
