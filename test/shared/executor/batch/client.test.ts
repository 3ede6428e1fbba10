import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  BatchClient,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
  type SubmitJobCommandInput,
} from "@aws-sdk/client-batch";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LocalBatch } from "../../../../local/batch/batch.ts";
import { Faults } from "../../../../local/batch/faults.ts";
import { batchServer } from "../../../../local/batch/server.ts";
import { batchExecutor } from "../../../../shared/executor/batch/client.ts";
import { endingOf } from "../../../../shared/executor/batch/ending.ts";
import { jobName, parseJobName } from "../../../../shared/executor/batch/job-name.ts";
import { shareOf } from "../../../../shared/executor/batch/share.ts";
import type { BatchSpec } from "../../../../shared/executor/batch/size.ts";
import type { BatchExecutor, JobRequest } from "../../../../shared/ports.ts";
import type { Market } from "../../../../shared/prices.ts";

/** The adapter against the local Batch endpoint, over HTTP: real requests, real processes. */
const STUDY = "svm-digits-7k2m";
let folder: string;
let local: LocalBatch;
let faults: Faults;
let executor: BatchExecutor;
let client: BatchClient;
let close: () => void;

const connect = (endpoint: string, images = ["*"], gpuQueue = "hone-gpu", onDemand = true) => {
  const settings = {
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  client = new BatchClient(settings);
  const submitter = new BatchClient({ ...settings, maxAttempts: 1 });
  return batchExecutor({
    client,
    submitter,
    queues: {
      spot: { gpu: gpuQueue, cpu: "hone-cpu" },
      "on-demand": onDemand ? { gpu: "hone-on-demand-gpu", cpu: "hone-on-demand-cpu" } : null,
    },
    template: "hone-trial",
    api: "http://127.0.0.1:1/v1",
    images,
  });
};

let endpoint: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hone-batch-"));
  faults = new Faults();
  local = new LocalBatch({
    queues: ["hone-gpu", "hone-cpu", "hone-on-demand-gpu", "hone-on-demand-cpu"],
    vcpus: 4,
    directory: folder,
    folder,
    environment: { PATH: process.env.PATH ?? "" },
    publish: () => {},
  });
  const server = batchServer(local, faults).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => {
    local.stop();
    server.close();
    server.closeAllConnections();
  };
  executor = connect(endpoint);
  await client.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: "hone-trial",
      type: "container",
      containerProperties: {
        image: "busybox",
        command: ["true"],
        vcpus: 1,
        memory: 2048,
        jobRoleArn: "arn:aws:iam::000000000000:role/job",
        executionRoleArn: "arn:aws:iam::000000000000:role/start",
      },
      retryStrategy: { attempts: 3 },
    }),
  );
});

afterEach(() => {
  close();
  rmSync(folder, { recursive: true, force: true });
});

const spec = (script: string): BatchSpec => ({
  type: "batch",
  image: "trainer:1",
  command: ["node", "-e", script],
  timeoutSeconds: 60,
});

const register = (to: BatchExecutor, study: string, executor: BatchSpec, labels = {}) =>
  to.register({ study, team: "acme", executor, labels });

const request = (definition: string, change: Partial<JobRequest> = {}): JobRequest => ({
  team: "acme",
  study: STUDY,
  trial: 7,
  attempt: 2,
  definition,
  gpus: 0,
  market: "spot",
  labels: {},
  environment: { HONE_TRIAL: "7", HONE_TOKEN: "secret" },
  ...change,
});

const submitted = async (script: string, change: Partial<JobRequest> = {}): Promise<string> => {
  const definition = await register(executor, STUDY, spec(script));
  const submission = await executor.submit(request(definition, change));
  if (submission.kind !== "accepted") throw new Error(submission.detail);
  return submission.jobId;
};

const ended = async (jobId: string) => {
  for (;;) {
    const [job] = await executor.describe([jobId]);
    if (job?.status === "SUCCEEDED" || job?.status === "FAILED") return job;
    await sleep(20);
  }
};

