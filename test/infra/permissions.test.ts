import { describe, expect, test } from "vitest";
import { lambdas } from "../../infra/bundles.ts";
import { permissions } from "../../infra/permissions.ts";
import { environment } from "../../shared/deployment.ts";
import {
  allStatements,
  flat,
  lambdaOf,
  ofType,
  statementsOfRole,
  synthesizeBoth,
  target,
} from "./synthesize.ts";

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

const allowed = (action: string) => lambdas.filter((name) => actionsOf(name).includes(action)).sort();

test("only whoever starts studies may register job definitions and pass roles to jobs, only the reconciler looks for others' definitions", () => {
  expect(allowed("iam:PassRole")).toEqual(["api", "sweep"]);
  expect(allowed("batch:RegisterJobDefinition")).toEqual(["api", "sweep"]);
  expect(allowed("batch:DescribeJobDefinitions")).toEqual(["api", "reconciler", "sweep"]);
  expect(allowed("batch:DeregisterJobDefinition")).toEqual(["api", "reconciler", "sweep"]);
});

test("only whoever changes sweeps may make schedules, in their group alone, and only with the role of firings", () => {
  const own = (name: string) =>
    statementsOfRole(core, roleOf(name)).filter(
      ({ actions, resources }) =>
        actions.some((each) => each.startsWith("scheduler:")) ||
        (actions.includes("iam:PassRole") && !resources.some((each) => each.includes("hone-trial"))),
    );
  expect(lambdas.filter((name) => own(name).length > 0)).toEqual(["api", "sweep"]);
  for (const name of ["api", "sweep"]) {
    expect(own(name)).toMatchObject([
      {
        actions: ["scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"].sort(),
        resources: ["arn:aws:scheduler:eu-west-1:111122223333:schedule/hone-sweeps/*"],
      },
      {
        actions: ["iam:PassRole"],
        resources: ["arn:aws:iam::111122223333:role/hone-sweeps-firing-eu-west-1"],
      },
    ]);
  }
  expect(ofType(core, "AWS::Scheduler::ScheduleGroup").map(([, { Properties }]) => Properties.Name)).toEqual([
    "hone-sweeps",
  ]);
});

test("the role of firings is for schedules of that group alone, and may call the sweep Lambda and fill its dead letters", () => {
  const [[id, role] = []] = ofType(core, "AWS::IAM::Role").filter(([name]) =>
    name.startsWith("SweepSchedules"),
  );
  const document = (role?.Properties.AssumeRolePolicyDocument ?? { Statement: [] }) as {
    Statement: { Principal: unknown; Condition: { StringEquals: Record<string, unknown> } }[];
  };
  const trust = document.Statement;
  expect(trust.map(({ Principal }) => Principal)).toEqual([{ Service: "scheduler.amazonaws.com" }]);
  const conditions = Object.entries(trust[0]?.Condition.StringEquals ?? {});
  expect(Object.fromEntries(conditions.map(([key, value]) => [key, flat(value)]))).toEqual({
    "aws:SourceAccount": "111122223333",
    "aws:SourceArn": "arn:aws:scheduler:eu-west-1:111122223333:schedule-group/hone-sweeps",
  });
  const [failed] = ofType(core, "AWS::SQS::Queue").find(([name]) => name.startsWith("FailedFirings")) ?? [];
  const [sweep, { Properties }] = lambdaOf(core, "sweep");
  expect(statementsOfRole(core, id ?? "")).toEqual([
    { effect: "Allow", actions: ["lambda:InvokeFunction"], resources: [`<${sweep}.Arn>`] },
    { effect: "Allow", actions: ["sqs:SendMessage"], resources: [`<${failed}.Arn>`] },
  ]);
  // By that name its schedules call it.
  expect(Properties.FunctionName).toBe("hone-sweep");
  const { Variables } = Properties.Environment as { Variables: Record<string, unknown> };
  expect(flat(Variables[environment.sweepFunction])).toBe(
    "arn:aws:lambda:eu-west-1:111122223333:function:hone-sweep",
  );
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
