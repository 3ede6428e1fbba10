import { RemovalPolicy, Stack } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { ScheduleGroup } from "aws-cdk-lib/aws-scheduler";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface SweepSchedulesProps {
  readonly groupName: string;
  readonly groupArn: string;
  readonly roleName: string;
  /** What firings call, and where those go that could not be delivered. */
  readonly handler: IFunction;
  readonly failed: IQueue;
}

/** The schedule group of sweeps, whose schedules Lambdas make, and the role that those have: for schedules of this group alone. */
export class SweepSchedules extends Construct {
  constructor(scope: Construct, id: string, props: SweepSchedulesProps) {
    super(scope, id);
    new ScheduleGroup(this, "Group", {
      scheduleGroupName: props.groupName,
      // Its schedules go with it: what they would call is gone too.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", {
      roleName: props.roleName,
      assumedBy: new ServicePrincipal("scheduler.amazonaws.com", {
        conditions: {
          StringEquals: { "aws:SourceAccount": Stack.of(this).account, "aws:SourceArn": props.groupArn },
        },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [props.handler.functionArn] }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [props.failed.queueArn] }),
    );
  }
}
