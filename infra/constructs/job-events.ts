import { Duration } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

export interface JobEventsProps {
  /** ARNs of the job queues whose jobs are ours. */
  readonly jobQueues: readonly string[];
  /** `aws.batch`, and in the emulator, which refuses to be sent that one, the local Batch's own. */
  readonly sources: readonly string[];
  readonly handler: IFunction;
  /** Where events rest that could not be handed to the Lambda. */
  readonly failed: IQueue;
}

/** Batch's job state changes of our queues, handed to a Lambda. */
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
