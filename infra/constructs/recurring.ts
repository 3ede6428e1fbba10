import type { Duration } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Schedule, ScheduleExpression, ScheduleTargetInput } from "aws-cdk-lib/aws-scheduler";
import { LambdaInvoke } from "aws-cdk-lib/aws-scheduler-targets";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface RecurringProps {
  readonly every: Duration;
  readonly handler: IFunction;
  readonly failed: IQueue;
  readonly description: string;
  /** What the Lambda gets; nothing in particular by default. */
  readonly input?: object;
}

/** A Lambda called at a fixed rate. A call that cannot be delivered is retried twice; more would overlap with the next call. */
export class Recurring extends Construct {
  constructor(scope: Construct, id: string, { every, handler, failed, description, input }: RecurringProps) {
    super(scope, id);
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("scheduler.amazonaws.com") });
    role.addToPolicy(
      new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: [handler.functionArn] }),
    );
    role.addToPolicy(new PolicyStatement({ actions: ["sqs:SendMessage"], resources: [failed.queueArn] }));
    new Schedule(this, "Schedule", {
      description,
      schedule: ScheduleExpression.rate(every),
      target: new LambdaInvoke(handler, {
        // The target would also allow every version of the function.
        role: role.withoutPolicyUpdates(),
        deadLetterQueue: failed,
        ...(input !== undefined && { input: ScheduleTargetInput.fromObject(input) }),
        retryAttempts: 2,
        maxEventAge: every,
      }),
    });
  }
}
