import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface LambdaProps {
  /** Folder with the bundle (`bundles.ts`). */
  readonly bundle: string;
  readonly description: string;
  /** Where it is not made up, because the Lambda needs to know it. */
  readonly functionName?: string;
  readonly timeout: Duration;
  readonly memoryMiB: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly statements: readonly PolicyStatement[];
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  /** Concurrent calls that only this Lambda may use, and that are its limit. */
  readonly reserved?: number;
  /** For Lambdas that are called asynchronously: dead-letter queue for events that failed three times. */
  readonly failed?: IQueue;
}

/**
 * A Lambda on arm64 with a log group, whose role has only the given statements and may write to that log group.
 */
export class Lambda extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: LambdaProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, "Logs", {
      retention: props.logRetention,
      removalPolicy: props.removalPolicy,
    });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    role.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [this.logGroup.logGroupArn],
      }),
    );
    for (const statement of props.statements) role.addToPolicy(statement);
    this.function = new LambdaFunction(this, "Function", {
      description: props.description,
      ...(props.functionName !== undefined && { functionName: props.functionName }),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(props.bundle),
      handler: "index.handler",
      timeout: props.timeout,
      memorySize: props.memoryMiB,
      ...(props.reserved !== undefined && { reservedConcurrentExecutions: props.reserved }),
      // Part of the SDK's User-Agent, so that CloudTrail and the permission tests can identify the Lambda.
      environment: { AWS_SDK_UA_APP_ID: `hone-${id}`, ...props.environment },
      role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      ...(props.failed && { deadLetterQueue: props.failed, maxEventAge: Duration.hours(1) }),
    });
  }
}
