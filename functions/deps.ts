import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { BatchClient } from "@aws-sdk/client-batch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SignatureV4 } from "@smithy/signature-v4";
import { IAM_BASE_PATH } from "../shared/api/routes.ts";
import { environment, NO_QUEUE } from "../shared/deployment.ts";
import { batchExecutor, type JobQueues } from "../shared/executor/batch/client.ts";
import { checkpointBucket } from "../shared/executor/checkpoint-bucket.ts";
import { identities } from "../shared/executor/identities.ts";
import { dispatchQueue } from "../shared/executor/queue.ts";
import { stepFunctions } from "../shared/executor/step-functions.ts";
import { sweepSchedules } from "../shared/executor/sweep-schedules.ts";
import type { Checkpoints, Identities, Schedules } from "../shared/ports.ts";
import { pricesIn } from "../shared/prices.ts";
import type { ApiDeps, ServiceDeps } from "../shared/service/core/deps.ts";
import { createWarm } from "../shared/service/core/warm.ts";
import { Store } from "../shared/store/store.ts";
import { logInfo } from "./log.ts";

/**
 * The dependencies of every Lambda; only this file makes SDK clients and reads the environment. Clients are made when the
 * first request needs them and live as long as the process. A bundle contains only what its Lambda uses: that of the
 * authorizer, which calls only `lookupDeps`, contains only DynamoDB's client.
 */

/** Settings of every client: time-outs so short that three tries fit into one request. */
const impatient = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
} as const;

const JITTER_STEPS = 2 ** 32;

/** @throws Error when the stack did not set it. */
const variable = (name: keyof typeof environment): string => {
  const value = process.env[environment[name]];
  if (value === undefined || value === "") throw new Error(`The environment lacks ${environment[name]}.`);
  return value;
};

const lazy = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

/** What is needed to look up a token: the store, a clock and randomness. */
export const lookupDeps = /* @__PURE__ */ lazy(
  (): Pick<ServiceDeps, "store" | "clock" | "randomBytes"> => ({
    store: new Store({
      client: new DynamoDBClient(impatient),
      table: variable("table"),
      jitter: () => randomInt(JITTER_STEPS) / JITTER_STEPS,
      token: randomUUID,
    }),
    clock: Date.now,
    randomBytes: (count) => randomBytes(count),
  }),
);

/** The bucket, with the credentials, the Region and the connections of another client. */
const checkpoints = ({ config }: SQSClient): Checkpoints => {
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  const { credentials, region, sha256, requestHandler } = config;
  return checkpointBucket({
    // A host name for each bucket is AWS's own; emulators know it by its path.
    url: endpoint === undefined ? variable("bucketUrl") : `${endpoint}/${variable("bucket")}`,
    signer: new SignatureV4({ service: "s3", credentials, region, sha256, uriEscapePath: false }),
    send: (request) => requestHandler.handle(request),
    userAgent: userAgent(),
  });
};

/** As clients of the SDK name the Lambda. */
const userAgent = (): string => `hone app/${process.env.AWS_SDK_UA_APP_ID ?? ""}`;

/** The suffix of AWS's host names in the partition of an ARN. */
const hostsOf = (arn: string): string =>
  arn.split(":")[1] === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";

/** EventBridge Scheduler, with the credentials and the connections of another client. */
const schedules = ({ config }: SQSClient): Schedules => {
  const { credentials, region, sha256, requestHandler } = config;
  const target = variable("sweepFunction");
  const own = `https://scheduler.${target.split(":")[3]}.${hostsOf(target)}`;
  return sweepSchedules({
    url: process.env.AWS_ENDPOINT_URL_SCHEDULER ?? process.env.AWS_ENDPOINT_URL ?? own,
    signer: new SignatureV4({ service: "scheduler", credentials, region, sha256 }),
    send: (request) => requestHandler.handle(request),
    userAgent: userAgent(),
    group: variable("scheduleGroup"),
    target,
    failed: variable("failedFirings"),
    role: variable("firingRole"),
  });
};

/** Only a deployment with on-demand instances has them. */
const onDemandQueues = (): JobQueues | null => {
  const gpu = variable("onDemandGpuJobQueue");
  return gpu === NO_QUEUE ? null : { gpu, cpu: variable("onDemandCpuJobQueue") };
};

/** Everything that the use cases need. */
export const serviceDeps = /* @__PURE__ */ lazy((): ServiceDeps => {
  // Use AWS_ENDPOINT_URL like every other client; by default this one would use the host of the queue's URL.
  const sqs = new SQSClient({ ...impatient, useQueueUrlAsEndpoint: false });
  return {
    ...lookupDeps(),
    warm: createWarm(),
    teamRate: Number(variable("teamRate")),
    prices: pricesIn(variable("prices")),
    log: logInfo,
    auditDays: Number(variable("auditDays")),
    queue: dispatchQueue({ client: sqs, url: variable("queue") }),
    workflow: stepFunctions({
      client: new SFNClient(impatient),
      machines: {
        brackets: variable("brackets"),
        halving: variable("halving"),
        folds: variable("folds"),
        fold: variable("fold"),
        generations: variable("generations"),
      },
    }),
    batch: batchExecutor({
      client: new BatchClient(impatient),
      submitter: new BatchClient({ maxAttempts: 1 }),
      queues: {
        spot: { gpu: variable("gpuJobQueue"), cpu: variable("cpuJobQueue") },
        "on-demand": onDemandQueues(),
      },
      template: variable("jobDefinition"),
      api: variable("api"),
      images: variable("images").split(","),
    }),
    checkpoints: checkpoints(sqs),
    schedules: schedules(sqs),
  };
});

/** STS, with the credentials and the connections of another client. */
const stsOf = ({ config }: SQSClient): Identities => {
  const { credentials, region, sha256, requestHandler } = config;
  const stageArn = variable("stageArn");
  const own = `https://sts.${stageArn.split(":")[3]}.${hostsOf(stageArn)}/`;
  return identities({
    url: process.env.AWS_ENDPOINT_URL_STS ?? process.env.AWS_ENDPOINT_URL ?? own,
    signer: new SignatureV4({ service: "sts", credentials, region, sha256 }),
    send: (request) => requestHandler.handle(request),
    userAgent: userAgent(),
    stageArn,
    tree: IAM_BASE_PATH,
    teamRoles: variable("teamRoles"),
    sessionsRole: variable("sessionsRole"),
    api: variable("api").replace(/\/v1$/, "/iam/v1"),
    bucket: variable("bucket"),
  });
};

/** The same, and what only requests of the API need. */
export const apiDeps = /* @__PURE__ */ lazy(
  (): ApiDeps => ({ ...serviceDeps(), identities: stsOf(new SQSClient(impatient)) }),
);