test("a study's definition takes its roles from the template, its image, command and size from the study, and no retries", async () => {
  await register(executor, STUDY, {
    ...spec("1"),
    vcpus: 1.5,
    memoryMiB: 512,
    gpus: 1,
    environment: { DATA: "here" },
    secrets: {
      DB_PASSWORD: { secretsManager: "hone/acme/db", key: "password" },
      WANDB_API_KEY: { parameter: "/hone/acme/wandb" },
    },
  });
  const { jobDefinitions } = local.definitions.describe({ jobDefinitionName: `hone-${STUDY}` });
  expect(jobDefinitions[0]).toMatchObject({
    containerProperties: {
      image: "trainer:1",
      jobRoleArn: "arn:aws:iam::000000000000:role/job",
      executionRoleArn: "arn:aws:iam::000000000000:role/start",
      environment: [
        { name: "DATA", value: "here" },
        { name: "HONE_SECRETS", value: "DB_PASSWORD,WANDB_API_KEY" },
      ],
      secrets: [
        {
          name: "DB_PASSWORD",
          valueFrom: "arn:aws:secretsmanager:us-east-1:000000000000:secret:hone/acme/db:password::",
        },
        { name: "WANDB_API_KEY", valueFrom: "arn:aws:ssm:us-east-1:000000000000:parameter/hone/acme/wandb" },
      ],
      resourceRequirements: [
        { type: "VCPU", value: "2" },
        { type: "MEMORY", value: "512" },
        { type: "GPU", value: "1" },
      ],
    },
    retryStrategy: { attempts: 1 },
    timeout: { attemptDurationSeconds: 60 },
  });
  expect(jobDefinitions[0]?.containerProperties).not.toHaveProperty("vcpus");
});

test("the job definitions of a study are all that are registered under its name, however many", async () => {
  const own: string[] = [];
  for (let i = 0; i < 120; i++) own.push(await register(executor, "many-abc123", spec("1")));
  await register(executor, "many-abc1234", spec("1"));
  const [first = "", ...others] = own;
  await executor.deregister(first);
  expect((await executor.definitionsOf("many-abc123")).sort()).toEqual(others.sort());
  expect(await executor.definitionsOf("none-abc123")).toEqual([]);
});

test("a job runs the study's command with what the attempt was given", async () => {
  const script =
    "process.exit(process.env.HONE_TRIAL === '7' && process.env.HONE_API.endsWith('/v1') ? 0 : 1)";
  const job = await ended(await submitted(script));
  expect(job).toMatchObject({ status: "SUCCEEDED", jobName: `hone-${STUDY}-7-2` });
  expect(parseJobName(job.jobName)).toEqual({ study: STUDY, trial: 7, attempt: 2 });
  expect(endingOf(job)).toEqual({ kind: "succeeded" });
});

test("an image outside the deployment's list is refused, naming the field", async () => {
  const strict = connect(endpoint, ["123.dkr.ecr.us-east-1.amazonaws.com/"]);
  await expect(register(strict, STUDY, spec("1"))).rejects.toMatchObject({
    type: "invalid-input",
    pointer: "/executor/image",
  });
});

test("without the stack's template a study cannot be registered, and may be later", async () => {
  local.definitions.deregister("hone-trial:1");
  await expect(register(executor, STUDY, spec("1"))).rejects.toMatchObject({ type: "unavailable" });
});

test("what Batch refuses for the study's own fault is told without Batch's words", async () => {
  const huge = { ...spec("1"), environment: { BIG: "x".repeat(30_000) } };
  await expect(register(executor, STUDY, huge)).rejects.toMatchObject({ type: "conflict" });
});

test("throttled is certain, a server error and a lost answer are not, and a wrong queue is final", async () => {
  const definition = await register(executor, STUDY, spec("1"));
  faults.order({ calls: { submitjob: ["throttle", "error", "drop", "accept-then-drop"] } });
  const kinds: string[] = [];
  for (let i = 0; i < 4; i++) kinds.push((await executor.submit(request(definition))).kind);
  expect(kinds).toEqual(["throttled", "unclear", "unclear", "unclear"]);
  // Nothing was repeated by the SDK: one call, one job.
  expect(await executor.listByName(jobName(request(definition)))).toHaveLength(1);
  const wrong = await executor.submit(request("arn:aws:batch:us-east-1:000000000000:job-definition/none:1"));
  expect(wrong).toMatchObject({ kind: "rejected", detail: expect.stringContaining("does not exist") });
});

test("an endpoint that is not there has certainly not taken the job", async () => {
  close();
  expect(await executor.submit(request("definition"))).toMatchObject({ kind: "throttled" });
});

test("jobs are found by their exact name, in any state and queue, oldest first", async () => {
  const definition = await register(executor, STUDY, spec("1"));
  const first = await submitted("1");
  await ended(first);
  await executor.submit(request(definition, { gpus: 1 }));
  await executor.submit(request(definition, { attempt: 21 }));
  const found = await executor.listByName(`hone-${STUDY}-7-2`);
  expect(found).toHaveLength(2);
  expect(found[0]?.jobId).toBe(first);
});

