import { Duration, Fn, RemovalPolicy, Size, Stack, type StackProps } from "aws-cdk-lib";
import { EcsMachineImageType, FairshareSchedulingPolicy } from "aws-cdk-lib/aws-batch";
import { ManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { Construct } from "constructs";
import type { Market } from "../shared/prices.ts";
import type { Config } from "./config.ts";
import { Network } from "./constructs/network.ts";
import { TrialDefinition } from "./constructs/trial-definition.ts";
import { TrialQueue } from "./constructs/trial-queue.ts";
import { executionRoleName, jobRoleName, type Names } from "./names.ts";

export interface ComputeStackProps extends StackProps {
  readonly config: Config;
  readonly names: Names;
}

/** Disk for images and temporary files, and the machine image, of instances with GPUs and without. */
const machines = {
  gpu: { image: EcsMachineImageType.ECS_AL2023_NVIDIA, disk: Size.gibibytes(100) },
  cpu: { image: EcsMachineImageType.ECS_AL2023, disk: Size.gibibytes(50) },
} as const;

/**
 * Where trials run: instances with and without GPUs, Spot ones and, if the context says so, on-demand ones; none are running while nothing
 * is queued.
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
    const scheduling = new FairshareSchedulingPolicy(this, "Teams", {
      schedulingPolicyName: names.schedulingPolicy,
      // A team's use of the last hour counts against it, more the later it was. Teams weigh the same.
      shareDecay: Duration.hours(1),
    });
    const queue = (id: string, market: Market, kind: "gpu" | "cpu", maxVcpus: number) =>
      new TrialQueue(this, id, {
        ...machines[kind],
        queueName: names.jobQueues[market][kind],
        market,
        scheduling,
        network,
        instanceRole,
        families: config.families[kind],
        maxVcpus,
      });
    queue("Gpu", "spot", "gpu", config.maxVcpus.gpu);
    queue("Cpu", "spot", "cpu", config.maxVcpus.cpu);
    if (config.maxOnDemandVcpus !== null) {
      queue("OnDemandGpu", "on-demand", "gpu", config.maxOnDemandVcpus);
      queue("OnDemandCpu", "on-demand", "cpu", config.maxOnDemandVcpus);
    }
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
