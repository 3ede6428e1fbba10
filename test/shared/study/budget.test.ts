import { expect, test } from "vitest";
import { PRICES } from "../../../shared/prices.ts";
import type { TrialItem } from "../../../shared/store/trial.ts";
import {
  inFlightOf,
  isAboutBudget,
  limitsOfPart,
  pauseWithoutRoom,
  roomFor,
  spentIn,
  usageOf,
} from "../../../shared/study/budget.ts";
import { batchExecution } from "../../support/batch.ts";
import { headOf, loadedStudy, NOON, trialOf } from "../../support/study.ts";

/** One GPU and two vCPUs for up to an hour. */
const study = loadedStudy({ executor: batchExecution });
const HOUR = 3600;
const running = (jobs: number) => ({ jobs, attempts: jobs });

test("an attempt uses its GPUs and vCPUs for as long as it ran", () => {
  expect(usageOf({ ...batchExecution, gpus: 4, vcpus: 1.5 }, 60)).toEqual({
    gpuSeconds: 240,
    vcpuSeconds: 120,
  });
});

test("without a limit, and for a study whose clients run the trials, there is always room", () => {
  expect(roomFor(study, headOf(), running(1000))).toEqual({
    attempts: Number.POSITIVE_INFINITY,
    limit: null,
  });
  expect(roomFor(loadedStudy(), headOf({ gpuHours: 1 }), running(1000)).attempts).toBe(
    Number.POSITIVE_INFINITY,
  );
});

test("there is room for what is neither spent nor reserved by attempts that may still run", () => {
  const head = headOf({ gpuHours: 5, gpuSeconds: 1.5 * HOUR });
  expect(roomFor(study, head, running(0)).attempts).toBe(3);
  expect(roomFor(study, head, running(2))).toEqual({
    attempts: 1,
    limit: {
      kind: "spending-limit",
      unit: "GPU hours",
      limit: 5,
      spent: 1.5,
      each: 1,
      reserved: 2,
      paused: false,
    },
  });
  expect(roomFor(study, head, running(9)).attempts).toBe(0);
});

/** Its attempt ended after so many seconds. */
const openRun = (seconds: number) => ({ attempt: 1, jobId: `job-${seconds}`, at: NOON, seconds });

test("a job that outlives its attempt may still spend what it was not charged, beside the next attempt", () => {
  const trials = [
    trialOf(),
    trialOf({ open: [openRun(0.25 * HOUR), openRun(0.5 * HOUR)] }),
    trialOf({ state: "completed", open: [openRun(HOUR)] }),
    trialOf({ state: "queued" }),
  ];
  const isRunning = ({ state }: TrialItem) => state === "running";
  expect(inFlightOf(study, trials, isRunning)).toEqual({ jobs: 5, attempts: 2 + 0.75 + 0.5 });
  expect(inFlightOf(loadedStudy(), trials, isRunning)).toEqual({ jobs: 0, attempts: 0 });
  const room = roomFor(study, headOf({ gpuHours: 4 }), { jobs: 3, attempts: 2.5 });
  expect(room).toMatchObject({ attempts: 1, limit: { reserved: 3 } });
  expect(roomFor(study, headOf({ gpuHours: 4 }), { jobs: 4, attempts: 3.25 }).attempts).toBe(0);
});

test("what a part has spent includes what its jobs may still spend that have outlived their attempts", () => {
  const four = loadedStudy({ executor: { ...batchExecution, gpus: 4 } });
  const head = headOf({ gpuSeconds: HOUR, vcpuSeconds: 2 * HOUR });
  const { gpuHour, vcpuHour } = PRICES.spot;
  const trials = [trialOf(), trialOf({ state: "completed", open: [openRun(0.25 * HOUR)] })];
  const spent = spentIn({ study: four, head, trials });
  expect(spent.gpuHours).toBeCloseTo(1 + 0.75 * 4, 9);
  expect(spent.dollars).toBeCloseTo(gpuHour + 2 * vcpuHour + 0.75 * (4 * gpuHour + 2 * vcpuHour), 9);
  expect(spentIn({ study: loadedStudy(), head, trials })).toEqual({ gpuHours: 0, dollars: 0 });
});

test("division that is not exact does not cost an attempt", () => {
  const tenth = loadedStudy({ executor: { ...batchExecution, timeoutSeconds: 360 } });
  expect(0.7 / 0.1).toBeLessThan(7);
  expect(roomFor(tenth, headOf({ gpuHours: 0.7 }), running(0)).attempts).toBe(7);
});

test("dollars are spent by GPU and by vCPU, and the tighter limit counts", () => {
  const each = PRICES.spot.gpuHour + 2 * PRICES.spot.vcpuHour;
  const head = headOf({ dollars: 2.5 * each, gpuHours: 100 });
  expect(roomFor(study, head, running(0))).toMatchObject({ attempts: 2, limit: { unit: "dollars", each } });
  const spent = { ...head, gpuSeconds: HOUR, vcpuSeconds: 2 * HOUR };
  expect(roomFor(study, spent, running(0)).attempts).toBe(1);
  expect(roomFor(study, { ...head, gpuHours: 1 }, running(0))).toMatchObject({
    attempts: 1,
    limit: { unit: "GPU hours" },
  });
});

test("a limit of GPU hours does not bound a study without GPUs", () => {
  const cpu = loadedStudy({ executor: { ...batchExecution, gpus: 0 } });
  expect(roomFor(cpu, headOf({ gpuHours: 0.001 }), running(0)).attempts).toBe(Number.POSITIVE_INFINITY);
});

test("a study is paused with the limit that left no room", () => {
  const room = roomFor(study, headOf({ gpuHours: 0.5 }), running(0));
  const change = pauseWithoutRoom(headOf({ gpuHours: 0.5, rev: 4 }), room);
  expect(change).toMatchObject({
    update: { set: { state: "paused", rev: 5 } },
    when: { values: { rev: 4 } },
  });
  const notice = "update" in change ? JSON.parse(String(change.update.set?.notice)) : null;
  expect(notice).toMatchObject({ kind: "spending-limit", unit: "GPU hours", paused: true });
  expect(isAboutBudget(notice)).toBe(true);
});

test("a notice about the budget is removed with it, and one that is only words; others stay", () => {
  expect(isAboutBudget(null)).toBe(false);
  expect(isAboutBudget({ kind: "rounds-ended" })).toBe(false);
  expect(isAboutBudget({ kind: "text", text: "words of an earlier version" })).toBe(true);
});

test("the parts of an outer fold have its share: one attempt is kept for the refit, then it gets what the search has left", () => {
  const limits = { gpuHours: 20, dollars: 0 };
  const hours = (gpuHours: number) => ({ gpuHours, dollars: 0 });
  const of = (isSearch: boolean, search: number, refit: number, isSearched: boolean) =>
    limitsOfPart(study, 2, isSearch, limits, { search: hours(search), refit: hours(refit), isSearched })
      .gpuHours;
  expect([of(true, 0, 0, false), of(false, 0, 0, false)]).toEqual([9, 1]);
  // Where there is no limit a part has none.
  expect(limitsOfPart(study, 2, true, limits).dollars).toBe(0);
  expect(of(false, 4, 0, true)).toBe(6);
  // A search that is extended leaves its fold's refits what they have used, and another attempt.
  expect([of(true, 4, 2, false), of(false, 4, 2, false)]).toEqual([7, 3]);
  // What was kept stays, even if the search took longer than it might.
  expect(of(false, 11, 0, true)).toBe(1);
});
