import { describe, expect, test } from "vitest";
import { lambdas } from "../../infra/bundles.ts";
import { BASE_PATH, HEALTH_PATH, IAM_BASE_PATH, routes } from "../../shared/api/routes.ts";
import { alarmedEvents, environment, outputs } from "../../shared/deployment.ts";
import { SweepMessage } from "../../shared/schemas/message.ts";
import {
  flat,
  lambdaOf,
  ofType,
  type Resource,
  statementsOfRole,
  synthesize,
  type Template,
  target,
} from "./synthesize.ts";

const { core } = synthesize();
const local = synthesize({ context: { env: "local" } });

const property = <T>(resource: Resource | undefined, name: string): T => resource?.Properties[name] as T;
const onlyOne = (type: string): Resource => {
  const [first, ...others] = ofType(core, type);
  expect(others).toHaveLength(0);
  if (first === undefined) throw new Error(`No ${type}`);
  return first[1];
};

describe("the HTTP API", () => {
  const below = (base: string) => Object.values(routes).map(({ method, path }) => `${method} ${base}${path}`);
  const synthesized = ofType(core, "AWS::ApiGatewayV2::Route").map(([, route]) => route);
  const keysOf = (type: string) =>
    synthesized
      .filter((route) => property(route, "AuthorizationType") === type)
      .map((route) => property<string>(route, "RouteKey"))
      .toSorted();

  test("has both trees of the table's routes, the health route and one for all other requests, and no others", () => {
    const keys = synthesized.map((route) => property<string>(route, "RouteKey"));
    const both = [...below(BASE_PATH), ...below(IAM_BASE_PATH)];
    expect(keys.toSorted()).toEqual([...both, `GET ${HEALTH_PATH}`, "$default"].toSorted());
    expect(keysOf("NONE")).toEqual(["$default", `GET ${HEALTH_PATH}`]);
  });

  test("puts every route of the table behind the authorizer, and below /iam behind AWS's own signature", () => {
    expect(keysOf("CUSTOM")).toEqual(below(BASE_PATH).toSorted());
    expect(keysOf("AWS_IAM")).toEqual(below(IAM_BASE_PATH).toSorted());
    const [[authorizer] = []] = ofType(core, "AWS::ApiGatewayV2::Authorizer");
    for (const route of synthesized) {
      const isBearer = property(route, "AuthorizationType") === "CUSTOM";
      expect(target(property(route, "AuthorizerId"))).toBe(isBearer ? authorizer : null);
    }
  });

  test("asks the authorizer for a policy, also without an Authorization header, and caches none", () => {
    const authorizer = onlyOne("AWS::ApiGatewayV2::Authorizer").Properties;
    expect(authorizer).toMatchObject({
      AuthorizerType: "REQUEST",
      AuthorizerPayloadFormatVersion: "1.0",
      // Empty, not missing: then API Gateway answers nothing itself, and it could not cache either.
      IdentitySource: [],
      AuthorizerResultTtlInSeconds: 0,
    });
    // A boolean reply would allow the token on every path.
    expect(authorizer).not.toHaveProperty("EnableSimpleResponses", true);
    expect(flat(authorizer.AuthorizerUri)).toContain(`<${lambdaOf(core, "authorizer")[0]}.Arn>`);
  });

  test("is throttled, and logs neither headers nor query strings", () => {
    const stage = onlyOne("AWS::ApiGatewayV2::Stage");
    expect(property(stage, "DefaultRouteSettings")).toEqual({
      ThrottlingRateLimit: 1000,
      ThrottlingBurstLimit: 500,
    });
    const { Format: format } = property<{ Format: string }>(stage, "AccessLogSettings");
    expect(Object.keys(JSON.parse(format))).toContain("requestId");
    expect(format).not.toMatch(/header|querystring|protocol|authorizer\.(?!error)/i);
  });

  test("allows the browser origins that the context names, and no others", () => {
    expect(onlyOne("AWS::ApiGatewayV2::Api").Properties).not.toHaveProperty("CorsConfiguration");
    const { core: open } = synthesize({
      context: { origins: "https://hone.example.org, https://b.example.org" },
    });
    const [[, api] = []] = ofType(open, "AWS::ApiGatewayV2::Api");
    expect(property(api, "CorsConfiguration")).toMatchObject({
      AllowOrigins: ["https://hone.example.org", "https://b.example.org"],
      AllowHeaders: ["authorization", "content-type", "idempotency-key"],
    });
  });

  test("has a Lambda whose time-out is shorter than the integration's 30 seconds", () => {
    const [id, api] = lambdaOf(core, "api");
    expect(flat(property(onlyOne("AWS::ApiGatewayV2::Integration"), "IntegrationUri"))).toBe(`<${id}.Arn>`);
    expect(property(api, "Timeout")).toBeLessThan(30);
    expect(property(lambdaOf(core, "authorizer")[1], "Timeout")).toBeLessThan(10);
  });
});

