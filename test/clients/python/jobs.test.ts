import { join } from "node:path";
import { expect, test } from "vitest";
import { serveBucket } from "../bucket.ts";
import { jobEnvironment, serve, start } from "../driver.ts";
import {
  type Answer,
  type ContractService,
  claimed,
  type Script,
  TRIAL_TOKEN,
  uploadTo,
} from "../service.ts";
import { decide, handOut, nothing, PACKAGE, PYTHON, startPython } from "./driver.ts";

/** `hone.trial()`: one Python program that is a trial under the runner, under a worker, and in a job without either. */

const HEAD = "import os, pathlib, sys, tempfile, time, hone\n";
const PATHS = { PYTHONPATH: join(PACKAGE, "src") };

const underRunner = (service: ContractService, script: string) =>
  start(["exec", "--report-every", "0", "--", PYTHON, "-c", HEAD + script], {
    ...jobEnvironment(service.api),
    ...PATHS,
  });
const alone = (service: ContractService, script: string) =>
  startPython(["-c", HEAD + script], jobEnvironment(service.api));
const ways = [
  ["under the runner", underRunner],
  ["in a job of its own", alone],
] as const;

/** A job with these parameters. */
const job = (script: Script = {}, change: object = {}) =>
  serve({
    claim: () => ({ body: claimed({ params: { lr: 0.1, units: 8 }, resource: 9, reportAt: 3, ...change }) }),
    report: ({ body }) => decide("continue", body.step < 3 ? 3 : 9),
    ...script,
  });

const told = (service: ContractService) =>
  service.of("tell").map(({ body: { attempt: _, ...result } }) => result);

test.each(ways)("%s a program has its trial's parameters, reports, and tells", async (_, run) => {
  const service = await job();
  const script = `
trial = hone.trial(report_every=0)
with trial:
    print(trial.number, trial.attempt, trial.params, trial.resource, trial.checkpoint, file=sys.stderr)
    for step in range(1, 4): trial.report(step, loss=1 / step)
    trial.tell(loss=0.25, seconds=float("nan"))
assert trial.state == "completed", trial.state`;
  const { code, stderr } = await run(service, script).ended;
  expect([code, stderr]).toEqual([0, expect.stringContaining("7 2 {'lr': 0.1, 'units': 8} 9 None\n")]);
  expect(service.of("report").map(({ body }) => [body.step, body.values.loss])).toEqual([
    [1, 1],
    [2, 0.5],
    [3, 1 / 3],
  ]);
  expect(told(service)).toEqual([{ values: { loss: 0.25, seconds: "nan" } }]);
  expect(new Set(service.calls.slice(1).map(({ token }) => token))).toEqual(new Set([TRIAL_TOKEN]));
});

test.each(ways)("%s a program knows what its trial goes on from", async (_, run) => {
  const script = `
with hone.trial() as trial:
    print("has", trial.parent, trial.resumes_at, trial.resource, trial.instance_name, trial.seed)
    trial.tell(loss=1)`;
  const outputs = [];
  for (const fields of [
    { parent: 4, resumesAt: 10, resource: 15 },
    { parent: null, resumesAt: 0, resource: 5 },
    { resource: null, instanceName: "7", seed: 7 },
  ]) {
    const service = await job({}, fields);
    outputs.push(String((await run(service, script).ended).stdout).match(/has (.*)\n/)?.[1]);
  }
  expect(outputs).toEqual(["4 10 15 None None", "None 0 5 None None", "None None None 7 7"]);
});

test.each(ways)("%s the last reported values are the result of a program that tells none", async (_, run) => {
  const service = await job();
  await run(service, "with hone.trial() as trial: trial.report(1, loss=3); trial.report(2, loss=2, b=1)")
    .ended;
  expect(told(service)).toEqual([{ values: { loss: 2, b: 1 } }]);
});

test.each(ways)("%s a program prunes its trial by a rule of its own", async (_, run) => {
  const service = await job();
  const { code } = await run(
    service,
    "with hone.trial() as trial: trial.report(1, loss=3); raise hone.Stopped('no progress')",
  ).ended;
  expect(code).toBe(0);
  expect(told(service)).toEqual([{ pruned: { reason: "no progress" }, values: { loss: 3 } }]);
});

test.each(ways)(
  "%s nothing of a secret is told of a pruned trial, even if the reason is cut",
  async (_, run) => {
    const service = await job();
    const script = `
os.environ.update(HONE_SECRETS="KEY", KEY="s3cret-canary")
with hone.trial(): raise hone.Stopped("x" * 1020 + os.environ["KEY"])`;
    await run(service, script).ended;
    expect(told(service)).toEqual([{ pruned: { reason: `${"x".repeat(1020)}[sec` } }]);
  },
);

test.each(ways)("%s an exception, or a failure that the program tells, fails the trial", async (_, run) => {
  const raised = await job();
  await run(raised, "with hone.trial(): raise ValueError('no such layer')").ended;
  expect(told(raised)).toEqual([
    { failed: { reason: expect.stringContaining("ValueError: no such layer") } },
  ]);
  const failed = await job();
  await run(failed, "hone.trial().fail('diverged')").ended;
  expect(told(failed)).toEqual([{ failed: { reason: expect.stringContaining("diverged") } }]);
});

