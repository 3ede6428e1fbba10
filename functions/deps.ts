import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { BatchClient } from "@aws-sdk/client-batch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SQSClient } from "@aws-sdk/client-sqs";
import { environment } from "../shared/deployment.ts";
import { batchExecutor } from "../shared/executor/batch/client.ts";
import { dispatchQueue } from "../shared/executor/queue.ts";
import { stepFunctions } from "../shared/executor/step-functions.ts";
import type { ServiceDeps } from "../shared/service/core/deps.ts";
import { createWarm } from "../shared/service/core/warm.ts";
import { Store } from "../shared/store/store.ts";
import { logInfo } from "./log.ts";

/**
 * The real world, for every Lambda: the one file that makes SDK clients and reads the environment. What it makes lives
 * as long as the process and is made when the first request needs it. A bundle leaves out what its Lambda does not
 * reach, so the authorizer, which calls `lookupDeps` alone, carries DynamoDB's client and no other.
 */

/** Of every client: fails soon enough that its three tries fit a request's time. */
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

/** The store, a clock and chance: all that looking a token up needs. */
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

/** All that the use cases need. */
export const serviceDeps = /* @__PURE__ */ lazy(
  (): ServiceDeps => ({
    ...lookupDeps(),
    warm: createWarm(),
    log: logInfo,
    // Like every client, this one follows AWS_ENDPOINT_URL; by default it would go where the queue's URL points.
    queue: dispatchQueue({
      client: new SQSClient({ ...impatient, useQueueUrlAsEndpoint: false }),
      url: variable("queue"),
    }),
    workflow: stepFunctions({ client: new SFNClient(impatient), machine: variable("halving") }),
    batch: batchExecutor({
      client: new BatchClient(impatient),
      submitter: new BatchClient({ maxAttempts: 1 }),
      gpuQueue: variable("gpuJobQueue"),
      cpuQueue: variable("cpuJobQueue"),
      template: variable("jobDefinition"),
      api: variable("api"),
      images: variable("images").split(","),
    }),
  }),
);
