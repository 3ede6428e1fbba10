import { Fn, RemovalPolicy, Size, Stack, type StackProps } from "aws-cdk-lib";
import { EcsMachineImageType } from "aws-cdk-lib/aws-batch";
import { InstanceClass } from "aws-cdk-lib/aws-ec2";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import type { Config } from "./config.ts";
import { Network } from "./constructs/network.ts";
import { SpotQueue } from "./constructs/spot-queue.ts";
import { TrialDefinition } from "./constructs/trial-definition.ts";
import { executionRoleName, jobRoleName, type Names } from "./names.ts";

export interface ComputeStackProps extends StackProps {
  readonly config: Config;
  readonly names: Names;
}

/**
 * Where trials run: Spot instances with and without GPUs; none are running while nothing is queued.
 *
 * CPU trials run on EC2 and not on Fargate: one kind of job definition serves both queues, vCPUs and memory are not limited
 * to Fargate's sizes (at most 16 vCPUs, 120 GiB), and an instance does not pull the image again for every trial.
 */
export class ComputeStack extends Stack {
  readonly #zones: number;

  constructor(scope: Construct, id: string, { config, names, ...props }: ComputeStackProps) {
    super(scope, id, props);
    this.#zones = config.zones;
    const { logRetention } = config;
    const removalPolicy = RemovalPolicy.DESTROY;

    const network = new Network(this, "Network", { zones: config.zones, logRetention, removalPolicy });
    const instanceRole = new Role(this, "InstanceRole", {
      assumedBy: new ServicePrincipal("ec2.amazonaws.com"),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName("service-role/AmazonEC2ContainerServiceforEC2Role"),
      ],
    });
    new SpotQueue(this, "Gpu", {
      queueName: names.gpuJobQueue,
      network,
      instanceRole,
      families: [InstanceClass.G4DN, InstanceClass.G5, InstanceClass.G6],
      image: EcsMachineImageType.ECS_AL2023_NVIDIA,
      maxVcpus: config.maxVcpus.gpu,
      disk: Size.gibibytes(100),
    });
    new SpotQueue(this, "Cpu", {
      queueName: names.cpuJobQueue,
      network,
      instanceRole,
      families: [
        InstanceClass.C6I,
        InstanceClass.C7I,
        InstanceClass.M6I,
        InstanceClass.M7I,
        InstanceClass.R6I,
        InstanceClass.R7I,
      ],
      image: EcsMachineImageType.ECS_AL2023,
      maxVcpus: config.maxVcpus.cpu,
      disk: Size.gibibytes(50),
    });
    new TrialDefinition(this, "Trial", {
      definitionName: names.jobDefinition,
      jobRoleName: jobRoleName(this, names),
      executionRoleName: executionRoleName(this, names),
      logGroupName: `/hone/${names.jobDefinition}`,
      jobPolicies: config.jobPolicies,
      dataBuckets: config.dataBuckets,
      logRetention,
      removalPolicy,
    });
  }

  /** Zones by their index in the Region's list, so that the synthesis needs no AWS account. */
  override get availabilityZones(): string[] {
    return Array.from({ length: this.#zones }, (_, index) => Fn.select(index, Fn.getAzs()));
  }
}
