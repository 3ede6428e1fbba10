import { Duration } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface JobEventsProps {
  /** ARNs of Hone's job queues. */
  readonly jobQueues: readonly string[];
  /** `aws.batch`, and for the emulator, which refuses that source, the one of the local Batch. */
  readonly sources: readonly string[];
  readonly handler: IFunction;
  /** Dead-letter queue for events that could not be delivered to the Lambda. */
  readonly failed: IQueue;
}

/** Sends the job state changes of Hone's queues to a Lambda. */
export class JobEvents extends Construct {
  constructor(scope: Construct, id: string, { jobQueues, sources, handler, failed }: JobEventsProps) {
    super(scope, id);
    new Rule(this, "Rule", {
      description: "Job state changes of Hone's Batch queues",
      eventPattern: {
        source: [...sources],
        detailType: ["Batch Job State Change"],
        detail: { jobQueue: [...jobQueues] },
      },
      targets: [
        new LambdaFunction(handler, {
          deadLetterQueue: failed,
          retryAttempts: 20,
          maxEventAge: Duration.hours(2),
        }),
      ],
    });
  }
}
