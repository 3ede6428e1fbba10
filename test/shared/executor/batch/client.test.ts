import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchClient, RegisterJobDefinitionCommand, SubmitJobCommand } from "@aws-sdk/client-batch";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LocalBatch } from "../../../../local/batch/batch.ts";
import { Faults } from "../../../../local/batch/faults.ts";
import { batchServer } from "../../../../local/batch/server.ts";
import { batchExecutor } from "../../../../shared/executor/batch/client.ts";
import { endingOf } from "../../../../shared/executor/batch/ending.ts";
import { jobName, parseJobName } from "../../../../shared/executor/batch/job-name.ts";
import type { BatchSpec } from "../../../../shared/executor/batch/size.ts";
import type { BatchExecutor, JobRequest } from "../../../../shared/ports.ts";

/** The adapter against the local Batch endpoint, over HTTP: real requests, real processes. */
const STUDY = "svm-digits-7k2m";
let folder: string;
let local: LocalBatch;
let faults: Faults;
let executor: BatchExecutor;
let client: BatchClient;
let close: () => void;

const connect = (endpoint: string, images = ["*"]) => {
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
    gpuQueue: "hone-gpu",
    cpuQueue: "hone-cpu",
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
    queues: ["hone-gpu", "hone-cpu"],
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

const request = (definition: string, change: Partial<JobRequest> = {}): JobRequest => ({
  team: "acme",
  study: STUDY,
  trial: 7,
  attempt: 2,
  definition,
  gpus: 0,
  environment: { HONE_TRIAL: "7", HONE_TOKEN: "secret" },
  ...change,
});

const submitted = async (script: string, change: Partial<JobRequest> = {}): Promise<string> => {
  const definition = await executor.register(STUDY, "acme", spec(script));
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
  await executor.register(STUDY, "acme", {
    ...spec("1"),
    vcpus: 1.5,
    memoryMiB: 512,
    gpus: 1,
    environment: { DATA: "here" },
  });
  const { jobDefinitions } = local.definitions.describe({ jobDefinitionName: `hone-${STUDY}` });
  expect(jobDefinitions[0]).toMatchObject({
    containerProperties: {
      image: "trainer:1",
      jobRoleArn: "arn:aws:iam::000000000000:role/job",
      environment: [{ name: "DATA", value: "here" }],
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
  for (let i = 0; i < 120; i++) own.push(await executor.register("many-abc123", "acme", spec("1")));
  await executor.register("many-abc1234", "acme", spec("1"));
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
  await expect(strict.register(STUDY, "acme", spec("1"))).rejects.toMatchObject({
    type: "invalid-input",
    pointer: "/executor/image",
  });
});

test("without the stack's template a study cannot be registered, and may be later", async () => {
  local.definitions.deregister("hone-trial:1");
  await expect(executor.register(STUDY, "acme", spec("1"))).rejects.toMatchObject({ type: "unavailable" });
});

test("what Batch refuses for the study's own fault is told without Batch's words", async () => {
  const huge = { ...spec("1"), environment: { BIG: "x".repeat(30_000) } };
  await expect(executor.register(STUDY, "acme", huge)).rejects.toMatchObject({ type: "conflict" });
});

test("throttled is certain, a server error and a lost answer are not, and a wrong queue is final", async () => {
  const definition = await executor.register(STUDY, "acme", spec("1"));
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
  const definition = await executor.register(STUDY, "acme", spec("1"));
  const first = await submitted("1");
  await ended(first);
  await executor.submit(request(definition, { gpus: 1 }));
  await executor.submit(request(definition, { attempt: 21 }));
  const found = await executor.listByName(`hone-${STUDY}-7-2`);
  expect(found).toHaveLength(2);
  expect(found[0]?.jobId).toBe(first);
});

test("many jobs are described and listed page by page", async () => {
  const definition = await executor.register(STUDY, "acme", spec("1"));
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
  const definition = await executor.register(STUDY, "acme", spec("setTimeout(() => {}, 60000)"));
  await client.send(
    new SubmitJobCommand({ jobName: "nightly", jobQueue: "hone-cpu", jobDefinition: definition }),
  );
  expect((await executor.listAlive()).map((job) => job.jobId)).toEqual([jobId]);
  await executor.terminate(jobId, "hone: study stopped");
  const job = await ended(jobId);
  expect(endingOf(job)).toEqual({ kind: "interrupted", reason: "hone: study stopped" });
  expect(await executor.listAlive()).toEqual([]);
  await executor.terminate(jobId, "hone: again");
  await executor.terminate("no-such-job", "hone: never was");
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
  const definition = await executor.register(STUDY, "acme", { ...spec(""), command: ["no-such-program"] });
  const submission = await executor.submit(request(definition));
  if (submission.kind !== "accepted") throw new Error(submission.detail);
  expect(endingOf(await ended(submission.jobId)).kind).toBe("not-started");
});
