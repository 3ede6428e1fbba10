import { environment } from "../../shared/deployment.ts";
import type { Need } from "../support/recorder/note.ts";
import { ACCOUNT, type Deployment, type Role } from "./deployment.ts";

/**
 * What AWS's services do for the stack, which the recorder cannot see: derived from the template and the services' documentation.
 * Lambda polls queues, fills dead-letter queues and writes logs; Scheduler and EventBridge invoke Lambdas; state machines run
 * their tasks and write logs and traces.
 */

/** An action with a role. */
export interface Act {
  readonly role: Role;
  readonly need: Need;
}

/** An action of a service as itself, which the policy of the resource must allow. */
export interface Entry {
  readonly service: string;
  readonly need: Need;
  /** The resource on whose behalf it acts: `aws:SourceArn`. */
  readonly source: string;
}

/** The properties of resources that are read here. */
interface Function {
  readonly Role: string;
  readonly DeadLetterConfig?: { readonly TargetArn: string };
  readonly LoggingConfig: { readonly LogGroup: string };
}
interface Mapping {
  readonly EventSourceArn: string;
  readonly FunctionName: string;
}
interface Machine {
  readonly RoleArn: string;
  readonly StateMachineName: string;
  readonly DefinitionString: string;
  readonly LoggingConfiguration?: unknown;
  readonly TracingConfiguration?: unknown;
}
interface Schedule {
  readonly Target: {
    readonly Arn: string;
    readonly RoleArn: string;
    readonly DeadLetterConfig: { readonly Arn: string };
  };
}
/** The group of the schedules that Lambdas make, with the role, the Lambda and the queue that they name. */
interface Group {
  readonly Name: string;
}
interface Variables {
  readonly Environment: { readonly Variables: Readonly<Record<string, string>> };
}
interface Rule {
  readonly Targets: readonly { readonly Arn: string; readonly DeadLetterConfig: { readonly Arn: string } }[];
}
interface Integration {
  readonly ApiId: string;
  readonly IntegrationUri: string;
}
interface Authorizer {
  readonly ApiId: string;
  readonly AuthorizerUri: string;
}

const FUNCTION = "AWS::Lambda::Function";

export const actsOfServices = (deployment: Deployment): Act[] => {
  const acts: Act[] = [];
  const act = (roleArn: string, resource: string, ...actions: string[]) => {
    for (const action of actions) acts.push({ role: deployment.roleOf(roleArn), need: { action, resource } });
  };
  const functions = deployment.ofType<Function>(FUNCTION);
  for (const [, { Role, DeadLetterConfig, LoggingConfig }] of functions) {
    const stream = `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:${LoggingConfig.LogGroup}:log-stream:any`;
    act(Role, stream, "logs:CreateLogStream", "logs:PutLogEvents");
    if (DeadLetterConfig !== undefined) act(Role, DeadLetterConfig.TargetArn, "sqs:SendMessage");
  }
  for (const [, mapping] of deployment.ofType<Mapping>("AWS::Lambda::EventSourceMapping")) {
    const [, consumer] =
      functions.find(([id]) => deployment.arn(id).endsWith(`:${mapping.FunctionName}`)) ?? [];
    act(consumer?.Role ?? "", mapping.EventSourceArn, ...poll);
  }
  for (const [, { Target }] of deployment.ofType<Schedule>("AWS::Scheduler::Schedule")) {
    act(Target.RoleArn, Target.Arn, "lambda:InvokeFunction");
    act(Target.RoleArn, Target.DeadLetterConfig.Arn, "sqs:SendMessage");
  }
  for (const { role, target, failed } of firingsOf(deployment)) {
    act(role, target, "lambda:InvokeFunction");
    act(role, failed, "sqs:SendMessage");
  }
  for (const [, machine] of deployment.ofType<Machine>("AWS::StepFunctions::StateMachine")) {
    const arn = `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:${machine.StateMachineName}`;
    for (const { action, resource } of tasksOf(JSON.parse(machine.DefinitionString), arn)) {
      act(machine.RoleArn, resource, action);
    }
    if (machine.LoggingConfiguration !== undefined) act(machine.RoleArn, "*", ...deliverLogs);
    if (machine.TracingConfiguration !== undefined) act(machine.RoleArn, "*", ...trace);
  }
  return acts;
};

/** What a schedule of a sweep does, as the sweep Lambda is told to make it. */
const firingsOf = (
  deployment: Deployment,
): { readonly group: string; readonly role: string; readonly target: string; readonly failed: string }[] =>
  deployment.ofType<Group>("AWS::Scheduler::ScheduleGroup").map(([, { Name }]) => {
    const [, lambda] = deployment
      .ofType<Variables>(FUNCTION)
      .find(([, { Environment }]) => Environment.Variables[environment.scheduleGroup] === Name) ?? ["", null];
    const variable = (name: keyof typeof environment) =>
      String(lambda?.Environment.Variables[environment[name]]);
    return {
      group: `arn:aws:scheduler:us-east-1:${ACCOUNT}:schedule-group/${Name}`,
      role: variable("firingRole"),
      target: variable("sweepFunction"),
      failed: variable("failedFirings"),
    };
  });

