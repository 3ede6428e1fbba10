import { Duration, Stack } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  Metric,
  Stats,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { FilterPattern, type ILogGroup, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import { Construct } from "constructs";

const PERIOD = Duration.minutes(5);

/** Alarms of the stack, with e-mails if there is an address. The first ten alarms of an account are free. */
export class Alarms extends Construct {
  readonly #action: IAlarmAction | null;

  constructor(scope: Construct, id: string, email: string | null) {
    super(scope, id);
    this.#action = email === null ? null : this.#mail(email);
  }

  /** A dead-letter queue has messages. */
  notEmpty(name: string, queue: IQueue, what: string): void {
    const depth = queue.metricApproximateNumberOfMessagesVisible({
      period: PERIOD,
      statistic: Stats.MAXIMUM,
    });
    this.#alarm(
      name,
      depth,
      1,
      `${what} Read the messages, fix the cause, then move them back to the queue.`,
    );
  }

  /** A Lambda threw or ran out of time `threshold` times in five minutes. */
  fails(name: string, lambda: IFunction, threshold: number, what: string): void {
    this.#alarm(name, lambda.metricErrors({ period: PERIOD, statistic: Stats.SUM }), threshold, what);
  }

  /** The API answered 5xx `threshold` times in five minutes. */
  answersErrors(name: string, api: HttpApi, threshold: number): void {
    const errors = api.metricServerError({ period: PERIOD, statistic: Stats.SUM });
    this.#alarm(name, errors, threshold, "The API answers with server errors.");
  }

  /** One of the Lambdas logged lines with `phrase`, for errors that it handles itself, `threshold` times in five minutes. */
  reports(
    name: string,
    lambdas: readonly { readonly node: { readonly id: string }; readonly logGroup: ILogGroup }[],
    phrase: string,
    threshold: number,
    what: string,
  ): void {
    const metricNamespace = Stack.of(this).stackName;
    for (const { node, logGroup } of lambdas) {
      new MetricFilter(this, `${name}In-${node.id}`, {
        logGroup,
        // Not by field, because a line may be JSON or JSON inside JSON.
        filterPattern: FilterPattern.literal(JSON.stringify(phrase)),
        metricNamespace,
        metricName: name,
        metricValue: "1",
      });
    }
    const metric = new Metric({
      namespace: metricNamespace,
      metricName: name,
      period: PERIOD,
      statistic: Stats.SUM,
    });
    this.#alarm(name, metric, threshold, what);
  }

  #alarm(name: string, metric: IMetric, threshold: number, alarmDescription: string): void {
    const alarm = new Alarm(this, name, {
      metric,
      threshold,
      alarmDescription,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (this.#action !== null) alarm.addAlarmAction(this.#action);
  }

  #mail(address: string): IAlarmAction {
    const topic = new Topic(this, "Topic", { enforceSSL: true });
    topic.addSubscription(new EmailSubscription(address));
    return new SnsAction(topic);
  }
}
