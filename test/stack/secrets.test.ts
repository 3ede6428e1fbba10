import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BatchClient, DescribeJobDefinitionsCommand, DescribeJobsCommand } from "@aws-sdk/client-batch";
import { DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SignatureV4 } from "@smithy/signature-v4";
import { beforeAll, expect, test } from "vitest";
import { awsCaller } from "../../local/aws-call.ts";
import { checkpointBucket } from "../../shared/executor/checkpoint-bucket.ts";
import { deployed, rootAccess } from "../support/deployed.ts";
import { client, until } from "../support/http.ts";

/** Secrets by reference on the deployed stack: the emulator keeps them, and the local Batch gives them to the jobs. */

const { stack, call, batchStudy, start, read, trial, trialsOf, finished } = deployed();

/** Nobody else knows these, so wherever one is found it came from a job's environment. */
const password = `canary-${randomBytes(12).toString("hex")}`;
const apiKey = `canary-${randomBytes(12).toString("hex")}`;
const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** Tells 0 when the job has the secrets whose digests it is given. */
const PROGRAM = `
import hashlib, json, os, sys
named = ("DB_PASSWORD", "WANDB_API_KEY")
found = [hashlib.sha256(os.environ[name].encode()).hexdigest() for name in named]
print(json.dumps({"loss": float(found != sys.argv[1:])}))
`;

const team = `hone/${stack.team}`;
const secrets = {
  DB_PASSWORD: { secretsManager: `${team}/database`, key: "password" },
  WANDB_API_KEY: { parameter: `/${team}/wandb` },
};

beforeAll(async () => {
  const aws = awsCaller(stack.endpoint);
  await aws("secretsmanager", "CreateSecret", {
    Name: `${team}/database`,
    ClientRequestToken: randomBytes(16).toString("hex"),
    SecretString: JSON.stringify({ user: "hone", password }),
  });
  await aws("ssm", "PutParameter", { Name: `/${team}/wandb`, Value: apiKey, Type: "SecureString" });
});

/** Everything that Hone, the emulator and the local Batch have written, the canaries' own stores excepted. */
const written = async (): Promise<[place: string, text: string][]> => {
  const found: [string, string][] = readdirSync(stack.logs, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && /\.(log|jsonl)$/.test(file.name))
    .map((file) => [file.name, readFileSync(join(file.parentPath, file.name), "utf8")]);
  const table = { TableName: stack.outputs.table ?? "" };
  for await (const { Items } of paginateScan({ client: new DynamoDBClient(rootAccess()) }, table)) {
    found.push(["the table", JSON.stringify(Items)]);
  }
  const { config } = new SQSClient(rootAccess());
  const bucket = checkpointBucket({
    url: `${stack.endpoint}/${stack.outputs.bucket}`,
    signer: new SignatureV4({ ...config, service: "s3", uriEscapePath: false }),
    send: (request) => config.requestHandler.handle(request),
    userAgent: "test",
  });
  for (const key of await bucket.list("", "")) {
    found.push([key, await (await fetch(await bucket.downloadUrl(key, 60))).text()]);
  }
  return found;
};

/** What Batch shows of a study's jobs and of their definition. */
const shownByBatch = async (study: string): Promise<string> => {
  const batch = new BatchClient({ ...rootAccess(), endpoint: stack.batch });
  const details = await Promise.all((await trialsOf(study)).map(({ number }) => trial(study, number)));
  const jobs = details.flatMap(({ jobId }) => jobId ?? []);
  const [one, other] = await Promise.all([
    batch.send(new DescribeJobsCommand({ jobs })),
    batch.send(new DescribeJobDefinitionsCommand({ jobDefinitionName: `hone-${study}` })),
  ]);
  expect([one.jobs?.length, other.jobDefinitions?.length]).toEqual([jobs.length, 1]);
  return JSON.stringify([one.jobs, other.jobDefinitions]);
};

test("a job has its secrets, and no log, reply, event, item, object or description has their values", async () => {
  const study = await batchStudy(
    PROGRAM,
    { name: "with-secrets", budget: { trials: 2, parallel: 2 }, executor: { secrets } },
    [digest(password), digest(apiKey)],
  );
  await start(study);
  const done = await finished(study);
  expect(done).toMatchObject({ trials: { completed: 2 }, message: null, executor: { secrets } });
  expect(done.best).toMatchObject([{ values: { loss: 0 } }]);

  const batch = await shownByBatch(study);
  expect(batch).toContain(`:secret:${team}/database:password::`);
  const paths = ["", "/trials", "/trials/0", "/best", "/export", "/export?format=csv"];
  const token = (await call<{ token: string }>("POST", "/tokens", { name: "looks", role: "viewer" })).body;
  const viewer = client({ ...stack, ...token });
  const shown = await Promise.all(paths.map((path) => call("GET", `/studies/${study}${path}`)));
  const looked = await Promise.all(paths.map((path) => viewer("GET", `/studies/${study}${path}`)));
  const audit = await call("GET", `/audit?study=${study}`);
  const everything: [string, string][] = [
    ["Batch", batch],
    ["replies", JSON.stringify([shown, looked, audit])],
    ...(await written()),
  ];
  expect(everything.length).toBeGreaterThan(6);
  for (const canary of [password, apiKey]) {
    expect(everything.filter(([, text]) => text.includes(canary)).map(([place]) => place)).toEqual([]);
  }
  expect(JSON.stringify(looked)).not.toContain(`${team}/database`);
}, 180_000);

test("a job whose secret does not exist fails with a reason in words of Hone's own, and the study waits", async () => {
  const missing = { ABSENT: { secretsManager: `${team}/data` } };
  const study = await batchStudy(PROGRAM, {
    name: "without-secrets",
    budget: { trials: 3, parallel: 1 },
    executor: { secrets: missing },
  });
  await start(study);
  const { message } = await until(
    () => read(study),
    ({ state }) => state === "paused",
    90,
  );
  expect(message).toContain("A secret of executor.secrets could not be read.");
  const { reason } = await trial(study, 0);
  expect(reason).toMatch(/^infra: A secret of executor\.secrets could not be read/);
  expect(JSON.stringify([reason, message])).not.toMatch(/arn:|ResourceNotFound/);
}, 120_000);
