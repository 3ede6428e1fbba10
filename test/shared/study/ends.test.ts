import { expect, test } from "vitest";
import type { Reason } from "../../../shared/sentences/reasons.ts";
import { headKey, rungEntryKey } from "../../../shared/store/keys.ts";
import type { Change } from "../../../shared/store/store.ts";
import {
  closingOf,
  endAtReport,
  endOf,
  lossOf,
  secondsSinceClaim,
  stopOf,
} from "../../../shared/study/ends.ts";
import { batchExecution, halvingScheduler } from "../../support/batch.ts";
import { jobOf, loadedStudy, NOON, STUDY, trialOf } from "../../support/study.ts";

const client = loadedStudy();
/** One GPU and two vCPUs per trial. */
const batch = loadedStudy({ executor: batchExecution });
const halving = loadedStudy({ executor: batchExecution, scheduler: halvingScheduler });

const completed = { state: "completed", values: { accuracy: 0.5 } } as const;
const failed = { state: "failed", reason: "exit code 1" } as const;

const spentIn = (changes: readonly Change[]) =>
  changes.flatMap((change) =>
    change.name === "spent" && "update" in change ? [{ key: change.key, ...change.update.add }] : [],
  );
const entriesIn = (changes: readonly Change[]) =>
  changes.flatMap((change) =>
    change.name === "rung-entry" && "put" in change ? [{ key: change.key, values: change.put.values }] : [],
  );

test("an attempt is charged from its claim on, in whole seconds; one that nobody claimed is not", () => {
  expect(secondsSinceClaim(trialOf({ job: jobOf() }), NOON + 1500)).toBe(2);
  expect(secondsSinceClaim(trialOf({ job: jobOf() }), NOON - 5000)).toBe(0);
  expect(secondsSinceClaim(trialOf({ job: jobOf({ phase: "submitted" }) }), NOON + 1500)).toBe(0);
  expect(secondsSinceClaim(trialOf(), NOON + 1500)).toBe(0);
});

test("a client's trial that ends with values is completed, without a lease, and costs nothing", () => {
  const end = endOf(client, trialOf(), completed, NOON);
  expect(end).toEqual({
    patch: { state: "completed", values: { accuracy: 0.5 }, leaseExpires: null, finished: NOON },
    changes: [],
  });
});

test("a trial that ends without values has failed, with its reason and no values", () => {
  const { patch } = endOf(client, trialOf(), failed, NOON);
  expect(patch).toMatchObject({ state: "failed", reason: "exit code 1", finished: NOON, values: null });
});

test("what a job used is added to its trial and to its study, by GPU and by vCPU", () => {
  const trial = trialOf({ seconds: 10, job: jobOf() });
  const { patch, changes } = endOf(batch, trial, completed, NOON + 7000);
  expect(patch.seconds).toBe(17);
  expect(spentIn(changes)).toMatchObject([
    { key: headKey(STUDY), gpuSeconds: 7, vcpuSeconds: 14, micros: 1050 },
  ]);
});

test("a client's trial costs nothing, however long it ran, nor does a job that ran for less than a second", () => {
  expect(endOf(client, trialOf(), completed, NOON, { seconds: 7 }).changes).toEqual([]);
  expect(endOf(batch, trialOf({ job: jobOf() }), completed, NOON).changes).toEqual([]);
});

test("in a rung below the top a trial with values waits, at the top it is completed; both enter their rung", () => {
  const bottom = trialOf({ number: 4, bracket: 0, rung: 0, resource: 1 });
  const waits = endOf(halving, bottom, completed, NOON);
  expect(waits.patch).toMatchObject({
    state: "paused",
    reason: "rung 0 (epoch 1): waits for the other trials",
  });
  expect(entriesIn(waits.changes)).toEqual([
    { key: rungEntryKey(STUDY, 0, 0, 4), values: '{"accuracy":0.5}' },
  ]);

  const done = endOf(halving, trialOf({ number: 4, bracket: 0, rung: 2, resource: 9 }), completed, NOON);
  expect(done.patch.state).toBe("completed");
  expect(entriesIn(done.changes)).toMatchObject([{ key: rungEntryKey(STUDY, 0, 2, 4) }]);
});

test("a trial that fails enters its rung without values", () => {
  const { patch, changes } = endOf(halving, trialOf({ bracket: 0, rung: 1, resource: 3 }), failed, NOON);
  expect(patch.state).toBe("failed");
  expect(entriesIn(changes)).toEqual([{ key: rungEntryKey(STUDY, 0, 1, 0), values: "null" }]);
});

test("a trial that its client pruned is pruned at any rung, and enters it as one that does not go on", () => {
  const own = { state: "pruned", reason: "my rule", values: { accuracy: 0.4 } } as const;
  expect(endOf(client, trialOf(), own, NOON)).toEqual({
    patch: { ...own, leaseExpires: null, finished: NOON },
    changes: [],
  });
  for (const [rung, resource] of [1, 3, 9].entries()) {
    const trial = trialOf({ bracket: 0, rung, resource, values: { accuracy: 0.3 } });
    const { patch, changes } = endOf(halving, trial, { ...own, values: null }, NOON);
    expect(patch).toEqual({ state: "pruned", reason: "my rule", leaseExpires: null, finished: NOON });
    expect(entriesIn(changes)).toEqual([{ key: rungEntryKey(STUDY, 0, rung, 0), values: "null" }]);
  }
});

