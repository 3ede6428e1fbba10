import { randomBytes, randomUUID } from "node:crypto";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { PRICES } from "../../shared/prices.ts";
import type { CreateStudyBody } from "../../shared/schemas/study.ts";
import type { ApiDeps, ServiceDeps, WriteContext } from "../../shared/service/core/deps.ts";
import { loadStudy } from "../../shared/service/core/load.ts";
import { createWarm } from "../../shared/service/core/warm.ts";
import { createStudy } from "../../shared/service/studies/create.ts";
import { Store } from "../../shared/store/store.ts";
import { FakeCheckpoints } from "./checkpoints.ts";
import { FakeIdentities } from "./identities.ts";
import { FakeSchedules } from "./schedules.ts";

/** A clock that tests turn. */
export interface TestClock {
  now: number;
}

export const noReceipt: WriteContext = { receipt: null };

/** A receipt as the middleware would make it of an Idempotency-Key. */
export const keyed = (key: string, body: unknown = {}): WriteContext => ({
  receipt: { id: key, body: JSON.stringify(body) },
});

const unused = (what: string) => () => {
  throw new Error(`${what} was not expected in this test`);
};

/** A "process": its own caches over the shared table. No queue, Batch or state machine unless handed in. */
export const testDeps = (
  client: DynamoDBClient,
  table: string,
  clock: TestClock = { now: Date.now() },
  overrides: Partial<ApiDeps> = {},
): ApiDeps => ({
  store: new Store({ client, table, jitter: Math.random, token: randomUUID }),
  warm: createWarm(),
  prices: PRICES,
  teamRate: 1_000_000,
  clock: () => clock.now,
  randomBytes: (count) => randomBytes(count),
  queue: { send: unused("the queue") },
  batch: {
    register: unused("Batch"),
    deregister: unused("Batch"),
    definitionsOf: unused("Batch"),
    submit: unused("Batch"),
    describe: unused("Batch"),
    isJobOf: unused("Batch"),
    listByName: unused("Batch"),
    listAlive: unused("Batch"),
    terminate: unused("Batch"),
  },
  workflow: {
    start: unused("Step Functions"),
    state: unused("Step Functions"),
    stop: unused("Step Functions"),
    resume: unused("Step Functions"),
  },
  checkpoints: new FakeCheckpoints(),
  schedules: new FakeSchedules(),
  identities: new FakeIdentities(clock),
  log: () => {},
  auditDays: 400,
  ...overrides,
});

export const studyBody = (change: Partial<CreateStudyBody> = {}): CreateStudyBody => ({
  name: "svm-digits",
  space: {
    C: { type: "float", low: 0.01, high: 1000, scale: "log" },
    gamma: { type: "float", low: 1e-5, high: 1, scale: "log" },
  },
  objectives: [{ metric: "accuracy", direction: "maximize" }],
  algorithm: { name: "random", seed: 1 },
  budget: { trials: 40 },
  ...change,
});

/** Nested cross-validation of two outer folds, a trial for each configuration. */
export const nestedCv = {
  type: "nested-cv",
  samples: 100,
  outer: { kind: "plain", folds: 2 },
  inner: { folds: 3, together: true },
} as const satisfies CreateStudyBody["evaluation"];

export const TEAM = "acme";

/** Creates a study and loads it. */
export const makeStudy = async (deps: ServiceDeps, change: Partial<CreateStudyBody> = {}) => {
  const { study } = await createStudy(deps, TEAM, studyBody(change), noReceipt);
  return loadStudy(deps, TEAM, study);
};
