import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  BatchClient,
  DeregisterJobDefinitionCommand,
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  type JobDetail,
  ListJobsCommand,
  RegisterJobDefinitionCommand,
  type RegisterJobDefinitionCommandInput,
  SubmitJobCommand,
  type SubmitJobCommandInput,
  TerminateJobCommand,
} from "@aws-sdk/client-batch";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Ending, LocalBatch } from "../../../local/batch/batch.ts";
import { type FaultPlan, Faults } from "../../../local/batch/faults.ts";
import type { ReadSecret } from "../../../local/batch/secrets.ts";
import { batchServer } from "../../../local/batch/server.ts";

let folder: string;
let batch: LocalBatch;
let server: Server;
let client: BatchClient;
let url: string;
let published: JobDetail[];
let readSecret: ReadSecret;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "hone-batch-"));
  published = [];
  readSecret = async (valueFrom) => `value of ${valueFrom}`;
  batch = new LocalBatch({
    queues: ["cpu", "gpu"],
    vcpus: 2,
    directory: folder,
    folder,
    environment: { PATH: process.env.PATH ?? "" },
    publish: (detail) => published.push(structuredClone(detail) as unknown as JobDetail),
    readSecret: (valueFrom) => readSecret(valueFrom),
    graceMs: 300,
  });
  server = batchServer(batch, new Faults()).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new BatchClient({
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
});

afterEach(() => {
  batch.stop();
  client.destroy();
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
});

const register = (change: Partial<RegisterJobDefinitionCommandInput> = {}) =>
  client.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: "trial",
      type: "container",
      containerProperties: {
        image: "example:1",
        command: ["true"],
        environment: [
          { name: "FROM", value: "definition" },
          { name: "KEPT", value: "yes" },
        ],
        resourceRequirements: [
          { type: "VCPU", value: "1" },
          { type: "MEMORY", value: "256" },
        ],
      },
      ...change,
    }),
  );

/** Submits a shell script. */
const submit = async (script: string, change: Partial<SubmitJobCommandInput> = {}): Promise<string> => {
  const { containerOverrides, ...rest } = change;
  const { jobId = "" } = await client.send(
    new SubmitJobCommand({
      jobName: "hone-s-0-1",
      jobQueue: "cpu",
      jobDefinition: "trial",
      containerOverrides: { command: ["sh", "-c", script], ...containerOverrides },
      ...rest,
    }),
  );
  return jobId;
};

const describe = async (jobId: string): Promise<JobDetail> => {
  const { jobs } = await client.send(new DescribeJobsCommand({ jobs: [jobId] }));
  return jobs?.[0] as JobDetail;
};

const reach = async (jobId: string, ...states: string[]): Promise<JobDetail> => {
  for (;;) {
    const job = await describe(jobId);
    if (states.includes(job.status ?? "")) return job;
    await sleep(20);
  }
};

const over = (jobId: string) => reach(jobId, "SUCCEEDED", "FAILED");

const control = async (path: string, body: unknown): Promise<Response> =>
  fetch(`${url}/local/${path}`, { method: "POST", body: JSON.stringify(body) });
const end = (jobId: string, how: Ending) => control("end", { jobId, how });
const faults = (plan: FaultPlan) => control("faults", plan);

const logOf = (job: JobDetail): string =>
  readFileSync(join(folder, "jobs", job.container?.logStreamName ?? ""), "utf8");

test("a job runs its command with the definition's variables, overridden by its own, and Batch's", async () => {
  await register();
  const jobId = await submit(
    'echo "$FROM $KEPT $AWS_BATCH_JOB_ID $AWS_BATCH_JOB_ATTEMPT $AWS_BATCH_JQ_NAME"',
    {
      containerOverrides: { environment: [{ name: "FROM", value: "job" }] },
    },
  );
  const job = await over(jobId);
  expect(job).toMatchObject({
    status: "SUCCEEDED",
    statusReason: "Essential container in task exited",
    container: { exitCode: 0, image: "example:1" },
    attempts: [{ container: { exitCode: 0 } }],
  });
  expect(logOf(job)).toContain("image example:1 is not used");
  expect(logOf(job)).toContain(`job yes ${jobId} 1 cpu`);
});

