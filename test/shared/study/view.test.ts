import { expect, test } from "vitest";
import { algorithms } from "../../../shared/optimizer/registry.ts";
import { Study } from "../../../shared/schemas/study.ts";
import { Trial } from "../../../shared/schemas/trial.ts";
import type { TrialItem } from "../../../shared/store/trial.ts";
import { timestamp, toStudy, toTrial } from "../../../shared/study/view.ts";
import { headOf, jobOf, loadedStudy, NOON, snapshotOf, trialOf } from "../../support/study.ts";

test("a time is written in UTC, to the millisecond", () => {
  expect(timestamp(NOON + 7)).toBe("2026-11-23T12:00:00.007Z");
});

test("a trial is shown as the API's schema says, without tokens, fences and jobs", () => {
  const job = jobOf({ bootstrapHash: "hash-b", tokenHash: "hash-t", taskTokens: ["task-token"] });
  const trial = trialOf({
    state: "completed",
    values: { accuracy: 0.5 },
    finished: NOON,
    leaseExpires: null,
    job,
    lost: 1,
  });
  const shown = toTrial(snapshotOf({}), trial);
  expect(Trial.parse(shown)).toEqual(shown);
  expect(shown).toMatchObject({
    number: 0,
    state: "completed",
    feasible: true,
    created: "2026-11-23T12:00:00.000Z",
    leaseExpires: null,
    finished: "2026-11-23T12:00:00.000Z",
  });
  expect(JSON.stringify(shown)).not.toMatch(/hash-|task-token|job-1|claimant/);
});

test("a trial says whether it keeps the limits, once it has values", () => {
  const limited = snapshotOf({ study: loadedStudy({ outcomes: [{ metric: "ms", max: 50 }] }) });
  expect(toTrial(limited, trialOf()).feasible).toBeNull();
  expect(toTrial(limited, trialOf({ values: { accuracy: 1, ms: 51 } })).feasible).toBe(false);
});

test("values say at which resource they were measured: those of a trial that goes on are of the rung below", () => {
  const shown = (change: Parameters<typeof trialOf>[0]) => toTrial(snapshotOf(), trialOf(change)).measuredAt;
  const values = { accuracy: 1 };
  const curve = [{ step: 3, values }];
  expect(shown({ values, resource: 9, curve, state: "running" })).toBe(3);
  expect(shown({ values, resource: 9, curve, state: "completed" })).toBe(9);
  expect(shown({ values: null, resource: 9, curve, state: "failed" })).toBeNull();
  expect(shown({ values, resource: null })).toBeNull();
});

test("in a study where no paused trial will go on they are shown as pruned", () => {
  const trial = trialOf({ state: "paused", rung: 1, reason: "waits" });
  expect(toTrial(snapshotOf({ head: headOf({ settled: false }) }), trial).reason).toBe("waits");
  expect(toTrial(snapshotOf({ head: headOf({ settled: true }) }), trial).reason).toBe(
    "paused at rung 1 and not among those that went on until the study's end",
  );
  expect(toTrial(snapshotOf({ head: headOf({ settled: false }) }), trial).state).toBe("paused");
  expect(toTrial(snapshotOf({ head: headOf({ settled: true }) }), trial).state).toBe("pruned");
});

test("a study is shown as the API's schema says, with its defaults and its progress", () => {
  const head = headOf({ gpuSeconds: 1800, vcpuSeconds: 7200, started: true, next: 2 });
  const trials = [trialOf({ state: "completed", values: { accuracy: 1 } }), trialOf({ number: 1 })];
  const best = [{ number: 0, params: { C: 1 }, values: { accuracy: 1 } }];
  const shown = toStudy(snapshotOf({ head, trials }), best);
  expect(Study.parse(shown)).toEqual(shown);
  expect(shown).toMatchObject({
    state: "running",
    algorithm: { name: "random", seed: 1 },
    budget: { trials: 10, parallel: 4 },
    trials: { completed: 1, running: 1 },
    best,
    started: true,
    spent: { gpuHours: 0.5, vcpuHours: 2 },
    message: null,
  });
});

test("a seed that was drawn for the study is shown with its algorithm", () => {
  const study = loadedStudy({ algorithm: { name: "tpe", startup: 5 }, seed: 4711 });
  expect(toStudy(snapshotOf({ study }), []).algorithm).toEqual({ name: "tpe", startup: 5, seed: 4711 });
});

test("limits of money are shown only where there are some", () => {
  expect(toStudy(snapshotOf({ head: headOf({ gpuHours: 3, dollars: 7 }) }), []).budget).toEqual({
    trials: 10,
    parallel: 4,
    gpuHours: 3,
    dollars: 7,
  });
});

test("at most a hundred of the best trials are shown", () => {
  const best = Array.from({ length: 150 }, (_, number) => ({
    number,
    params: {},
    values: { accuracy: 1 },
  }));
  expect(toStudy(snapshotOf(), best).best).toEqual(best.slice(0, 100));
});