test("the authorizer reserves concurrency only if the context says so, and no other Lambda does", () => {
  const reserving = (template: Template) =>
    lambdas.flatMap((name) => {
      const reserved = property<number>(lambdaOf(template, name)[1], "ReservedConcurrentExecutions");
      return reserved === undefined ? [] : [[name, reserved]];
    });
  expect(reserving(core)).toEqual([]);
  expect(reserving(synthesize({ context: { authorizerConcurrency: "50" } }).core)).toEqual([
    ["authorizer", 50],
  ]);
});

describe("the Lambdas", () => {
  test.each(lambdas)(
    "%s runs Node 24 on arm64, logs JSON to a log group that forgets, and has a role of its own",
    (name) => {
      const [, lambda] = lambdaOf(core, name);
      expect(lambda.Properties).toMatchObject({
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        Handler: "index.handler",
        LoggingConfig: { LogFormat: "JSON" },
      });
      const { LogGroup: logGroup } = property<{ LogGroup: unknown }>(lambda, "LoggingConfig");
      expect(core.Resources[target(logGroup) ?? ""]?.Properties.RetentionInDays).toBe(90);
      const sharing = ofType(core, "AWS::Lambda::Function").filter(
        ([, other]) => target(property(other, "Role")) === target(property(lambda, "Role")),
      );
      expect(sharing).toHaveLength(1);
    },
  );

  test.each(lambdas.filter((name) => name !== "authorizer"))(
    "%s is given every variable that deps.ts reads, and a name for its calls",
    (name) => {
      const { Variables } = property<{ Variables: Record<string, unknown> }>(
        lambdaOf(core, name)[1],
        "Environment",
      );
      const { AWS_SDK_UA_APP_ID: app, ...variables } = Variables;
      expect(app).toBe(`hone-${name}`);
      expect(Object.keys(variables).toSorted()).toEqual(Object.values(environment).toSorted());
    },
  );

  test("the authorizer gets only the name of the table", () => {
    expect(property(lambdaOf(core, "authorizer")[1], "Environment")).toEqual({
      Variables: {
        AWS_SDK_UA_APP_ID: "hone-authorizer",
        [environment.table]: { Ref: ofType(core, "AWS::DynamoDB::GlobalTable")[0]?.[0] },
      },
    });
  });

  test("get the API's URL, or the one of the context", () => {
    const urlOf = (template: typeof core) => {
      const variables = property<{ Variables: Record<string, unknown> }>(
        lambdaOf(template, "dispatcher")[1],
        "Environment",
      ).Variables;
      return flat(variables[environment.api]);
    };
    expect(urlOf(core)).toMatch(/\.ApiEndpoint>\/v1$/);
    expect(flat(core.Outputs?.[outputs.apiUrl]?.Value)).toBe(urlOf(core));
    expect(urlOf(synthesize({ context: { apiUrl: "https://hone.example.org/v1" } }).core)).toBe(
      "https://hone.example.org/v1",
    );
  });

  test("use the SDK's endpoint of AWS Batch, or the one of the context", () => {
    const urlOf = (template: typeof core) =>
      property<{ Variables: Record<string, unknown> }>(lambdaOf(template, "dispatcher")[1], "Environment")
        .Variables.AWS_ENDPOINT_URL_BATCH;
    expect(urlOf(core)).toBeUndefined();
    const batchUrl = "http://127.0.0.1:4000";
    expect(urlOf(synthesize({ context: { env: "local", batchUrl } }).core)).toBe(batchUrl);
  });
});

