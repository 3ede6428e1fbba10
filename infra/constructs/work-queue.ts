import { Duration } from "aws-cdk-lib";
import { EventSourceMapping, type IFunction } from "aws-cdk-lib/aws-lambda";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";
import { DeadLetterQueue } from "./dead-letter-queue.ts";

const TRIES = 5;
const BATCH = 10;

export interface WorkQueueProps {
  /** Time-out of the Lambda that will drain it. */
  readonly timeout: Duration;
}

/** A queue with its dead-letter queue: five tries, then a message rests for 14 days. */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly failed: Queue;

  constructor(scope: Construct, id: string, { timeout }: WorkQueueProps) {
    super(scope, id);
    this.failed = new DeadLetterQueue(this, "Failed").queue;
    this.queue = new Queue(this, "Queue", {
      enforceSSL: true,
      // Shorter, and a slow batch is delivered twice.
      visibilityTimeout: Duration.seconds(6 * timeout.toSeconds()),
      retentionPeriod: Duration.days(14),
      deadLetterQueue: { queue: this.failed, maxReceiveCount: TRIES },
    });
  }

  /**
   * Lets a Lambda drain the queue, answering for each message by itself; its role must allow it (`permissions.ts`).
   * @param concurrency batches of ten at once, from 2.
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