test.each(ways)(
  "%s a program that is stopped ends well at its next report, and tells nothing",
  async (_, run) => {
    const service = await job({ report: () => decide("stop") });
    const { code, stdout } = await run(
      service,
      "with hone.trial() as trial:\n  while True: trial.report(3, loss=1); time.sleep(0.01)",
    ).ended;
    expect([code, String(stdout)]).toEqual([0, expect.not.stringContaining("Traceback")]);
    expect(told(service)).toEqual([]);
  },
);

test.each(ways)("%s what a program saves is what its next attempt continues from", async (_, run) => {
  const bucket = await serveBucket();
  const name = "hone:2-1-0123456789abcdef";
  const checkpoint = (): Answer => ({
    body: {
      upload: uploadTo(bucket.url("/state"), name),
      download: { url: bucket.url("/state"), expires: "2026-11-23T13:00:00Z" },
    },
  });
  const first = await job({ checkpoint, report: () => decide("pause") });
  const saves = `
folder = pathlib.Path(tempfile.mkdtemp(), "model"); folder.mkdir(); (folder / "weights").write_text("w")
with hone.trial() as trial:
    trial.report(3, loss=1, checkpoint=folder)
    time.sleep(60)`;
  expect((await run(first, saves).ended).code).toBe(0);
  expect(first.of("report").map(({ body }) => body.checkpoint)).toEqual([name]);

  const second = await job({ checkpoint }, { checkpoint: name });
  const reads = `
with hone.trial() as trial:
    print("found", pathlib.Path(trial.checkpoint, "weights").read_text())
    trial.tell(loss=1)`;
  expect(String((await run(second, reads).ended).stdout)).toContain("found w\n");
});

test("a worker runs the same program for the trials of a client study", async () => {
  const service = await serve({ ask: (_, count) => (count > 2 ? nothing("finished") : handOut(count)) });
  const script = "with hone.trial() as trial: trial.tell(loss=trial.params['x'])";
  const env = { HONE_API: service.api, HONE_TEAM: "acme", HONE_TOKEN: "hone_worker_0123456789", ...PATHS };
  const { code } = await start(["worker", "--study", "parabola", "--", PYTHON, "-c", HEAD + script], env)
    .ended;
  expect(code).toBe(0);
  expect(told(service)).toEqual([{ values: { loss: 1 } }, { values: { loss: 2 } }]);
});

test("a program of a worker has the samples of its fold, in nested cross-validation", async () => {
  const folds = { outer: 2, inner: 2 };
  const where = { phase: "search", repeat: 0, outer: 1, inner: 0 } as const;
  const split = { ...where, kind: "plain", samples: 8, folds, seed: 1 } as const;
  const service = await serve({
    ask: (_, count) => (count > 1 ? nothing("finished") : handOut(1, { split })),
  });
  const script = `
with hone.trial() as trial:
    assert trial.split == ${JSON.stringify(split)}, trial.split
    train, test = trial.indices()
    trial.tell(loss=len(train) + 10 * len(test))`;
  const env = { HONE_API: service.api, HONE_TEAM: "acme", HONE_TOKEN: "hone_worker_0123456789", ...PATHS };
  await start(["worker", "--study", "nested", "--", PYTHON, "-c", HEAD + script], env).ended;
  // Of 8 samples 4 are searched, and 2 of them are one inner fold.
  expect(told(service)).toEqual([{ values: { loss: 22 } }]);
});

test("in a job without the runner reports are thinned, heartbeats are sent, and nothing is given back", async () => {
  const service = await job({}, { heartbeatSeconds: 0.2 });
  const script = `
with hone.trial() as trial:
    for step in range(1, 9): trial.report(step, loss=1)
    time.sleep(0.7)
    raise KeyboardInterrupt`;
  expect((await alone(service, script).ended).code).not.toBe(0);
  expect(service.of("report").map(({ body }) => body.step)).toEqual([1, 3]);
  expect(service.of("heartbeat").length).toBeGreaterThanOrEqual(2);
  expect(told(service)).toEqual([]);
});

test("a job whose attempt another job has ends well, and runs nothing", async () => {
  const service = await job({ claim: () => ({ problem: "claim-lost" }) });
  const { code, stdout } = await alone(service, "trial = hone.trial(); print('ran')").ended;
  expect([code, stdout]).toEqual([0, ""]);
});

test("a program that was started for no trial is told how to start it", async () => {
  const service = await job();
  const { HONE_API, HONE_TEAM, HONE_TOKEN } = jobEnvironment(service.api);
  const { code, stderr } = await startPython(["-c", `${HEAD}hone.trial()`], {
    HONE_API,
    HONE_TEAM,
    HONE_TOKEN,
  } as Record<string, string>).ended;
  expect([code, stderr]).toEqual([1, expect.stringContaining("hone worker --study STUDY")]);
});
