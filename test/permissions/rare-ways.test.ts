import { randomBytes, randomUUID } from "node:crypto";
import {
  BatchClient,
  DeregisterJobDefinitionCommand,
  DescribeJobDefinitionsCommand,
  DescribeJobsCommand,
  RegisterJobDefinitionCommand,
  SubmitJobCommand,
} from "@aws-sdk/client-batch";
import { DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import { ListExecutionsCommand, SFNClient } from "@aws-sdk/client-sfn";
import { SQSClient } from "@aws-sdk/client-sqs";
import { SignatureV4 } from "@smithy/signature-v4";
import { afterEach, expect, test } from "vitest";
import { checkpointBucket } from "../../shared/executor/checkpoint-bucket.ts";
import { TEAM_ITSELF } from "../../shared/patterns.ts";
import type { Study } from "../../shared/schemas/study.ts";
import type { Sweep } from "../../shared/schemas/sweep.ts";
import type { AskReply, CheckpointUrls } from "../../shared/schemas/trial.ts";
import { createTeam } from "../../shared/service/access/teams.ts";
import { createToken } from "../../shared/service/access/tokens.ts";
import { FOLD_AT } from "../../shared/service/core/fold.ts";
import { BRACKETS_PER_EXECUTION } from "../../shared/service/rounds/plan.ts";
import { WAVES_PER_EXECUTION } from "../../shared/service/rounds/waves.ts";
import { compileSpace } from "../../shared/space/compile.ts";
import { listDeletions, newDeletion } from "../../shared/store/deletion.ts";
import { changeHead, overwriteHead, readHead } from "../../shared/store/head.ts";
import { deletionKey, headKey, teamDeletionKey } from "../../shared/store/keys.ts";
import { noteRegistration } from "../../shared/store/registration.ts";
import { Store } from "../../shared/store/store.ts";
import { findSweep, noteSweep } from "../../shared/store/sweep.ts";
import { newTrial, type TrialItem } from "../../shared/store/trial.ts";
import { auditExportsOf } from "../../shared/study/exports.ts";
import { deployed, invokeLambda, rootAccess, scheduleOf } from "../support/deployed.ts";
import { until } from "../support/http.ts";
import { byMachine } from "../support/machine-kinds.ts";
import { studyBody } from "../support/service.ts";

/**
 * Rare cases: crashes, lost events, refused jobs. Each test uses a permission of a Lambda that no other test uses, so that
 * `recorded.test.ts` sees it in use, and shows that the study recovers. A crash is simulated by writing the items that it
 * would have left in the table.
 */

const { stack, call, read, trial, batchStudy, start, finished, running, local } = deployed();

const access = rootAccess();
const batch = new BatchClient({ ...access, endpoint: stack.batch });
const dynamo = new DynamoDBClient(access);
const machines = new SFNClient(access);
const store = new Store({
  client: dynamo,
  table: stack.outputs.table ?? "",
  jitter: Math.random,
  token: randomUUID,
});

const { config } = new SQSClient(access);
const bucket = checkpointBucket({
  url: `${access.endpoint}/${stack.outputs.bucket}`,
  signer: new SignatureV4({ ...config, service: "s3", uriEscapePath: false }),
  send: (request) => config.requestHandler.handle(request),
  userAgent: "hone-test",
});

const headOf = async (study: string) => readHead(study, (await store.get(headKey(study))) ?? {});

/** Runs the reconciler now, instead of within a minute. */
const reconcile = () => invokeLambda("reconciler", {});

const UNIT = { type: "float", low: 0, high: 1 } as const;

/** A program that ends immediately, except for one trial, which must be ended from outside. */
const slowOn = (number: number) => `
import json, os, time
if os.environ["HONE_TRIAL"] == "${number}": time.sleep(300)
print(json.dumps({"loss": 1.0}))
`;
const SLOW = slowOn(0);
const QUICK = 'print("{\\"loss\\": 1}")';
const machineKinds = Object.entries(byMachine);
const SHA = { name: "sha", resource: { name: "epoch", min: 1, max: 3 }, eta: 3 };

afterEach(() => local("faults", { events: "deliver" }));

test("a heartbeat extends the lease of a trial that a client runs", async () => {
  const { study } = (await call<Study>("POST", "/studies", studyBody())).body;
  const asked = (await call<AskReply>("POST", `/studies/${study}/ask`, {})).body;
  const beat = await call<{ leaseExpires: string }>("POST", `/studies/${study}/trials/0/heartbeat`, {
    attempt: 1,
  });
  expect(beat.status).toBe(200);
  expect(Date.parse(beat.body.leaseExpires)).toBeGreaterThan(Date.parse(asked.trials[0]?.leaseExpires ?? ""));
});

test("what was uploaded and never committed is removed by the reconciler once its trial has ended", async () => {
  const { study } = (await call<Study>("POST", "/studies", studyBody())).body;
  await call("POST", `/studies/${study}/ask`, {});
  const path = `/studies/${study}/trials/0`;
  const { upload } = (await call<CheckpointUrls>("POST", `${path}/checkpoint`, { attempt: 1 })).body;
  await fetch(upload.url, { method: "PUT", body: "weights" });
  const key = new URL(upload.url).pathname.replace(`/${stack.outputs.bucket}/`, "");
  expect(await bucket.exists(key)).toBe(true);
  await reconcile();
  expect(await bucket.exists(key)).toBe(true);
  await call("POST", `${path}/tell`, { attempt: 1, values: { accuracy: 1 } });
  await reconcile();
  expect(await bucket.exists(key)).toBe(false);
});

test("a study with GPUs and a limit of GPU hours runs on the GPU queue", async () => {
  const study = await batchStudy(QUICK, {
    budget: { trials: 1, parallel: 1, gpuHours: 1 },
    executor: { gpus: 1 },
  });
  await start(study);
  expect((await finished(study)).trials).toMatchObject({ completed: 1 });
});

test("when a job dies, the next trial starts, and a long tail of finished trials is folded", async () => {
  const before = FOLD_AT - 1;
  const study = await batchStudy(slowOn(before), { budget: { trials: before + 2, parallel: 1 } });
  await finishedBefore(study, before);
  await start(study);
  await local("end", { jobId: await running(study, before), how: "out-of-memory" });
  expect((await finished(study)).trials).toMatchObject({ completed: before + 1, failed: 1 });
  expect((await headOf(study)).segments).toBe(1);
});

/** Makes a study as if `count` trials had run: its next trial has the number `count`. */
const finishedBefore = async (study: string, count: number) => {
  const space = compileSpace({ x: { type: "float", low: -5, high: 5 } });
  const one: Omit<TrialItem, "number"> = {
    study,
    state: "completed",
    attempt: 1,
    lost: 0,
    seconds: 0,
    params: { x: 1 },
    values: { loss: 1 },
    resource: null,
    bracket: null,
    rung: null,
    run: null,
    worker: null,
    algorithm: "random",
    why: "uniform",
    reason: null,
    created: Date.now(),
    leaseExpires: null,
    finished: Date.now(),
    checkpoint: null,
    curve: [],
    decision: null,
    attempts: [],
    job: null,
  };
  const numbers = Array.from({ length: count }, (_, number) => number);
  while (numbers.length > 0) {
    await store.transact(
      numbers
        .splice(0, 100)
        .map((number) => newTrial(space, { ...one, number, params: { x: number / count } })),
    );
  }
  await store.update(changeHead(await headOf(study), { next: count }));
};

test("in rounds, a job that dies completes its task token, by its event or by the reconciler", async () => {
  const study = await batchStudy(SLOW, { budget: { trials: 2, parallel: 2 }, scheduler: SHA });
  const other = await batchStudy(SLOW, { budget: { trials: 2, parallel: 2 }, scheduler: SHA });
  await start(study);
  await start(other);
  await local("end", { jobId: await running(study, 0), how: "out-of-memory" });
  expect((await finished(study)).trials).toMatchObject({ failed: 1, completed: 1 });

  const job = await running(other, 0);
  await local("faults", { events: "lose" });
  await local("end", { jobId: job, how: "out-of-memory" });
  await ended(job);
  await reconcile();
  await local("faults", { events: "deliver" });
  expect((await finished(other)).trials).toMatchObject({ failed: 1, completed: 1 });
});

test("when the event of a job's end is lost, the reconciler settles the trial and sends the next one", async () => {
  const study = await batchStudy(SLOW, { budget: { trials: 2, parallel: 1 } });
  await start(study);
  const job = await running(study, 0);
  await local("faults", { events: "lose" });
  await local("end", { jobId: job, how: "out-of-memory" });
  await ended(job);
  await reconcile();
  expect((await finished(study)).trials).toMatchObject({ failed: 1, completed: 1 });
});

test("when Batch refuses a job, its trial fails, the study is paused and the machine continues", async () => {
  const study = await batchStudy(SLOW, { budget: { trials: 1, parallel: 1 }, scheduler: SHA });
  await start(study);
  await running(study, 0);
  await call("POST", `/studies/${study}/stop`, {});
  const { jobDefinitions = [] } = await batch.send(
    new DescribeJobDefinitionsCommand({ jobDefinitionName: `hone-${study}`, status: "ACTIVE" }),
  );
  for (const { jobDefinitionArn } of jobDefinitions) {
    await batch.send(new DeregisterJobDefinitionCommand({ jobDefinition: jobDefinitionArn }));
  }
  await start(study);
  const failed = await until(
    () => trial(study, 0),
    ({ state }) => state === "failed",
    60,
  );
  expect(failed.reason).toMatch(/^infra: /);
  expect((await read(study)).message).toContain("Trial 0: infra: ");
});

test("a job whose submission was never answered claims its attempt: the api looks it up", async () => {
  const study = await batchStudy(QUICK, { budget: { trials: 1, parallel: 1 } });
  // Nor is its start: the event would say whose it is before it claims.
  await local("faults", { calls: { submitjob: ["accept-then-drop"] }, events: "lose" });
  await start(study);
  await until(
    () => trial(study, 0),
    ({ state, leaseExpires }) => state === "completed" || leaseExpires !== null,
    60,
  );
  await local("faults", { events: "deliver" });
  await reconcile();
  expect((await finished(study)).trials).toMatchObject({ completed: 1 });
});

test("a job definition that a start registered before it died is deregistered", async () => {
  const study = await batchStudy(QUICK, { budget: { trials: 1, parallel: 1 } });
  const { jobDefinitions: [template] = [] } = await batch.send(
    new DescribeJobDefinitionsCommand({ jobDefinitionName: "hone-trial", status: "ACTIVE" }),
  );
  await batch.send(
    new RegisterJobDefinitionCommand({
      jobDefinitionName: `hone-${study}`,
      type: "container",
      containerProperties: template?.containerProperties,
    }),
  );
  await store.update(noteRegistration({ study, at: 0 }));
  await reconcile();
  expect(await definitionsOf(study)).toEqual([]);
});

test("of a deleted team nothing is left: no item, no object, no schedule, no job, no definition, no execution", async () => {
  const team = `leaving-${randomUUID().slice(0, 6)}`;
  const deps = { store, clock: Date.now, randomBytes };
  await createTeam(deps, team);
  const { token } = await createToken(deps, team, { name: "o", role: "owner" }, "test", { receipt: null });
  const theirs = deployed({ team, token });
  const study = await theirs.batchStudy(SLOW, { budget: { trials: 2, parallel: 1 } });
  await theirs.start(study);
  const jobId = await theirs.running(study, 0);
  const inRounds = await theirs.batchStudy(SLOW, { budget: { trials: 2, parallel: 1 }, ...byMachine.rounds });
  await theirs.start(inRounds);
  expect(await executionsOf(inRounds)).not.toEqual([]);
  const template = studyBody({ name: "never-fired" });
  const schedule = { rate: { days: 1 } };
  const sweep = (await theirs.call<Sweep>("POST", "/sweeps", { name: "nightly", schedule, template })).body;
  expect(await scheduleOf(sweep.sweep)).toMatchObject({ ScheduleExpression: "rate(1 day)" });
  const month = new Date().toISOString().slice(0, 7);
  expect((await theirs.call("POST", "/audit/export", { month })).status).toBe(200);
  expect(await bucket.list(auditExportsOf(team), "")).toHaveLength(1);

  expect((await theirs.call("DELETE", TEAM_ITSELF, { confirm: team })).status).toBe(204);
  await age(team, sweep.sweep);
  const remains = async () => {
    await reconcile();
    await invokeLambda("sweep", { version: 1, attend: "all" });
    return itemsNaming(team);
  };
  await until(remains, (items) => items.length === 0, 60);
  expect(await scheduleOf(sweep.sweep)).toBeNull();
  expect(await bucket.list(auditExportsOf(team), "")).toEqual([]);
  const { jobs = [] } = await batch.send(new DescribeJobsCommand({ jobs: [jobId] }));
  expect(jobs[0]?.status).toBe("FAILED");
  for (const id of [study, inRounds]) expect(await definitionsOf(id)).toEqual([]);
  expect(await executionsOf(inRounds)).toEqual([]);
  expect((await theirs.call("GET", "/studies")).status).toBe(401);
});

/** Makes the deletions of a team, its studies and its sweep older: as if a minute had passed. */
const age = async (team: string, sweep: string): Promise<void> => {
  const item = await findSweep(store, sweep);
  if (item === null) throw new Error("The sweep went at once.");
  const studies = (await listDeletions(store)).filter((deletion) => deletion.team === team);
  await store.transact([
    ...studies.map((deletion) => newDeletion({ ...deletion, at: 0 })),
    noteSweep(item, 0),
    { name: "team-deletion", key: teamDeletionKey(team), put: { at: 0 } },
  ]);
};

/** The job definitions that a study has. */
const definitionsOf = async (study: string): Promise<readonly object[]> => {
  const sought = { jobDefinitionName: `hone-${study}`, status: "ACTIVE" };
  return (await batch.send(new DescribeJobDefinitionsCommand(sought))).jobDefinitions ?? [];
};

/** The names of a study's executions of rounds that run. */
const executionsOf = async (study: string): Promise<string[]> => {
  const sought = { stateMachineArn: stack.outputs.brackets, statusFilter: "RUNNING" } as const;
  const { executions = [] } = await machines.send(new ListExecutionsCommand(sought));
  return executions.flatMap(({ name = "" }) => (name.startsWith(study) ? [name] : []));
};

/** Keys of all items of the table that name a team. */
const itemsNaming = async (team: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { Items = [] } of paginateScan({ client: dynamo }, { TableName: stack.outputs.table })) {
    for (const item of Items) {
      if (JSON.stringify(item).includes(team)) found.push(`${item.pk?.S} ${item.sk?.S}`);
    }
  }
  return found;
};

