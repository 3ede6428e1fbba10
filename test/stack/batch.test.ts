import { expect, test } from "vitest";
import type { Study } from "../../shared/schemas/study.ts";
import { deployed } from "../support/deployed.ts";
import { until } from "../support/http.ts";

/** Studies whose trials Hone runs: queue, dispatcher, local Batch, runner and events are real. */

const { call, batchStudy, start, read, trial, trialsOf, running, finished, local } = deployed();

const PARABOLA = `
import json, os
x = json.loads(os.environ["HONE_PARAMS"])["x"]
for step in (1, 2):
    print(json.dumps({"step": step, "loss": x * x + 1 / step}))
print(json.dumps({"loss": x * x}))
`;

test("a batch study runs all its trials, and never more at once than `parallel`", async () => {
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
  const detail = await trial(study, 0);
  expect(detail.reports.map((report) => report.step)).toEqual([1, 2]);
  expect(detail.jobId).toBeTruthy();
});

test("a program that fails, prints no result, or is killed ends its trial with a reason", async () => {
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

test("when the host of a job is reclaimed, the trial is run again: same configuration, next attempt", async () => {
  const program = `
import json, os, time
if os.environ["HONE_ATTEMPT"] == "1": time.sleep(60)
print(json.dumps({"loss": 1.0}))
`;
  const study = await batchStudy(program, { budget: { trials: 1, parallel: 1 } });
  await start(study);
  const jobId = await running(study, 0);
  const before = await trial(study, 0);
  await local("interrupt", { jobId });
  const done = await finished(study);
  expect(done.trials).toMatchObject({ completed: 1, failed: 0 });
  expect(await trial(study, 0)).toMatchObject({
    attempt: 2,
    params: before.params,
    attempts: [{ attempt: 1, end: "interrupted" }],
  });
});

test("stop ends running jobs and queues their trials again; start continues", async () => {
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
