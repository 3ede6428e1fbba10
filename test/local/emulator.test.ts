import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventPublisher } from "../../local/batch/events.ts";
import { clientSettings, type Emulator, startEmulator } from "../../local/emulator.ts";
import { root } from "../../local/process.ts";
import { BatchJobStateChange } from "../../shared/schemas/batch-event.ts";

let folder: string;
let emulator: Emulator | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hone-emulator-"));
});
afterEach(async () => {
  await emulator?.stop();
  emulator = undefined;
  rmSync(folder, { recursive: true, force: true });
});

test("the emulator answers AWS calls, keeps its files in its folder, and removes them at the end", async () => {
  process.env.HONE_TEST_SECRET = "canary";
  emulator = await startEmulator({ folder });
  delete process.env.HONE_TEST_SECRET;
  const client = new DynamoDBClient(clientSettings(emulator.endpoint));
  expect((await client.send(new ListTablesCommand())).TableNames).toEqual([]);
  client.destroy();
  expect(emulator.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(readdirSync(folder).sort()).toEqual(["emulator-tmp", "emulator.log"]);
  await emulator.stop();
  expect(readdirSync(folder)).toEqual(["emulator.log"]);
  await expect(fetch(emulator.endpoint)).rejects.toThrow();
});

test("when the emulator does not start, the error has the end of its log", async () => {
  await expect(startEmulator({ folder, environment: { GATEWAY_PORT: "not-a-port" } })).rejects.toThrow(
    /did not start\. The end of .*emulator\.log:\n.*not-a-port/s,
  );
});

test("the emulator ends with the process that started it, even by SIGKILL", async () => {
  const program = `
    import { startEmulator } from ${JSON.stringify(join(root, "local/emulator.ts"))};
    const { endpoint } = await startEmulator({ folder: ${JSON.stringify(folder)} });
    console.log(endpoint);
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], { cwd: root });
  const endpoint = await new Promise<string>((resolve) =>
    owner.stdout.once("data", (line) => resolve(String(line).trim())),
  );
  expect((await fetch(`${endpoint}/_ministack/ready`)).ok).toBe(true);
  owner.kill("SIGKILL");
  await expect.poll(() => existsSync(join(folder, "emulator-tmp")), { timeout: 15_000 }).toBe(false);
  await expect(fetch(endpoint)).rejects.toThrow();
});

test("with IAM enforced the endpoint is https, under the certificate it names", async () => {
  emulator = await startEmulator({ folder, enforceIam: true });
  const { endpoint, certificate } = emulator;
  expect(endpoint).toMatch(/^https:/);
  expect(readFileSync(certificate ?? "", "utf8")).toContain("BEGIN CERTIFICATE");
  const { status } = spawnSync("curl", [
    "-sf",
    "--cacert",
    certificate ?? "",
    `${endpoint}/_ministack/ready`,
  ]);
  expect(status).toBe(0);
});

test("state changes of jobs reach a rule of the event bus in AWS's shape, in order", async () => {
  emulator = await startEmulator({ folder });
  const sqs = new SQSClient(clientSettings(emulator.endpoint));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "changes" }));
  const events = new EventBridgeClient(clientSettings(emulator.endpoint));
  const EventPattern = JSON.stringify({
    source: ["aws.batch", "hone.batch"],
    "detail-type": ["Batch Job State Change"],
  });
  await events.send(new PutRuleCommand({ Name: "changes", EventPattern }));
  const Arn = "arn:aws:sqs:us-east-1:000000000000:changes";
  await events.send(new PutTargetsCommand({ Rule: "changes", Targets: [{ Id: "queue", Arn }] }));

  let copies = 1;
  const publish = eventPublisher(emulator.endpoint, () => copies);
  const change = (status: string) => ({
    jobArn: "arn:aws:batch:us-east-1:000000000000:job/1",
    jobId: "1",
    jobName: "hone-s-0-1",
    status,
  });
  for (const status of ["RUNNABLE", "RUNNING", "SUCCEEDED"]) publish(change(status));
  copies = 0;
  publish(change("FAILED"));

  const received: unknown[] = [];
  while (received.length < 3) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 1, MaxNumberOfMessages: 10 }),
    );
    received.push(...Messages.map(({ Body = "" }) => JSON.parse(Body)));
  }
  expect(received).toHaveLength(3);
  expect(received.map((event) => BatchJobStateChange.parse(event).detail.status)).toEqual([
    "RUNNABLE",
    "RUNNING",
    "SUCCEEDED",
  ]);
  expect(received[0]).toMatchObject({
    version: "0",
    source: "hone.batch",
    account: "000000000000",
    region: "us-east-1",
    resources: ["arn:aws:batch:us-east-1:000000000000:job/1"],
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  });
  sqs.destroy();
  events.destroy();
});
