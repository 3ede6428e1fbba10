import { Duration, type Size } from "aws-cdk-lib";
import {
  AllocationStrategy,
  type EcsMachineImageType,
  type IFairshareSchedulingPolicy,
  JobQueue,
  JobStateTimeLimitActionsAction,
  JobStateTimeLimitActionsReason,
  JobStateTimeLimitActionsState,
  ManagedEc2EcsComputeEnvironment,
} from "aws-cdk-lib/aws-batch";
import {
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  type InstanceClass,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
} from "aws-cdk-lib/aws-ec2";
import type { IRole } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { Market } from "../../shared/prices.ts";
import type { Network } from "./network.ts";

/** A job that gets no instance in this time is cancelled, because it blocks the jobs behind it; its trial has the reason. */
const WAIT_FOR_CAPACITY = Duration.hours(1);
/** For jobs that no instance type here can run; ten minutes is the shortest time that Batch accepts. */
const WAIT_IF_IMPOSSIBLE = Duration.minutes(10);

export interface TrialQueueProps {
  readonly queueName: string;
  readonly market: Market;
  /** How the teams share it. */
  readonly scheduling: IFairshareSchedulingPolicy;
  readonly network: Network;
  readonly instanceRole: IRole;
  /** Families of x86-64 instances; Batch chooses the sizes. With more families there are fewer interruptions. */
  readonly families: readonly InstanceClass[];
  readonly image: EcsMachineImageType;
  readonly maxVcpus: number;
  /** Disk of each instance, for images and temporary files. */
  readonly disk: Size;
}

/** A Batch job queue with instances of its own; none are running while nothing is queued. */
export class TrialQueue extends Construct {
  constructor(scope: Construct, id: string, props: TrialQueueProps) {
    super(scope, id);
    const launchTemplate = new LaunchTemplate(this, "Machine", {
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      httpPutResponseHopLimit: 1,
      blockDevices: [
        {
          deviceName: "/dev/xvda",
          volume: BlockDeviceVolume.ebs(props.disk.toGibibytes(), {
            volumeType: EbsDeviceVolumeType.GP3,
            encrypted: true,
            deleteOnTermination: true,
          }),
        },
      ],
    });
    const computeEnvironment = new ManagedEc2EcsComputeEnvironment(this, "Machines", {
      vpc: props.network.vpc,
      vpcSubnets: { subnets: props.network.vpc.publicSubnets },
      securityGroups: [props.network.securityGroup],
      ...(props.market === "spot"
        ? { spot: true, allocationStrategy: AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED }
        : { spot: false, allocationStrategy: AllocationStrategy.BEST_FIT_PROGRESSIVE }),
      instanceClasses: [...props.families],
      useOptimalInstanceClasses: false,
      images: [{ imageType: props.image }],
      instanceRole: props.instanceRole,
      launchTemplate,
      minvCpus: 0,
      maxvCpus: props.maxVcpus,
      // An update waits until running jobs have ended before it replaces their instances.
      terminateOnUpdate: false,
      updateTimeout: Duration.hours(2),
    });
    const giveUp = (reason: JobStateTimeLimitActionsReason, maxTime: Duration) => ({
      action: JobStateTimeLimitActionsAction.CANCEL,
      state: JobStateTimeLimitActionsState.RUNNABLE,
      maxTime,
      reason,
    });
    new JobQueue(this, "Queue", {
      jobQueueName: props.queueName,
      schedulingPolicy: props.scheduling,
      computeEnvironments: [{ computeEnvironment, order: 1 }],
      jobStateTimeLimitActions: [
        giveUp(JobStateTimeLimitActionsReason.INSUFFICIENT_INSTANCE_CAPACITY, WAIT_FOR_CAPACITY),
        giveUp(JobStateTimeLimitActionsReason.COMPUTE_ENVIRONMENT_MAX_RESOURCE, WAIT_IF_IMPOSSIBLE),
        giveUp(JobStateTimeLimitActionsReason.JOB_RESOURCE_REQUIREMENT, WAIT_IF_IMPOSSIBLE),
      ],
    });
  }
}