test("many jobs are described and listed page by page", async () => {
  const definition = await register(executor, STUDY, spec("1"));
  const ids = await Promise.all(
    Array.from({ length: 130 }, async () => {
      const submission = await executor.submit(request(definition));
      return submission.kind === "accepted" ? submission.jobId : "";
    }),
  );
  expect(await executor.describe([...ids, "forgotten"])).toHaveLength(130);
  expect(await executor.listByName(`hone-${STUDY}-7-2`)).toHaveLength(130);
});

test("only what is alive, and ours, is listed as alive; a job that is ended says why", async () => {
  const jobId = await submitted("setTimeout(() => {}, 60000)");
  const definition = await register(executor, STUDY, spec("setTimeout(() => {}, 60000)"));
  await client.send(
    new SubmitJobCommand({ jobName: "nightly", jobQueue: "hone-cpu", jobDefinition: definition }),
  );
  expect((await executor.listAlive()).map((job) => job.jobId)).toEqual([jobId]);
  await executor.terminate(jobId, "hone: study stopped");
  const job = await ended(jobId);
  expect(endingOf(job)).toEqual({ kind: "interrupted", reason: "Hone ended the job." });
  expect(await executor.listAlive()).toEqual([]);
  await executor.terminate(jobId, "hone: again");
  await executor.terminate("no-such-job", "hone: never was");
});

test("a job is that of an attempt only with its name, its queue and its tags", async () => {
  const definition = await register(executor, STUDY, spec("1"));
  const own = { team: "acme", study: STUDY, trial: 7, attempt: 2 };
  const jobId = await submitted("1");
  expect(await executor.isJobOf(jobId, own)).toBe(true);
  for (const change of [{ team: "rivals" }, { study: "svm-digits-7k2" }, { trial: 8 }, { attempt: 3 }]) {
    expect(await executor.isJobOf(jobId, { ...own, ...change })).toBe(false);
  }
  for (const other of ["no-such-job", "", "*", `arn:aws:batch:us-east-1:000000000000:job/${jobId}`]) {
    expect(await executor.isJobOf(other, own)).toBe(false);
  }
  // Submitted by another: under the same name, without tags or with those of another team, or with the same tags under another name.
  const tagged = { "hone:team": "acme", "hone:study": STUDY, "hone:trial": "7", "hone:attempt": "2" };
  const strangers: [string, Record<string, string>][] = [
    [jobName(own), {}],
    [jobName(own), { ...tagged, "hone:team": "rivals" }],
    ["another", tagged],
  ];
  for (const [name, tags] of strangers) {
    const { jobId: theirs = "" } = await client.send(
      new SubmitJobCommand({ jobName: name, jobQueue: "hone-cpu", jobDefinition: definition, tags }),
    );
    expect(await executor.isJobOf(theirs, own)).toBe(false);
  }
});

test("a job of another queue is none of ours", async () => {
  const own = { team: "acme", study: STUDY, trial: 7, attempt: 2 };
  const definition = await register(executor, STUDY, spec("1"));
  const submission = await executor.submit(request(definition, { gpus: 1 }));
  const jobId = submission.kind === "accepted" ? submission.jobId : "";
  expect(await executor.isJobOf(jobId, own)).toBe(true);
  const elsewhere = connect(endpoint, ["*"], "hone-cpu");
  expect(await elsewhere.isJobOf(jobId, own)).toBe(false);
});

test.each([
  ["host-terminated", "interrupted"],
  ["out-of-memory", "failed"],
  ["timeout", "timeout"],
] as const)("a job that ends by %s reads as %s", async (how, kind) => {
  const jobId = await submitted("setTimeout(() => {}, 60000)");
  while ((await executor.describe([jobId]))[0]?.status !== "RUNNING") await sleep(20);
  local.endBy(jobId, how);
  expect(endingOf(await ended(jobId)).kind).toBe(kind);
});

test.each([
  ["process.exit(75)", "interrupted"],
  ["process.exit(4)", "failed"],
])("%s reads as %s", async (script, kind) => {
  expect(endingOf(await ended(await submitted(script))).kind).toBe(kind);
});

test("a command that is not there reads as a job that never started", async () => {
  const definition = await register(executor, STUDY, { ...spec(""), command: ["no-such-program"] });
  const submission = await executor.submit(request(definition));
  if (submission.kind !== "accepted") throw new Error(submission.detail);
  expect(endingOf(await ended(submission.jobId)).kind).toBe("not-started");
});