describe("queues", () => {
  const queues = ofType(core, "AWS::SQS::Queue");
  const deadLetterOf = (value: unknown) =>
    target(
      (value as { deadLetterTargetArn?: unknown; Arn?: unknown; TargetArn?: unknown } | undefined)
        ?.deadLetterTargetArn,
    ) ??
    target((value as { Arn?: unknown } | undefined)?.Arn) ??
    target((value as { TargetArn?: unknown } | undefined)?.TargetArn);
  const works = queues.filter(([, queue]) => queue.Properties.RedrivePolicy !== undefined);
  const resting = queues
    .filter(([, queue]) => queue.Properties.RedrivePolicy === undefined)
    .map(([id]) => id);

  const targetsOfRules = ofType(core, "AWS::Events::Rule").flatMap(([, rule]) =>
    property<{ Arn: unknown; DeadLetterConfig?: unknown }[]>(rule, "Targets"),
  );
  const targetsOfSchedules = ofType(core, "AWS::Scheduler::Schedule").map(([, schedule]) =>
    property<{ Arn: unknown; DeadLetterConfig?: unknown }>(schedule, "Target"),
  );

  test("the sweep Lambda is told on a schedule of its own to do what was left, in words that it knows", () => {
    const [sweep] = lambdaOf(core, "sweep");
    const inputs = ofType(core, "AWS::Scheduler::Schedule")
      .map(([, schedule]) => property<{ Arn: unknown; Input?: string }>(schedule, "Target"))
      .filter(({ Arn }) => target(Arn) === sweep)
      .map(({ Input = "" }) => SweepMessage.parse(JSON.parse(Input)));
    expect(inputs).toEqual([{ version: 1, attend: "all" }]);
  });

  test("each has a dead-letter queue or is one", () => {
    expect(works).toHaveLength(1);
    const used = [
      ...works.map(([, queue]) => deadLetterOf(queue.Properties.RedrivePolicy)),
      ...[...targetsOfRules, ...targetsOfSchedules].map(({ DeadLetterConfig }) =>
        deadLetterOf(DeadLetterConfig),
      ),
    ];
    expect(new Set(used)).toEqual(new Set(resting));
  });

  test("each rule, each schedule, and each Lambda that they call has one", () => {
    const called = [...targetsOfRules, ...targetsOfSchedules];
    expect(called).toHaveLength(3);
    for (const { Arn, DeadLetterConfig } of called) {
      const lambda = core.Resources[target(Arn) ?? ""];
      expect(resting).toContain(deadLetterOf(DeadLetterConfig));
      expect(resting).toContain(deadLetterOf(lambda?.Properties.DeadLetterConfig));
    }
  });

  test("a message is hidden for at least six times its Lambda's time-out, and is a dead letter after five tries", () => {
    for (const [, mapping] of ofType(core, "AWS::Lambda::EventSourceMapping")) {
      const queue = core.Resources[target(property(mapping, "EventSourceArn")) ?? ""];
      const lambda = core.Resources[target(property(mapping, "FunctionName")) ?? ""];
      expect(property(queue, "VisibilityTimeout")).toBeGreaterThanOrEqual(
        6 * property<number>(lambda, "Timeout"),
      );
      expect(property(queue, "RedrivePolicy")).toMatchObject({ maxReceiveCount: 5 });
      expect(mapping.Properties).toMatchObject({
        FunctionResponseTypes: ["ReportBatchItemFailures"],
        ScalingConfig: { MaximumConcurrency: 4 },
        BatchSize: 10,
      });
    }
  });

  test("dead letters are kept for 14 days", () => {
    for (const id of resting) expect(core.Resources[id]?.Properties.MessageRetentionPeriod).toBe(14 * 86_400);
  });

  test("every dead-letter queue has an alarm on its first message", () => {
    const watched = ofType(core, "AWS::CloudWatch::Alarm")
      .filter(([, alarm]) => property(alarm, "MetricName") === "ApproximateNumberOfMessagesVisible")
      .filter(([, alarm]) => property(alarm, "Threshold") === 1)
      .map(([, alarm]) => target(property<{ Value: unknown }[]>(alarm, "Dimensions")[0]?.Value));
    expect(watched.toSorted()).toEqual(resting.toSorted());
  });
});

