import { expect, inject, test } from "vitest";
import type { Study } from "../../shared/schemas/study.ts";
import type { TrialDetail, TrialPage } from "../../shared/schemas/trial.ts";
import { client, until } from "../support/http.ts";

/** Studies that Hone runs itself: queue, dispatcher, local Batch, runner, events, all real. */

const stack = inject("stack");
const call = client(stack);

const python = (program: string) => [...stack.runner, "exec", "--", "python3", "-u", "-c", program];

const batchStudy = async (program: string, change: Record<string, unknown> = {}) => {
  const { body, status } = await call<Study>("POST", "/studies", {
    name: "batch-study",
    space: { x: { type: "float", low: -5, high: 5 } },
    objectives: [{ metric: "loss", direction: "minimize" }],
    algorithm: { name: "random", seed: 3 },
    budget: { trials: 6, parallel: 3 },
    lease: { seconds: 30, maxAttempts: 3 },
    executor: {
      type: "batch",
      image: "python:3.13-slim",
      command: python(program),
      vcpus: 0.25,
      memoryMiB: 256,
      timeoutSeconds: 60,
    },
    ...change,
  });
  expect(status, JSON.stringify(body)).toBe(201);
  return body.study;
};

const start = async (study: string) => {
  const reply = await call<Study>("POST", `/studies/${study}/start`);
  expect(reply, JSON.stringify(reply.body)).toMatchObject({ status: 200, body: { started: true } });
};

const read = async (study: string) => (await call<Study>("GET", `/studies/${study}`)).body;
const trialsOf = async (study: string) =>
  (await call<TrialPage>("GET", `/studies/${study}/trials`)).body.trials;
const finished = (study: string, seconds = 90) =>
  until(
    () => read(study),
    ({ state }) => state === "finished",
    seconds,
  );

const PARABOLA = `
import json, os
x = json.loads(os.environ["HONE_PARAMS"])["x"]
for step in (1, 2):
    print(json.dumps({"step": step, "loss": x * x + 1 / step}))
print(json.dumps({"loss": x * x}))
`;

test("a batch study runs itself to the end, never more at once than it may", async () => {
  const study = await batchStudy(PARABOLA);
  await start(study);
  let most = 0;
  const done = await until(
    async () => {
      const now = await read(study);
      most = Math.max(most, now.trials.running);
      return now;
    },
    ({ state }) => state === "finished",
    90,
  );
  expect(done.trials).toMatchObject({ completed: 6, failed: 0, running: 0, queued: 0 });
  expect(most).toBeLessThanOrEqual(3);
  const [best] = done.best;
  const x = Number(best?.params.x);
  expect(best?.values.loss).toBe(x * x);
  const detail = (await call<TrialDetail>("GET", `/studies/${study}/trials/0`)).body;
  expect(detail.reports.map((report) => report.step)).toEqual([1, 2]);
  expect(detail.jobId).toBeTruthy();
});

test("a program that fails, says nothing, or is killed ends its trial with a reason", async () => {
  const program = `
import json, os, signal, sys
n = int(os.environ["HONE_TRIAL"])
if n == 0: sys.exit(3)
if n == 1: sys.exit(0)
if n == 2: os.kill(os.getpid(), signal.SIGKILL)
print(json.dumps({"loss": float("nan")}) if n == 3 else json.dumps({"loss": 1.0}))
`;
  const study = await batchStudy(program, { budget: { trials: 5, parallel: 5 } });
  await start(study);
  const done = await finished(study);
  expect(done.trials).toMatchObject({ completed: 1, failed: 4 });
  const reasons = (await trialsOf(study)).map((trial) => trial.reason);
  expect(reasons[0]).toMatch(/exit.*3/i);
  expect(reasons[1]).toMatch(/no.result/i);
  expect(reasons[2]).toMatch(/kill|137|SIGKILL|memory/i);
  expect(reasons[3]).toMatch(/nan/);
  expect(reasons[4]).toBeNull();
});

test("a job whose host is reclaimed is run again: the same configuration, the next attempt", async () => {
  const program = `
import json, os, time
if os.environ["HONE_ATTEMPT"] == "1": time.sleep(60)
print(json.dumps({"loss": 1.0}))
`;
  const study = await batchStudy(program, { budget: { trials: 1, parallel: 1 } });
  await start(study);
  const running = await until(
    async () => (await call<TrialDetail>("GET", `/studies/${study}/trials/0`)).body,
    (trial) => trial.state === "running" && trial.jobId !== null && trial.leaseExpires !== null,
    60,
  );
  const reclaimed = await fetch(`${stack.batch}/local/interrupt`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jobId: running.jobId }),
  });
  expect(reclaimed.ok).toBe(true);
  const done = await finished(study);
  expect(done.trials).toMatchObject({ completed: 1, failed: 0 });
  const trial = (await call<TrialDetail>("GET", `/studies/${study}/trials/0`)).body;
  expect(trial).toMatchObject({
    attempt: 2,
    params: running.params,
    attempts: [{ attempt: 1, end: "interrupted" }],
  });
});

test("stop ends running jobs and puts their trials back; start goes on", async () => {
  const slow = `
import json, os, time
time.sleep(2 if os.environ["HONE_ATTEMPT"] != "1" else 45)
print(json.dumps({"loss": 1.0}))
`;
  const study = await batchStudy(slow, { budget: { trials: 2, parallel: 2 } });
  await start(study);
  await until(
    () => read(study),
    ({ trials }) => trials.running === 2,
    60,
  );
  expect((await call<Study>("POST", `/studies/${study}/stop`, {})).body).toMatchObject({ started: false });
  await until(
    () => read(study),
    ({ trials }) => trials.running === 0 && trials.queued === 2,
    60,
  );
  await start(study);
  expect((await finished(study)).trials).toMatchObject({ completed: 2 });
});

test("successive halving runs in Step Functions: every rung keeps the best third", async () => {
  const program = `
import json, os
x = json.loads(os.environ["HONE_PARAMS"])["x"]
r = float(os.environ["HONE_RESOURCE"])
print(json.dumps({"loss": abs(x) + 1 / r}))
`;
  const study = await batchStudy(program, {
    name: "halving-study",
    budget: { trials: 9, parallel: 5 },
    scheduler: { name: "sha", resource: { name: "epoch", min: 1, max: 9 }, eta: 3 },
  });
  await start(study);
  const done = await finished(study, 240);
  const trials = await trialsOf(study);
  expect(done.trials).toMatchObject({ completed: 1, pruned: 8, failed: 0 });
  const distance = (trial: { params: Record<string, unknown> }) => Math.abs(Number(trial.params.x));
  const ranked = [...trials].sort((a, b) => distance(a) - distance(b));
  expect(ranked.map((trial) => trial.resource)).toEqual([9, 3, 3, 1, 1, 1, 1, 1, 1]);
  expect(ranked[0]?.state).toBe("completed");
  expect(ranked[8]?.reason).toMatch(/rung/);
  expect(done.best).toMatchObject([{ number: ranked[0]?.number }]);
}, 300_000);