/** What a study may ask of its jobs, as far as a SubmitJob and a RegisterJobDefinition say it. */
let counter = 0;

const asked = fc.record({
  gpus: fc.integer({ min: 0, max: 4 }),
  vcpus: fc.integer({ min: 1, max: 16 }),
  memoryMiB: fc.integer({ min: 64, max: 65_536 }),
  timeoutSeconds: fc.integer({ min: 60, max: 100_000 }),
  market: fc.constantFrom<Market>("spot", "on-demand"),
  environment: fc.dictionary(fc.stringMatching(/^[A-Z]{1,8}$/), fc.stringMatching(/^[a-z0-9 ]{0,12}$/)),
  labels: fc.dictionary(fc.stringMatching(/^[a-z][a-z/:=]{0,12}$/), fc.stringMatching(/^[a-z0-9@ -]{0,12}$/)),
  team: fc.stringMatching(/^[a-wyz][a-z0-9-]{2,20}$/),
});

test("environment, labels, size, market and the team's share of a study survive into its definition and into every job", async () => {
  await fc.assert(
    fc.asyncProperty(asked, async ({ team, labels, market, environment, ...size }) => {
      const study = `any-${(counter++).toString(36).padStart(6, "a")}`;
      const executor: BatchSpec = { ...spec("1"), ...size, market, environment };
      const definition = await connect(endpoint).register({ study, team, executor, labels });
      const tags = { ...labels, "hone:team": team, "hone:study": study };
      expect(local.definitions.describe({ jobDefinitions: [definition] }).jobDefinitions[0]).toMatchObject({
        propagateTags: true,
        // A queue that is shared fairly refuses jobs that have none.
        schedulingPriority: 1,
        tags,
        timeout: { attemptDurationSeconds: size.timeoutSeconds },
        containerProperties: {
          environment: Object.entries(environment).map(([name, value]) => ({ name, value })),
          resourceRequirements: [
            { type: "VCPU", value: String(size.vcpus) },
            { type: "MEMORY", value: String(size.memoryMiB) },
            ...(size.gpus > 0 ? [{ type: "GPU", value: String(size.gpus) }] : []),
          ],
        },
      });
      const sent: SubmitJobCommandInput[] = [];
      const original = local.submit.bind(local);
      local.submit = (input) => {
        sent.push(input as SubmitJobCommandInput);
        return original(input);
      };
      const attempt = { team, study, trial: 7, attempt: 2 };
      await connect(endpoint).submit({ ...request(definition), ...attempt, gpus: size.gpus, market, labels });
      local.submit = original;
      expect(sent[0]).toMatchObject({
        jobQueue: `hone-${market === "spot" ? "" : "on-demand-"}${size.gpus > 0 ? "gpu" : "cpu"}`,
        jobDefinition: definition,
        propagateTags: true,
        shareIdentifier: shareOf(team),
        schedulingPriorityOverride: 1,
        tags: { ...tags, "hone:trial": "7", "hone:attempt": "2" },
      });
    }),
    { numRuns: 60 },
  );
});

test("no label takes the place of the tags by which Hone knows its jobs and may end them", async () => {
  const labels = { "hone:team": "rivals", "hone:study": "another", "hone:trial": "0", "hone:attempt": "9" };
  const own = { team: "acme", study: STUDY, trial: 7, attempt: 2 };
  const definition = await executor.register({ study: STUDY, team: "acme", executor: spec("1"), labels });
  const { jobDefinitions } = local.definitions.describe({ jobDefinitions: [definition] });
  expect(jobDefinitions[0]?.tags).toMatchObject({ "hone:team": "acme", "hone:study": STUDY });
  const submission = await executor.submit({ ...request(definition), ...own, labels });
  expect(await executor.isJobOf(submission.kind === "accepted" ? submission.jobId : "", own)).toBe(true);
});

test("a market that the deployment does not have is refused, naming the field, and never submitted", async () => {
  const spotOnly = connect(endpoint, ["*"], "hone-gpu", false);
  const executor: BatchSpec = { ...spec("1"), market: "on-demand" };
  await expect(register(spotOnly, STUDY, executor)).rejects.toMatchObject({
    type: "invalid-input",
    pointer: "/executor/market",
  });
  expect(await spotOnly.submit(request("any", { market: "on-demand" }))).toMatchObject({ kind: "rejected" });
});