describe("alarms", () => {
  const alarms = ofType(core, "AWS::CloudWatch::Alarm").map(([, alarm]) => alarm);

  test("watch the dispatcher, the authorizer and the API", () => {
    const watched = alarms.map((alarm) => `${property(alarm, "Namespace")} ${property(alarm, "MetricName")}`);
    expect(watched.filter((metric) => metric === "AWS/Lambda Errors")).toHaveLength(2);
    expect(watched).toContain("AWS/ApiGateway 5xx");
  });

  test("watch for errors that Lambdas handle themselves and only log", () => {
    const filters = ofType(core, "AWS::Logs::MetricFilter").map(([, { Properties }]) => ({
      pattern: Properties.FilterPattern,
      logGroup: target(Properties.LogGroupName),
      metric: (Properties.MetricTransformations as { MetricName: string; MetricNamespace: string }[])[0],
    }));
    const logOf = (name: string) =>
      target(property<{ LogGroup: unknown }>(lambdaOf(core, name)[1], "LoggingConfig").LogGroup);
    const logged = (phrase: string) =>
      filters.filter(({ pattern }) => pattern === JSON.stringify(phrase)).map(({ logGroup }) => logGroup);
    expect(logged(alarmedEvents.infraFailure)).toEqual(["dispatcher", "events", "reconciler"].map(logOf));
    expect(logged(alarmedEvents.roundsFailed)).toEqual(["reconciler", "rounds"].map(logOf));
    expect(logged("reconcile-failed")).toEqual(["reconciler", "sweep"].map(logOf));
    const watched = alarms.map((alarm) => `${property(alarm, "Namespace")} ${property(alarm, "MetricName")}`);
    for (const { metric } of filters)
      expect(watched).toContain(`${metric?.MetricNamespace} ${metric?.MetricName}`);
  });

  test("are at most the ten free ones, and do not fire when there is no data", () => {
    expect(alarms.length).toBeLessThanOrEqual(10);
    for (const alarm of alarms) expect(property(alarm, "TreatMissingData")).toBe("notBreaching");
  });

  test("all send e-mails when there is an address", () => {
    expect(alarms.every((alarm) => alarm.Properties.AlarmActions === undefined)).toBe(true);
    const mailing = synthesize({ context: { alarmEmail: "ops@example.org" } }).core;
    for (const [, alarm] of ofType(mailing, "AWS::CloudWatch::Alarm")) {
      expect(property(alarm, "AlarmActions")).toHaveLength(1);
    }
    expect(ofType(mailing, "AWS::SNS::Subscription")[0]?.[1].Properties).toMatchObject({
      Protocol: "email",
      Endpoint: "ops@example.org",
    });
  });
});