const reason: Reason = { kind: "decided-in-rounds", scheduler: "asha" };

test("a stop at a report prunes the trial with what it reported and charges what it used", () => {
  const trial = trialOf({ job: jobOf(), bracket: 0, rung: 0, resource: 3 });
  const verdict = { decision: "stop", reason, records: null } as const;
  const { patch, changes } = endAtReport(
    batch,
    trial,
    verdict,
    { step: 2, values: { accuracy: 0.1 } },
    NOON + 4000,
  );
  expect(patch).toEqual({
    state: "pruned",
    values: { accuracy: 0.1 },
    reason: "asha decides when a rung is complete, not within a run",
    resource: 2,
    open: [{ attempt: 1, jobId: "job-1", at: NOON + 4000, seconds: 4, told: true }],
    leaseExpires: null,
    finished: NOON + 4000,
    seconds: 4,
  });
  expect(spentIn(changes)).toMatchObject([{ gpuSeconds: 4 }]);
});

test("a pause at a report parks the trial at its new place, and its attempt has ended", () => {
  const place = { bracket: 0, rung: 1, resource: 9 };
  const verdict = { decision: "pause", reason, records: null, place } as const;
  const { patch } = endAtReport(client, trialOf(), verdict, { step: 2, values: { accuracy: 0.1 } }, NOON);
  expect(patch).toMatchObject({ state: "paused", leaseExpires: null, finished: NOON, ...place });
});

test("a lost attempt gives the trial its next one, which waits for a message", () => {
  const trial = trialOf({ attempt: 2, lost: 1, seconds: 5, job: jobOf({ taskTokens: ["token"] }) });
  const { patch, changes } = lossOf(batch, trial, "interrupted", "the machine went away", NOON + 3000);
  expect(patch).toMatchObject({
    state: "queued",
    attempt: 3,
    lost: 2,
    seconds: 8,
    leaseExpires: null,
    attempts: [{ attempt: 2, end: "interrupted", jobId: "job-1" }],
    job: { phase: "queued", jobId: null, tokenHash: null, taskTokens: ["token"] },
  });
  expect(spentIn(changes)).toMatchObject([{ gpuSeconds: 3 }]);
});

test("the last lost attempt fails the trial, in its rung too", () => {
  const trial = trialOf({ attempt: 3, lost: 2, bracket: 0, rung: 0, resource: 1, job: jobOf() });
  const { patch, changes } = lossOf(halving, trial, "expired", "silence", NOON + 3000);
  expect(patch).toMatchObject({ state: "failed", seconds: 3, finished: NOON + 3000 });
  expect(patch.reason).toBe("All 3 attempts were lost; the last one: silence");
  expect(entriesIn(changes)).toEqual([{ key: rungEntryKey(STUDY, 0, 0, 0), values: "null" }]);
  expect(spentIn(changes)).toHaveLength(1);
});

test("an end that is noticed late is charged no more than the attempt's time-out, whichever it is", () => {
  const trial = trialOf({ job: jobOf(), resource: 3, bracket: 0, rung: 0 });
  const late = NOON + 5 * 3600_000;
  const report = { step: 2, values: { accuracy: 0.1 } };
  for (const end of [
    endOf(batch, trial, completed, late),
    endOf(batch, trial, failed, late, { seconds: 18_000 }),
    endAtReport(batch, trial, { decision: "stop", reason, records: null }, report, late),
    lossOf(batch, trial, "expired", "silence", late),
    lossOf(batch, trial, "interrupted", "the machine went away", late, 18_000),
    stopOf(batch, trial, late),
  ]) {
    expect(end.patch.seconds).toBe(3600);
    expect(spentIn(end.changes)).toMatchObject([{ gpuSeconds: 3600 }]);
  }
});

test("a job that outlives its attempt is charged up to its time-out, all in all", () => {
  const late = NOON + 5 * 3600_000;
  const job = {
    jobId: "job-1",
    jobName: "hone",
    status: "FAILED",
    startedAt: NOON,
    stoppedAt: late,
  } as const;
  const run = { attempt: 1, jobId: "job-1", at: NOON + 600_000, seconds: 600 };
  const { patch, changes } = closingOf(batch, trialOf({ seconds: 600, open: [run] }), run, job, late);
  expect(patch).toMatchObject({ open: [], seconds: 3600 });
  expect(spentIn(changes)).toMatchObject([{ gpuSeconds: 3000 }]);
});

test("a stopped study puts its trial back without counting the attempt as lost", () => {
  const { patch, changes } = stopOf(batch, trialOf({ lost: 1, job: jobOf() }), NOON + 2000);
  expect(patch).toMatchObject({
    state: "queued",
    job: null,
    leaseExpires: null,
    seconds: 2,
    attempts: [{ attempt: 1, end: "interrupted", reason: "The study was stopped." }],
  });
  expect(patch).not.toHaveProperty("lost");
  expect(patch).not.toHaveProperty("attempt");
  expect(spentIn(changes)).toHaveLength(1);
});
