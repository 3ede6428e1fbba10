import { ArnFormat, Duration, type RemovalPolicy, Size, Stack } from "aws-cdk-lib";
import { EcsEc2ContainerDefinition, EcsJobDefinition } from "aws-cdk-lib/aws-batch";
import { ContainerImage, LogDriver } from "aws-cdk-lib/aws-ecs";
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { SECRETS } from "../../shared/deployment.ts";

export interface TrialDefinitionProps {
  readonly definitionName: string;
  readonly jobRoleName: string;
  readonly executionRoleName: string;
  readonly logGroupName: string;
  /** ARNs of managed policies of jobs. */
  readonly jobPolicies: readonly string[];
  /** Names of buckets that jobs may list and read. */
  readonly dataBuckets: readonly string[];
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The template of all job definitions. The definition of a study, registered when the study is created, copies roles, logs
 * and retries from it, and adds the study's image, command, size and time-out.
 */
export class TrialDefinition extends Construct {
  constructor(scope: Construct, id: string, props: TrialDefinitionProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, "Logs", {
      logGroupName: props.logGroupName,
      retention: props.logRetention,
      removalPolicy: props.removalPolicy,
    });
    const assumedBy = new ServicePrincipal("ecs-tasks.amazonaws.com");
    // A trial runs the user's code, which gets only what the context of the deployment gives to all of them. Hone's API needs
    // a token, and checkpoints presigned URLs.
    const jobRole = new Role(this, "JobRole", {
      roleName: props.jobRoleName,
      assumedBy,
      managedPolicies: props.jobPolicies.map((arn, i) =>
        ManagedPolicy.fromManagedPolicyArn(this, `JobPolicy${i}`, arn),
      ),
    });
    for (const statement of this.#reading(props.dataBuckets)) jobRole.addToPolicy(statement);
    const executionRole = new Role(this, "ExecutionRole", { roleName: props.executionRoleName, assumedBy });
    executionRole.addToPolicy(
      new PolicyStatement({
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
      }),
    );
    executionRole.addToPolicy(
      new PolicyStatement({ actions: ["ecr:GetAuthorizationToken"], resources: ["*"] }),
    );
    executionRole.addToPolicy(
      new PolicyStatement({
        actions: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        // The api checks which registries a study may use; a registry of another account has its own policy.
        resources: [`arn:${Stack.of(this).partition}:ecr:*:*:repository/*`],
      }),
    );
    for (const statement of this.#readingSecrets()) executionRole.addToPolicy(statement);
    new EcsJobDefinition(this, "Definition", {
      jobDefinitionName: props.definitionName,
      propagateTags: true,
      timeout: Duration.days(1),
      // Hone starts the next attempt itself, with a new number and token. If Batch repeated a job, its attempt would
      // already be claimed.
      retryAttempts: 1,
      container: new EcsEc2ContainerDefinition(this, "Container", {
        image: ContainerImage.fromRegistry("public.ecr.aws/docker/library/busybox:stable"),
        command: ["true"],
        cpu: 1,
        memory: Size.gibibytes(2),
        jobRole,
        executionRole,
        logging: LogDriver.awsLogs({ logGroup, streamPrefix: "trial" }),
      }),
    });
  }

  /** Of all teams: which study may name which, the api checks before it registers a definition. */
  #readingSecrets(): PolicyStatement[] {
    const stack = Stack.of(this);
    const secrets = stack.formatArn({
      service: "secretsmanager",
      resource: "secret",
      resourceName: `${SECRETS}*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    const parameters = stack.formatArn({
      service: "ssm",
      resource: "parameter",
      resourceName: `${SECRETS}*`,
    });
    return [
      new PolicyStatement({ actions: ["secretsmanager:GetSecretValue"], resources: [secrets] }),
      new PolicyStatement({ actions: ["ssm:GetParameters"], resources: [parameters] }),
    ];
  }

  #reading(buckets: readonly string[]): PolicyStatement[] {
    if (buckets.length === 0) return [];
    const arns = buckets.map((name) => `arn:${Stack.of(this).partition}:s3:::${name}`);
    return [
      new PolicyStatement({ actions: ["s3:ListBucket"], resources: arns }),
      new PolicyStatement({ actions: ["s3:GetObject"], resources: arns.map((arn) => `${arn}/*`) }),
    ];
  }
}