test("the message says what paused the study, in words", () => {
  const head = headOf({
    state: "paused",
    notice: { kind: "infra-failure", trial: 3, detail: "no queue", paused: true },
  });
  expect(toStudy(snapshotOf({ head }), []).message).toBe(
    "Trial 3: infra: no queue. Fix it and resume the study.",
  );
});

test("a study that began before its algorithm or scheduler changed says so", () => {
  const now = algorithms.random.revision;
  const head = headOf({ algorithmRevision: now + 1, schedulerRevision: 7 });
  const { message } = toStudy(snapshotOf({ head }), []);
  expect(message).toContain(`random has changed since this study began (revision ${now + 1}, now ${now}).`);
  expect(message).toContain("none has changed since this study began (revision 7, now 1).");
});

test("while no completed trial keeps the limits the study says so", () => {
  const study = loadedStudy({ outcomes: [{ metric: "ms", max: 50 }] });
  const trials = [trialOf({ state: "completed", values: { accuracy: 1, ms: 60 } })];
  expect(toStudy(snapshotOf({ study, trials }), []).message).toContain(
    "No completed trial is within the limits",
  );
  expect(toStudy(snapshotOf({ study, trials: [trialOf()] }), []).message).toBeNull();
  const best = [{ number: 0, params: {}, values: { accuracy: 1, ms: 1 } }];
  expect(toStudy(snapshotOf({ study, trials }), best).message).toBeNull();
});

const HOUR = 3600;
const jobs = (environment?: Record<string, string>) =>
  loadedStudy({
    executor: {
      type: "batch",
      image: "i",
      command: ["c"],
      ...(environment !== undefined && { environment }),
    },
  });
const lost = (attempt: number) => ({
  attempt,
  end: "interrupted" as const,
  reason: "Host EC2 terminated.",
  jobId: null,
  at: timestamp(NOON),
});
const messageOf = (trials: readonly TrialItem[], study = jobs()) =>
  toStudy(snapshotOf({ study, trials }), []).message;

test("a batch study whose attempts run for more than an hour and save nothing is told what an interruption costs", () => {
  const long = trialOf({ number: 3, state: "completed", seconds: 2.5 * HOUR, finished: NOON });
  expect(messageOf([trialOf(), long])).toBe(
    "An attempt of trial 3 ran for 2.5 hours and no trial has saved a checkpoint, so all that a trial has done is lost when its Spot instance is reclaimed. " +
      'Save to HONE_CHECKPOINT_OUT and print {"checkpoint": true}.',
  );
  const interrupted = trialOf({ state: "queued", seconds: 1.5 * HOUR, attempts: [lost(1)] });
  expect(messageOf([interrupted])).toContain("ran for 1.5 hours");
});

test.each([
  ["its attempts are short", [trialOf({ state: "completed", seconds: HOUR })], jobs()],
  [
    "only the sum of its attempts is long",
    [trialOf({ state: "queued", seconds: 1.5 * HOUR, attempts: [lost(1), lost(2)] })],
    jobs(),
  ],
  [
    "a trial has saved a checkpoint",
    [
      trialOf({ state: "completed", seconds: 9 * HOUR }),
      trialOf({ number: 1, checkpoint: "hone:1-1-0123456789abcdef" }),
    ],
    jobs(),
  ],
  [
    "it says itself where checkpoints go",
    [trialOf({ state: "completed", seconds: 9 * HOUR })],
    jobs({ HONE_CHECKPOINT_OUT: "s3://mine" }),
  ],
  ["clients run its trials", [trialOf({ state: "completed", seconds: 9 * HOUR })], loadedStudy()],
])("nothing is said of checkpoints when %s", (_, trials, study) => {
  expect(messageOf(trials, study)).toBeNull();
});

test("a study that is finished has nothing more to lose", () => {
  const study = jobs();
  const trials = [trialOf({ state: "completed", seconds: 9 * HOUR, finished: NOON })];
  const head = headOf({ next: 1, trials: 1 });
  expect(toStudy(snapshotOf({ study, trials, head }), []).message).toBeNull();
});

test("a study that has what looks like credentials in its environment is told of secrets, and not of their values", () => {
  const environment = { MODEL: "resnet", WANDB_API_KEY: "0123456789abcdef", DB_PASSWORD: "hunter2" };
  const study = jobs(environment);
  const { message } = toStudy(snapshotOf({ study }), []);
  expect(message).toMatch(/in plain text: WANDB_API_KEY, DB_PASSWORD\..* executor\.secrets\.$/);
  expect(message).not.toMatch(/0123|hunter/);
  expect(toStudy(snapshotOf({ study: jobs({ MODEL: "resnet" }) }), []).message).toBeNull();
});