test("a job does not inherit the environment of the server", async () => {
  process.env.HONE_TEST_SECRET = "canary";
  await register();
  const job = await over(await submit("env"));
  delete process.env.HONE_TEST_SECRET;
  expect(logOf(job)).not.toContain("canary");
});

test("a failed job has its exit code; a command that does not exist has a reason", async () => {
  await register();
  expect(await over(await submit("exit 3"))).toMatchObject({ status: "FAILED", container: { exitCode: 3 } });
  const missing = await submit("", { containerOverrides: { command: ["no-such-program"] } });
  expect(await over(missing)).toMatchObject({
    status: "FAILED",
    container: { reason: expect.stringContaining("CannotStartContainerError") },
  });
});

test("state changes are published in order, none for the submission, in the format of DescribeJobs", async () => {
  await register({ tags: { team: "acme" } });
  const jobId = await submit("true", { tags: { study: "s" } });
  const job = await over(jobId);
  expect(published.map(({ status }) => status)).toEqual(["RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]);
  expect(published.at(-1)).toEqual(job);
  expect(published[0]).toEqual({
    jobArn: `arn:aws:batch:us-east-1:000000000000:job/${jobId}`,
    jobName: "hone-s-0-1",
    jobId,
    jobQueue: "arn:aws:batch:us-east-1:000000000000:job-queue/cpu",
    status: "RUNNABLE",
    attempts: [],
    createdAt: expect.any(Number),
    retryStrategy: { attempts: 1, evaluateOnExit: [] },
    dependsOn: [],
    jobDefinition: "arn:aws:batch:us-east-1:000000000000:job-definition/trial:1",
    parameters: {},
    container: {
      image: "example:1",
      command: ["sh", "-c", "true"],
      volumes: [],
      environment: [
        { name: "FROM", value: "definition" },
        { name: "KEPT", value: "yes" },
      ],
      mountPoints: [],
      ulimits: [],
      networkInterfaces: [],
      resourceRequirements: [
        { type: "VCPU", value: "1" },
        { type: "MEMORY", value: "256" },
      ],
      secrets: [],
    },
    tags: { resourceArn: `arn:aws:batch:us-east-1:000000000000:job/${jobId}`, team: "acme", study: "s" },
    propagateTags: false,
    platformCapabilities: [],
    eksAttempts: [],
  });
});

test("jobs beyond the vCPUs wait in RUNNABLE, and start in order as others end", async () => {
  await register();
  const first = await submit("sleep 60");
  const wide = await submit("sleep 60", {
    containerOverrides: { resourceRequirements: [{ type: "VCPU", value: "2" }] },
  });
  const third = await submit("sleep 60");
  await reach(first, "RUNNING");
  expect((await describe(wide)).status).toBe("RUNNABLE");
  expect((await describe(third)).status).toBe("RUNNABLE");
  await client.send(new TerminateJobCommand({ jobId: first, reason: "make room" }));
  await reach(wide, "RUNNING");
  expect((await describe(third)).status).toBe("RUNNABLE");
});

test("of two shares the one that uses less comes first, whoever submitted first and more", async () => {
  await register();
  const many: string[] = [];
  for (let i = 0; i < 5; i++) many.push(await submit("sleep 60", { shareIdentifier: "many" }));
  const few = await submit("sleep 60", { shareIdentifier: "few" });
  const [first = "", second = "", third = ""] = many;
  await reach(first, "RUNNING");
  await reach(second, "RUNNING");
  await client.send(new TerminateJobCommand({ jobId: first, reason: "make room" }));
  await reach(few, "RUNNING");
  expect((await describe(third)).status).toBe("RUNNABLE");
});

test("a job that asks for more vCPUs than there are gets all of them", async () => {
  await register();
  const jobId = await submit("true", {
    containerOverrides: { resourceRequirements: [{ type: "VCPU", value: "64" }] },
  });
  expect((await over(jobId)).status).toBe("SUCCEEDED");
});

test("a failed attempt is repeated according to the retry strategy, with the next attempt number", async () => {
  await register({ retryStrategy: { attempts: 3 } });
  const jobId = await submit('echo "attempt $AWS_BATCH_JOB_ATTEMPT"; [ "$AWS_BATCH_JOB_ATTEMPT" = 2 ]');
  const job = await over(jobId);
  expect(job).toMatchObject({
    status: "SUCCEEDED",
    attempts: [{ container: { exitCode: 1 } }, { container: { exitCode: 0 } }],
  });
  expect(logOf(job)).toContain("attempt 2");
  expect(published.map(({ status }) => status)).toEqual([
    "RUNNABLE",
    "STARTING",
    "RUNNING",
    "RUNNABLE",
    "STARTING",
    "RUNNING",
    "SUCCEEDED",
  ]);
});

test("a job whose host is reclaimed has no exit code, and is retried if the rules say so", async () => {
  await register({
    retryStrategy: {
      attempts: 2,
      evaluateOnExit: [
        { action: "RETRY", onStatusReason: "Host EC2*" },
        { action: "EXIT", onReason: "*" },
      ],
    },
  });
  const jobId = await submit('[ "$AWS_BATCH_JOB_ATTEMPT" = 2 ] || sleep 60');
  await reach(jobId, "RUNNING");
  await end(jobId, "host-terminated");
  const job = await over(jobId);
  expect(job.status).toBe("SUCCEEDED");
  expect(job.attempts?.[0]?.statusReason).toMatch(/^Host EC2 \(instance i-[0-9a-f]{17}\) terminated\.$/);
  expect(job.attempts?.[0]?.container?.exitCode).toBeUndefined();
});

test("a job that is out of memory ends with 137 and AWS's reason", async () => {
  await register();
  const jobId = await submit("sleep 60");
  await reach(jobId, "RUNNING");
  await end(jobId, "out-of-memory");
  expect(await over(jobId)).toMatchObject({
    status: "FAILED",
    container: { exitCode: 137, reason: "OutOfMemoryError: Container killed due to memory usage" },
  });
});

test("a job that exceeds its time-out gets SIGTERM, then SIGKILL, and is never retried", async () => {
  await register({ retryStrategy: { attempts: 3 } });
  const jobId = await submit("trap 'echo asked to go' TERM; while :; do sleep 0.05; done");
  await reach(jobId, "RUNNING");
  await sleep(200); // until the trap is set
  await end(jobId, "timeout");
  const job = await over(jobId);
  expect(job).toMatchObject({
    status: "FAILED",
    statusReason: "Job attempt duration exceeded timeout",
    container: { exitCode: 137 },
  });
  expect(job.attempts).toHaveLength(1);
  expect(logOf(job)).toContain("asked to go");
});

test("terminating a running job ends it with the reason given", async () => {
  await register({ retryStrategy: { attempts: 3 } });
  const jobId = await submit("sleep 60");
  await reach(jobId, "RUNNING");
  await client.send(new TerminateJobCommand({ jobId, reason: "hone: the study was deleted" }));
  expect(await over(jobId)).toMatchObject({
    status: "FAILED",
    statusReason: "hone: the study was deleted",
    isTerminated: true,
    container: { exitCode: 143 },
  });
});

test("terminating a waiting job cancels it; a job that has ended does not change", async () => {
  await register();
  const blocker = await submit("sleep 60", {
    containerOverrides: { resourceRequirements: [{ type: "VCPU", value: "2" }] },
  });
  await reach(blocker, "RUNNING");
  const waiting = await submit("echo ran");
  await reach(waiting, "RUNNABLE");
  await client.send(new TerminateJobCommand({ jobId: waiting, reason: "not needed" }));
  const job = await over(waiting);
  expect(job).toMatchObject({ status: "FAILED", statusReason: "not needed", attempts: [] });
  expect(job.startedAt).toBeUndefined();
  await client.send(new TerminateJobCommand({ jobId: waiting, reason: "again" }));
  expect((await describe(waiting)).statusReason).toBe("not needed");
});

/** Whether the process exists and is not a zombie. */
const runs = (pid: number): boolean => {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
};

test("when the main process of a job ends, its other processes and its temporary folder are removed", async () => {
  await register();
  const jobId = await submit('sleep 300 & echo "$! $TMPDIR" > handed; touch "$TMPDIR/file"');
  await over(jobId);
  const [pid, scratch = ""] = readFileSync(join(folder, "handed"), "utf8").trim().split(" ");
  await expect.poll(() => runs(Number(pid))).toBe(false);
  expect(existsSync(scratch)).toBe(false);
});

test("a process that a job started in a new session is killed with the job", async () => {
  await register();
  const child = "s.Popen(['sleep', '300'], start_new_session=True).pid";
  const program = `import subprocess as s, time; print(${child}, flush=True); time.sleep(300)`;
  const jobId = await submit(`python3 -c "${program}" > pid`);
  await reach(jobId, "RUNNING");
  await expect
    .poll(() => existsSync(join(folder, "pid")) && readFileSync(join(folder, "pid"), "utf8").length > 1)
    .toBe(true);
  const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
  expect(runs(pid)).toBe(true);
  await end(jobId, "host-terminated");
  await over(jobId);
  await expect.poll(() => runs(pid)).toBe(false);
});

test("jobs are found by name in any state, ignoring case, page by page", async () => {
  await register();
  for (let i = 0; i < 105; i++) await submit("true", { jobName: `Hone-S-${i}-1` });
  const running = await submit("sleep 60", { jobName: "other" });
  await reach(running, "RUNNING");
  const byName = (value: string, nextToken?: string) =>
    client.send(
      new ListJobsCommand({ jobQueue: "cpu", filters: [{ name: "JOB_NAME", values: [value] }], nextToken }),
    );
  const one = await byName("hone-s-10-1");
  expect(one.jobSummaryList?.map(({ jobName }) => jobName)).toEqual(["Hone-S-10-1"]);
  const page = await byName("hone-s-1*");
  expect(page.jobSummaryList).toHaveLength(16); // 1, 10 to 19, 100 to 104
  const first = await byName("HONE-*");
  const second = await byName("HONE-*", first.nextToken);
  expect([first.jobSummaryList?.length, second.jobSummaryList?.length, second.nextToken]).toEqual([
    100,
    5,
    undefined,
  ]);
  expect(first.jobSummaryList?.[0]?.jobName).toBe("Hone-S-104-1");
  const byDefault = await client.send(new ListJobsCommand({ jobQueue: "cpu" }));
  expect(byDefault.jobSummaryList?.map(({ jobId }) => jobId)).toEqual([running]);
  const failed = await client.send(new ListJobsCommand({ jobQueue: "cpu", jobStatus: "FAILED" }));
  expect(failed.jobSummaryList).toEqual([]);
  const elsewhere = await client.send(new ListJobsCommand({ jobQueue: "gpu" }));
  expect(elsewhere.jobSummaryList).toEqual([]);
});

test("definitions have revisions; a job uses the latest active one, or the one it names", async () => {
  const { jobDefinitionArn } = await register();
  const second = await register({ containerProperties: { image: "example:2", command: ["true"] } });
  expect(second.revision).toBe(2);
  const imageOf = async (jobDefinition: string) =>
    (await over(await submit("true", { jobDefinition }))).container?.image;
  expect(await imageOf("trial")).toBe("example:2");
  expect(await imageOf("trial:1")).toBe("example:1");
  await client.send(new DeregisterJobDefinitionCommand({ jobDefinition: second.jobDefinitionArn }));
  expect(await imageOf("trial")).toBe("example:1");
  const { jobDefinitions } = await client.send(
    new DescribeJobDefinitionsCommand({ jobDefinitionName: "trial", status: "ACTIVE" }),
  );
  expect(jobDefinitions?.map((each) => each.jobDefinitionArn)).toEqual([jobDefinitionArn]);
  expect(jobDefinitions?.[0]?.containerProperties?.environment).toHaveLength(2);
  await expect(submit("true", { jobDefinition: "trial:2" })).rejects.toMatchObject({
    name: "ClientException",
  });
});

test("requests that AWS refuses are refused", async () => {
  await register();
  const refused = { name: "ClientException", $metadata: { httpStatusCode: 400 } };
  await expect(submit("true", { jobQueue: "nowhere" })).rejects.toMatchObject(refused);
  await expect(submit("true", { jobDefinition: "unknown" })).rejects.toMatchObject(refused);
  await expect(submit("true", { jobName: "-starts-badly" })).rejects.toMatchObject(refused);
  await expect(submit("true", { timeout: { attemptDurationSeconds: 59 } })).rejects.toMatchObject(refused);
  await expect(submit("x".repeat(30 * 1024))).rejects.toMatchObject(refused);
  await expect(
    submit("true", { containerOverrides: { environment: [{ name: "AWS_BATCH_X", value: "1" }] } }),
  ).rejects.toMatchObject(refused);
  await expect(register({ retryStrategy: { attempts: 11 } })).rejects.toMatchObject(refused);
  await expect(
    register({ retryStrategy: { attempts: 2, evaluateOnExit: [{ action: "EXIT", onReason: "a*b" }] } }),
  ).rejects.toMatchObject(refused);
});

test("a requested fault refuses a call, breaks it off, or carries it out without a reply", async () => {
  await register();
  await faults({ calls: { submitjob: ["throttle", "error", "drop", "accept-then-drop"] } });
  await expect(submit("true", { jobName: "a" })).rejects.toMatchObject({
    $metadata: { httpStatusCode: 429 },
  });
  await expect(submit("true", { jobName: "b" })).rejects.toMatchObject({ name: "ServerException" });
  await expect(submit("true", { jobName: "c" })).rejects.toThrow();
  await expect(submit("true", { jobName: "d" })).rejects.toThrow();
  await over(await submit("true", { jobName: "e" }));
  const { jobSummaryList } = await client.send(
    new ListJobsCommand({ jobQueue: "cpu", filters: [{ name: "JOB_NAME", values: ["*"] }] }),
  );
  expect(jobSummaryList?.map(({ jobName }) => jobName)).toEqual(["e", "d"]);
});

const WANDB = "arn:aws:secretsmanager:us-east-1:000000000000:secret:hone/acme/wandb";
const withSecret = {
  image: "example:1",
  command: ["true"],
  executionRoleArn: "arn:aws:iam::000000000000:role/start",
  secrets: [{ name: "WANDB_API_KEY", valueFrom: WANDB }],
};

test("a job finds the value of a secret, of which Batch shows only the name", async () => {
  await register({ containerProperties: withSecret });
  const job = await over(
    await submit('test "$WANDB_API_KEY" = "value of $NAME"', {
      containerOverrides: { environment: [{ name: "NAME", value: WANDB }] },
    }),
  );
  expect(job).toMatchObject({ status: "SUCCEEDED", container: { secrets: withSecret.secrets } });
  expect(JSON.stringify([job, published])).not.toContain("value of arn");
});

test("a job whose secret cannot be read never starts, and says why", async () => {
  readSecret = () => Promise.reject(new Error("Fetching secret data: no such secret"));
  await register({ containerProperties: withSecret });
  const job = await over(await submit("true"));
  expect(job).toMatchObject({
    status: "FAILED",
    statusReason: "Task failed to start",
    container: { reason: "Fetching secret data: no such secret" },
    attempts: [{ statusReason: "Task failed to start" }],
  });
  expect(job).not.toHaveProperty("startedAt");
  expect(job.attempts?.[0]).not.toHaveProperty("startedAt");
});

test("a job that is terminated while its secrets are read does not start, and one that waits for its vCPUs does", async () => {
  let answer = (_value: string): void => {};
  readSecret = () =>
    new Promise((resolve) => {
      answer = resolve;
    });
  const all = [
    { type: "VCPU", value: "2" },
    { type: "MEMORY", value: "256" },
  ] as const;
  await register({ containerProperties: { ...withSecret, resourceRequirements: [...all] } });
  const first = await submit("touch started");
  await reach(first, "STARTING");
  const second = await submit("true");
  await sleep(100);
  expect(await describe(second)).toMatchObject({ status: "RUNNABLE" });
  await client.send(new TerminateJobCommand({ jobId: first, reason: "no longer wanted" }));
  readSecret = async () => "value";
  answer("value");
  expect(await over(second)).toMatchObject({ status: "SUCCEEDED" });
  expect(await describe(first)).toMatchObject({ status: "FAILED", statusReason: "no longer wanted" });
  expect(readdirSync(folder)).not.toContain("started");
});

test("secrets need a role that may read them", async () => {
  const { executionRoleArn, ...without } = withSecret;
  await expect(register({ containerProperties: without })).rejects.toThrow("executionRoleArn");
});

test("stopping kills all running jobs", async () => {
  await register();
  const jobId = await submit("echo $$ > pid; sleep 300");
  await reach(jobId, "RUNNING");
  await expect.poll(() => readdirSync(folder).includes("pid")).toBe(true);
  const pid = Number(readFileSync(join(folder, "pid"), "utf8"));
  batch.stop();
  await expect.poll(() => runs(pid)).toBe(false);
});