test("a job that belongs to no trial is ended", async () => {
  const { jobId = "" } = await batch.send(
    new SubmitJobCommand({
      jobName: "hone-gone-abc123-0-1",
      jobQueue: "hone-spot-cpu",
      shareIdentifier: "acme",
      jobDefinition: "hone-trial",
      containerOverrides: { command: ["sleep", "300"] },
      // No role of Hone may end one without.
      tags: { "hone:team": "acme", "hone:study": "gone-abc123" },
    }),
  );
  await reconcile();
  const { jobs = [] } = await batch.send(new DescribeJobsCommand({ jobs: [jobId] }));
  expect(jobs[0]?.statusReason).toContain("nobody waits for this job");
});

test.each(machineKinds)(
  "%s whose start was lost are started, and those of an earlier start are ended",
  async (_, kind) => {
    const study = await batchStudy(QUICK, { budget: { trials: 2, parallel: 1 }, ...kind });
    await start(study);
    const head = await headOf(study);
    await store.update(changeHead(head, { generation: head.generation + 1 }));
    await reconcile();
    expect((await finished(study)).trials).toMatchObject({ running: 0, queued: 0, failed: 0 });
  },
);

test("after many brackets another execution goes on with a study in rounds", async () => {
  const study = await batchStudy(QUICK, { budget: { trials: 2, parallel: 1 }, scheduler: SHA });
  await start(study);
  const at = { study, generation: 1, bracket: 0, begun: BRACKETS_PER_EXECUTION };
  await invokeLambda("rounds", { action: "plan", ...at });
  expect((await headOf(study)).generation).toBe(2);
  expect((await finished(study)).trials).toMatchObject({ completed: 1, pruned: 1 });
});

