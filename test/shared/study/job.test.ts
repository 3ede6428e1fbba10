import { expect, test } from "vitest";
import { isActive, isAwaited, isToSend, messageOf, queuedJob, withWait } from "../../../shared/study/job.ts";
import { batchExecution, halvingScheduler } from "../../support/batch.ts";
import { jobOf, loadedStudy, NOON, STUDY, trialOf } from "../../support/study.ts";

const batch = loadedStudy({ executor: batchExecution });
const halving = loadedStudy({ executor: batchExecution, scheduler: halvingScheduler });

test("a queued job knows nothing of the attempt before it but the machines that wait", () => {
  expect(queuedJob(NOON)).toEqual({
    phase: "queued",
    since: NOON,
    jobId: null,
    bootstrapHash: null,
    tokenHash: null,
    claimant: null,
    taskTokens: [],
  });
  const before = jobOf({ bootstrapHash: "b", tokenHash: "t", taskTokens: ["one", "two"] });
  expect(queuedJob(NOON, before)).toEqual({ ...queuedJob(NOON), taskTokens: ["one", "two"] });
});

test("each machine that waits is remembered once, the latest eight of them", () => {
  const job = jobOf();
  expect(withWait(job, undefined)).toBe(job);
  const one = withWait(job, "a");
  expect(one.taskTokens).toEqual(["a"]);
  expect(withWait(one, "a")).toBe(one);
  let many = job;
  for (let i = 0; i < 10; i++) many = withWait(many, `token-${i}`);
  expect(many.taskTokens).toEqual(Array.from({ length: 8 }, (_, i) => `token-${i + 2}`));
});

test("a trial is awaited while a machine waits for it", () => {
  expect(isAwaited(trialOf())).toBe(false);
  expect(isAwaited(trialOf({ job: jobOf() }))).toBe(false);
  expect(isAwaited(trialOf({ job: jobOf({ taskTokens: ["a"] }) }))).toBe(true);
});

test("a message names the attempt and nothing else", () => {
  expect(messageOf(trialOf({ number: 7, attempt: 2, job: jobOf() }))).toEqual({
    version: 1,
    study: STUDY,
    trial: 7,
    attempt: 2,
  });
});

test("the service sends a queued attempt; in rounds only once the machine waits for it", () => {
  const queued = trialOf({ state: "queued", job: queuedJob(NOON) });
  const awaited = trialOf({ state: "queued", job: withWait(queuedJob(NOON), "token") });
  expect(isToSend(batch, queued)).toBe(true);
  expect(isToSend(halving, queued)).toBe(false);
  expect(isToSend(halving, awaited)).toBe(true);
  expect(isToSend(batch, trialOf({ state: "queued" }))).toBe(false);
  expect(isToSend(batch, trialOf({ state: "running", job: jobOf() }))).toBe(false);
});

test("running trials and queued ones with a job are active, and count among those that run at once", () => {
  expect(isActive(trialOf())).toBe(true);
  expect(isActive(trialOf({ state: "queued", job: queuedJob(NOON) }))).toBe(true);
  expect(isActive(trialOf({ state: "queued" }))).toBe(false);
  expect(isActive(trialOf({ state: "completed", job: jobOf() }))).toBe(false);
  expect(isActive(trialOf({ state: "paused", job: jobOf() }))).toBe(false);
});
