import { Duration } from "aws-cdk-lib";
import { EventSourceMapping, type IFunction } from "aws-cdk-lib/aws-lambda";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { DeadLetterQueue } from "./dead-letter-queue.ts";

const TRIES = 5;
const BATCH = 10;

export interface WorkQueueProps {
  /** Time-out of the Lambda that reads the queue. */
  readonly timeout: Duration;
}

/** A queue with a dead-letter queue: after five tries a message is moved there and kept for 14 days. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly failed: Queue;

  constructor(scope: Construct, id: string, { timeout }: WorkQueueProps) {
    super(scope, id);
    this.failed = new DeadLetterQueue(this, "Failed").queue;
    this.queue = new Queue(this, "Queue", {
      enforceSSL: true,
      // With a shorter time-out, a slow batch would be delivered twice.
      visibilityTimeout: Duration.seconds(6 * timeout.toSeconds()),
      retentionPeriod: Duration.days(14),
      deadLetterQueue: { queue: this.failed, maxReceiveCount: TRIES },
    });
  }

  /**
   * Makes a Lambda read the queue and report failures per message; its role must allow it (`permissions.ts`).
   * @param concurrency concurrent batches of ten messages, at least 2.
   */
  drainedBy(consumer: IFunction, concurrency: number): void {
    new EventSourceMapping(this, "Drain", {
      target: consumer,
      eventSourceArn: this.queue.queueArn,
      batchSize: BATCH,
      reportBatchItemFailures: true,
      maxConcurrency: concurrency,
    });
  }
}
