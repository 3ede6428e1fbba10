import { Duration, type RemovalPolicy, Size, Stack } from "aws-cdk-lib";
import { EcsEc2ContainerDefinition, EcsJobDefinition } from "aws-cdk-lib/aws-batch";
import { ContainerImage, LogDriver } from "aws-cdk-lib/aws-ecs";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";

export interface TrialDefinitionProps {
  readonly definitionName: string;
  readonly jobRoleName: string;
  readonly executionRoleName: string;
  readonly logGroupName: string;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The template of all job definitions: a study's own, registered when it is created, takes its roles, logs and retries
 * from here, and brings its image, command, size and time-out.
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
    // The code of a trial is the user's own: it may do nothing in the account. It reaches the API with its token.
    const jobRole = new Role(this, "JobRole", { roleName: props.jobRoleName, assumedBy });
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
        // Which registries studies may name is the api's to check; a registry of another account has a policy of its own.
        resources: [`arn:${Stack.of(this).partition}:ecr:*:*:repository/*`],
      }),
    );
    new EcsJobDefinition(this, "Definition", {
      jobDefinitionName: props.definitionName,
      propagateTags: true,
      timeout: Duration.days(1),
      // Hone starts the next attempt itself, under a new number and token: a job that Batch ran again would find its
      // attempt claimed by its predecessor.
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
}