describe("storage", () => {
  test("the table has point-in-time recovery, on-demand billing and a TTL, and is kept when the stack is deleted", () => {
    const [[, table] = []] = ofType(core, "AWS::DynamoDB::GlobalTable");
    expect(table?.Properties).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [
        { AttributeName: "pk", KeyType: "HASH" },
        { AttributeName: "sk", KeyType: "RANGE" },
      ],
      TimeToLiveSpecification: { AttributeName: "ttl", Enabled: true },
      Replicas: [
        {
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          DeletionProtectionEnabled: true,
        },
      ],
    });
    expect(table?.DeletionPolicy).toBe("Retain");
  });

  test("the bucket allows neither public access nor plain HTTP, and is kept when the stack is deleted", () => {
    const [[id, bucket] = []] = ofType(core, "AWS::S3::Bucket");
    expect(property(bucket, "PublicAccessBlockConfiguration")).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
    const [[, policy] = []] = ofType(core, "AWS::S3::BucketPolicy");
    expect(target(property(policy, "Bucket"))).toBe(id);
    expect(JSON.stringify(policy)).toContain('{"Bool":{"aws:SecureTransport":"false"}}');
    expect(bucket?.DeletionPolicy).toBe("Retain");
  });

  test("checkpoints that nobody has collected expire after 90 days", () => {
    const [[, bucket] = []] = ofType(core, "AWS::S3::Bucket");
    const { Rules } = property(bucket, "LifecycleConfiguration") as { Rules: object[] };
    expect(Rules).toContainEqual(
      expect.objectContaining({ Prefix: "checkpoints/", ExpirationInDays: 90, Status: "Enabled" }),
    );
  });

  test("all Lambdas but the authorizer know the bucket, by its name and its Region's URL", () => {
    const [[id] = []] = ofType(core, "AWS::S3::Bucket");
    const variables = (name: string) =>
      (property(lambdaOf(core, name)[1], "Environment") as { Variables: Record<string, unknown> }).Variables;
    for (const name of lambdas.filter((each) => each !== "authorizer")) {
      expect(target(variables(name)[environment.bucket])).toBe(id);
      expect(flat(variables(name)[environment.bucketUrl])).toBe(`https://<${id}.RegionalDomainName>`);
    }
  });

  test("deleting the stack of an ephemeral environment deletes both", () => {
    const dev = synthesize({ context: { env: "dev" } }).core;
    for (const type of ["AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket"]) {
      expect(ofType(dev, type).map(([, { DeletionPolicy }]) => DeletionPolicy)).toEqual(["Delete"]);
    }
    const kept = synthesize({ context: { env: "dev", ephemeral: "false" } }).core;
    expect(ofType(kept, "AWS::S3::Bucket")[0]?.[1].DeletionPolicy).toBe("Retain");
  });
});

describe("the emulator's variant", () => {
  /** Of those that MiniStack 1.5.33 refuses together with the whole template. */
  const refused =
    /^AWS::(Batch|Budgets|ResourceGroups)::|^AWS::(EC2::(FlowLog|NatGateway|SecurityGroupIngress)|IAM::RolePolicy|CloudWatch::CompositeAlarm|Logs::QueryDefinition|StepFunctions::StateMachine(Alias|Version)|Events::(Archive|Connection|ApiDestination))$|^Custom::/;

  test("is only the core stack, with resources that the emulator supports", () => {
    expect(local.stacks).toEqual(["HoneCore"]);
    const types = Object.values(local.core.Resources).map(({ Type }) => Type);
    expect(types.filter((type) => refused.test(type))).toEqual([]);
  });

  test("has the same routes, state machine and permissions as the real one, except for an action that only the emulator has, its only schedule group, and tags in resources, which it does not have", () => {
    const routesAndMachines = ["AWS::ApiGatewayV2::Route", "AWS::StepFunctions::StateMachine"];
    for (const type of routesAndMachines) expect(ofType(local.core, type)).toEqual(ofType(core, type));
    const roles = ofType(core, "AWS::IAM::Role").map(([role]) => role);
    for (const role of roles) {
      const granted = (template: Template) =>
        new Set(
          statementsOfRole(template, role).flatMap(({ actions, resources }) =>
            actions.flatMap((action) => resources.map((resource) => `${action} ${resource}`)),
          ),
        );
      const emulated = [...granted(local.core)].filter(
        (grant) => !/^sqs:SendMessageBatch |:schedule\/default\/\*$/.test(grant),
      );
      const withoutTags = [...granted(core)].map((grant) =>
        grant.replace(/\$\{aws:PrincipalTag\/\w+\}/g, "*"),
      );
      expect(new Set(emulated)).toEqual(new Set(withoutTags));
    }
  });

  test("also receives events of the local Batch, whose source cannot be aws.batch", () => {
    const sources = (template: typeof core) =>
      property<{ source: string[] }>(ofType(template, "AWS::Events::Rule")[0]?.[1], "EventPattern").source;
    expect(sources(core)).toEqual(["aws.batch"]);
    expect(sources(local.core)).toEqual(["aws.batch", "hone.batch"]);
  });
});

test("the outputs are those that the CLI and the local stack read", () => {
  expect(Object.keys(core.Outputs ?? {}).toSorted()).toEqual(Object.values(outputs).toSorted());
});