test("after many generations another execution goes on", async () => {
  const study = await batchStudy(QUICK, { budget: { trials: 2, parallel: 2 }, ...byMachine.generations });
  await start(study);
  const { definition } = await headOf(study);
  await finished(study);
  // Its execution has ended and its jobs are settled once the reconciler closes it; then it is as after another start.
  const closed = async () => {
    await reconcile();
    return headOf(study);
  };
  await until(closed, ({ started }) => !started, 60);
  await store.update(overwriteHead(study, { started: true, trials: 4, definition }));
  const { generation } = await headOf(study);
  await invokeLambda("rounds", { action: "wave", study, generation, begun: WAVES_PER_EXECUTION });
  expect((await headOf(study)).generation).toBe(generation + 1);
});

test("when the next brackets of a study in rounds are planned, a long tail of finished trials is folded", async () => {
  const scheduler = { ...SHA, name: "hyperband", type: "synchronous" };
  const study = await batchStudy(QUICK, { budget: { trials: FOLD_AT + 1, parallel: 1 }, scheduler });
  await finishedBefore(study, FOLD_AT);
  await start(study);
  expect((await finished(study)).trials.completed).toBeGreaterThan(FOLD_AT);
  expect((await headOf(study)).segments).toBe(1);
});

test("an ask that finds a long tail of finished trials folds it", async () => {
  const { study } = (await call<Study>("POST", "/studies", studyBody({ space: { x: UNIT } }))).body;
  await finishedBefore(study, FOLD_AT);
  expect((await call("POST", `/studies/${study}/ask`, {})).status).toBe(200);
  expect((await headOf(study)).segments).toBe(1);
});

