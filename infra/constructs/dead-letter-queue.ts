import { Duration } from "aws-cdk-lib";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

/** Keeps messages that could not be handled for 14 days, for a person to look at. `Alarms` watches its depth. */
export class DeadLetterQueue extends Construct {
  readonly queue: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.queue = new Queue(this, "Queue", { enforceSSL: true, retentionPeriod: Duration.days(14) });
  }
}