const poll = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
const deliverLogs = [
  "logs:CreateLogDelivery",
  "logs:GetLogDelivery",
  "logs:UpdateLogDelivery",
  "logs:DeleteLogDelivery",
  "logs:ListLogDeliveries",
  "logs:PutResourcePolicy",
  "logs:DescribeResourcePolicies",
  "logs:DescribeLogGroups",
];
const trace = [
  "xray:PutTraceSegments",
  "xray:PutTelemetryRecords",
  "xray:GetSamplingRules",
  "xray:GetSamplingTargets",
];

const executionOf = (machine: string, name: string) =>
  `${machine.replace(":stateMachine:", ":execution:")}${name}:any`;
const eventsRule = `arn:aws:events:us-east-1:${ACCOUNT}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule`;

/** What starting executions of a machine, following them and ending them needs. */
const runsOf = (machine: string): Need[] => [
  { action: "states:StartExecution", resource: machine },
  { action: "states:DescribeExecution", resource: executionOf(machine, "") },
  { action: "states:StopExecution", resource: executionOf(machine, "") },
];

/**
 * Of a definition or of any part of one.
 * @param machine the ARN of its machine.
 * @throws Error for an unknown kind of task.
 */
export const tasksOf = (part: unknown, machine: string): Need[] => {
  if (typeof part !== "object" || part === null) return [];
  const { Type, Label, Resource: task, Parameters: parameters } = part as Record<string, unknown>;
  const inner = Object.values(part).flatMap((each) => tasksOf(each, machine));
  if (Label !== undefined) {
    // A Distributed Map starts its parts as executions of the machine itself.
    const redrive = { action: "states:RedriveExecution", resource: executionOf(machine, `/${Label}`) };
    return [...inner, ...runsOf(machine), redrive];
  }
  if (Type !== "Task") return inner;
  if (task === "arn:aws:states:::states:startExecution.sync:2") {
    const started = String((parameters as { StateMachineArn?: unknown } | undefined)?.StateMachineArn);
    const follow = ["events:PutTargets", "events:PutRule", "events:DescribeRule"];
    return [...inner, ...runsOf(started), ...follow.map((action) => ({ action, resource: eventsRule }))];
  }
  if (typeof task === "string" && task.startsWith("arn:aws:lambda:")) {
    return [...inner, { action: "lambda:InvokeFunction", resource: task }];
  }
  if (typeof task === "string" && task.startsWith("arn:aws:states:::sqs:sendMessage")) {
    const url = String((parameters as { QueueUrl?: unknown } | undefined)?.QueueUrl);
    const queue = `arn:aws:sqs:us-east-1:${ACCOUNT}:${url.replace(/^.*\//, "")}`;
    return [...inner, { action: "sqs:SendMessage", resource: queue }];
  }
  throw new Error(`We do not know what the task ${String(task)} needs.`);
};

export const entriesOfServices = (deployment: Deployment): Entry[] => {
  const entries: Entry[] = [];
  const enter = (service: string, source: string, action: string, resource: string) =>
    entries.push({ service: `${service}.amazonaws.com`, source, need: { action, resource } });
  const api = (id: string, rest: string) => `arn:aws:execute-api:us-east-1:${ACCOUNT}:${id}/${rest}`;

  for (const [, { ApiId, IntegrationUri }] of deployment.ofType<Integration>(
    "AWS::ApiGatewayV2::Integration",
  )) {
    enter("apigateway", api(ApiId, "$default/GET/v1/healthz"), "lambda:InvokeFunction", IntegrationUri);
  }
  for (const [id, { ApiId, AuthorizerUri }] of deployment.ofType<Authorizer>(
    "AWS::ApiGatewayV2::Authorizer",
  )) {
    const [, gate = ""] = /functions\/(.*)\/invocations$/.exec(AuthorizerUri) ?? [];
    const source = api(ApiId, `authorizers/${deployment.id(id)}`);
    enter("apigateway", source, "lambda:InvokeFunction", gate);
  }
  for (const [id, { Targets }] of deployment.ofType<Rule>("AWS::Events::Rule")) {
    for (const { Arn, DeadLetterConfig } of Targets) {
      enter("events", deployment.arn(id), "lambda:InvokeFunction", Arn);
      enter("events", deployment.arn(id), "sqs:SendMessage", DeadLetterConfig.Arn);
    }
  }
  for (const [id, { Role }] of deployment.ofType<Function>(FUNCTION)) {
    enter("lambda", deployment.arn(id), "sts:AssumeRole", Role);
  }
  for (const [, { RoleArn }] of deployment.ofType<Machine>("AWS::StepFunctions::StateMachine")) {
    enter("states", "", "sts:AssumeRole", RoleArn);
  }
  for (const [, { Target }] of deployment.ofType<Schedule>("AWS::Scheduler::Schedule")) {
    enter("scheduler", "", "sts:AssumeRole", Target.RoleArn);
  }
  for (const { group, role } of firingsOf(deployment)) enter("scheduler", group, "sts:AssumeRole", role);
  return entries;
};