test.each(machineKinds)(
  "a running study is deleted with its jobs, its %s and its job definition",
  async (_, kind) => {
    const study = await batchStudy(SLOW, { budget: { trials: 2, parallel: 1 }, ...kind });
    await start(study);
    const job = await running(study, 0);
    expect((await call("DELETE", `/studies/${study}`)).status).toBe(204);
    // As if a minute had passed.
    await store.transact([{ name: "deletion", key: deletionKey(study), put: { team: stack.team } }]);
    await reconcile();
    await expectGone(study, job);
  },
);

test.each(machineKinds)("an interrupted deletion of %s is completed by the reconciler", async (_, kind) => {
  const study = await batchStudy(SLOW, { budget: { trials: 2, parallel: 1 }, ...kind });
  await start(study);
  const job = await running(study, 0);
  const head = await headOf(study);
  await store.transact([
    changeHead(head, { state: "deleting", started: false }),
    { name: "deletion", key: deletionKey(study), put: { team: stack.team } },
  ]);
  await reconcile();
  await expectGone(study, job);
});

const ended = (job: string) =>
  until(
    async () => (await batch.send(new DescribeJobsCommand({ jobs: [job] }))).jobs?.[0]?.status,
    (status) => status === "FAILED",
    30,
  );

const expectGone = async (study: string, job: string) => {
  expect((await call("GET", `/studies/${study}`)).status).toBe(404);
  expect(await store.get(headKey(study))).toBeNull();
  const { jobs = [] } = await batch.send(new DescribeJobsCommand({ jobs: [job] }));
  expect(jobs[0]?.statusReason).toContain("study deleted");
  expect(await definitionsOf(study)).toEqual([]);
};
