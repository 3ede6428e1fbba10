import { expect, test } from "vitest";
import { compileSpace } from "../../../shared/space/compile.ts";
import { trialKey } from "../../../shared/store/keys.ts";
import {
  changeTrial,
  findTrialItem,
  isFinished,
  leaseExpired,
  newTrial,
  removePaused,
  resumedTrial,
  sameCheckpoint,
  sameJob,
  TRIAL,
  type TrialItem,
} from "../../../shared/store/trial.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { jobOf, NOON, STUDY, trialOf } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

/** The space of the trials here: numbers, choices of every type, a condition. */
const space = compileSpace({
  C: { type: "float", low: 0.01, high: 1000, scale: "log" },
  gamma: { type: "float", low: 1e-5, high: 1, scale: "log" },
  tiny: { type: "float", low: 0, high: 1 },
  optimizer: { type: "categorical", choices: [null, "null", true, "ü"] },
  flag: { type: "ordinal", choices: [1, 2, "2"], when: { optimizer: [true] } },
});

let trials = 0;
/** A stored trial with a number of its own. */
const stored = async (change: Partial<TrialItem> = {}): Promise<TrialItem> => {
  const trial = trialOf({ ...change, number: trials++ });
  await store.transact([newTrial(space, trial)]);
  return trial;
};

const read = (number: number) => findTrialItem(store, { id: STUDY, space }, number);
const stale = expect.objectContaining({ names: new Set([TRIAL]) });

test("a trial reads back as it was written, every field of it", async () => {
  const trial = await stored({
    state: "queued",
    attempt: 3,
    lost: 2,
    seconds: 17,
    params: { C: 0.1 + 0.2, gamma: 1, tiny: 5e-324, optimizer: true, flag: "2" },
    values: { accuracy: 0.1 + 0.2, loss: 1e300, zero: 0 },
    resource: 2.5,
    bracket: 1,
    rung: 2,
    reason: "because",
    leaseExpires: null,
    finished: NOON,
    checkpoint: "s3://bucket/3",
    attempts: [{ attempt: 1, end: "expired", reason: null, jobId: "job-0", at: "2026-11-23T12:00:00.000Z" }],
    job: jobOf({ taskTokens: ["token"] }),
  });
  expect(await read(trial.number)).toEqual(trial);
});

test("a trial of few fields reads back with the others empty", async () => {
  const trial = await stored({ worker: null, leaseExpires: null, resource: null });
  expect(await read(trial.number)).toEqual(trial);
  expect(await read(1_000_000)).toBeNull();
});

test("a number is handed out once: a second trial of that number is refused", async () => {
  const trial = await stored();
  await expect(store.transact([newTrial(space, { ...trial, attempt: 9 })])).rejects.toEqual(stale);
  expect(await read(trial.number)).toEqual(trial);
});

test("a change sets what it names, removes what it names as null or zero, and leaves the rest", async () => {
  const trial = await stored({ lost: 1, seconds: 5, values: { accuracy: 1 }, checkpoint: "c", job: jobOf() });
  const patch = {
    state: "queued",
    attempt: 2,
    lost: 0,
    seconds: 0,
    values: null,
    worker: null,
    leaseExpires: null,
    checkpoint: null,
    attempts: [],
    job: null,
  } as const;
  await store.update(changeTrial(trial, patch));
  expect(await read(trial.number)).toEqual({ ...trial, ...patch });
  const item = await store.get(trialKey(STUDY, trial.number));
  for (const name of [
    "lost",
    "seconds",
    "values",
    "worker",
    "leaseExpires",
    "checkpoint",
    "attempts",
    "job",
  ]) {
    expect(item).not.toHaveProperty(name);
  }
});

test("a change of one field leaves every other as it was", async () => {
  const full = {
    lost: 1,
    seconds: 5,
    values: { accuracy: 1 },
    resource: 3,
    bracket: 1,
    rung: 2,
    reason: "because",
    finished: NOON,
    checkpoint: "c",
    attempts: [{ attempt: 1, end: "expired", reason: null, jobId: null, at: "2026-11-23T12:00:00.000Z" }],
    job: jobOf(),
  } as const;
  const trial = await stored(full);
  await store.update(changeTrial(trial, { worker: "w2" }));
  expect(await read(trial.number)).toEqual({ ...trial, worker: "w2" });
  await store.update(changeTrial(trial, { reason: "another" }));
  expect(await read(trial.number)).toEqual({ ...trial, worker: "w2", reason: "another" });
});

test("a change is refused once the trial has another state, or is on another attempt", async () => {
  const trial = await stored();
  for (const seen of [{ state: "queued" }, { state: "completed" }, { attempt: 2 }, { attempt: 0 }] as const) {
    await expect(store.update(changeTrial({ ...trial, ...seen }, { reason: "late" }))).rejects.toEqual(stale);
  }
  expect(await read(trial.number)).toEqual(trial);
  await store.update(changeTrial(trial, { reason: "in time" }));
  expect(await read(trial.number)).toMatchObject({ reason: "in time" });
});

test("a trial that was deleted is not written again by a change", async () => {
  const trial = await stored();
  await store.removeAll([trialKey(STUDY, trial.number)]);
  await expect(store.update(changeTrial(trial, { reason: "late" }))).rejects.toEqual(stale);
  expect(await read(trial.number)).toBeNull();
});

test("a lease is taken only when it has expired by then, heartbeats in between included", async () => {
  const trial = await stored({ leaseExpires: NOON });
  const take = (now: number) => store.update(changeTrial(trial, { attempt: 2 }, leaseExpired(now)));
  await store.update(changeTrial(trial, { leaseExpires: NOON + 1000 }));
  await expect(take(NOON + 999)).rejects.toEqual(stale);
  expect(await read(trial.number)).toMatchObject({ attempt: 1 });
  await take(NOON + 1000);
  expect(await read(trial.number)).toMatchObject({ attempt: 2 });
});

test("a trial without a lease has none that could expire", async () => {
  const trial = await stored({ leaseExpires: null });
  const take = store.update(changeTrial(trial, { attempt: 2 }, leaseExpired(NOON)));
  await expect(take).rejects.toEqual(stale);
});

test("a step that several may take is taken by one: the job must be as it was read", async () => {
  const trial = await stored({ job: jobOf({ phase: "dispatching", jobId: null }) });
  const claimed = changeTrial(trial, { job: jobOf({ phase: "claimed" }) }, sameJob(trial));
  const submitted = changeTrial(trial, { job: jobOf({ phase: "submitted" }) }, sameJob(trial));
  await store.update(claimed);
  await expect(store.update(submitted)).rejects.toEqual(stale);
  expect((await read(trial.number))?.job?.phase).toBe("claimed");
});

test("a trial that was read without a job must still be without one", async () => {
  const trial = await stored();
  await store.update(changeTrial(trial, { reason: "no job yet" }, sameJob(trial)));
  await store.update(changeTrial(trial, { job: jobOf() }, sameJob(trial)));
  await expect(store.update(changeTrial(trial, { reason: "late" }, sameJob(trial)))).rejects.toEqual(stale);
});

test("a paused trial goes on once, folded or not, and with every field that it had", async () => {
  const paused = await stored({ state: "paused", values: { accuracy: 1 }, worker: null, leaseExpires: null });
  const goesOn = (attempt = 1) =>
    store.transact([resumedTrial(space, { ...paused, attempt }, { state: "queued", attempt: attempt + 1 })]);
  await expect(goesOn(2)).rejects.toEqual(stale);
  await goesOn();
  expect(await read(paused.number)).toEqual({ ...paused, state: "queued", attempt: 2 });
  // Its item has moved on, whatever its attempt is called.
  await expect(goesOn()).rejects.toEqual(stale);
  await expect(goesOn(2)).rejects.toEqual(stale);
  const folded = trialOf({ number: trials++, state: "paused" });
  await store.transact([resumedTrial(space, folded, { state: "queued" })]);
  expect(await read(folded.number)).toEqual({ ...folded, state: "queued" });
});

test("of a paused trial that a segment holds the item is removed unless it has gone on", async () => {
  const paused = await stored({ state: "paused" });
  await expect(store.transact([removePaused({ ...paused, attempt: 2 })])).rejects.toEqual(stale);
  await store.transact([removePaused(paused)]);
  expect(await read(paused.number)).toBeNull();
  const running = await stored();
  await expect(store.transact([removePaused(running)])).rejects.toEqual(stale);
  expect(await read(running.number)).toEqual(running);
});

test("a step on a checkpoint is taken while the trial still holds the one that was read, or none", async () => {
  const without = await stored();
  const change = { reason: "seen" };
  await store.transact([changeTrial(without, change, sameCheckpoint(without))]);
  await store.transact([changeTrial(without, { checkpoint: "c" })]);
  const step = (read: typeof without) =>
    store.transact([changeTrial(without, { reason: "late" }, sameCheckpoint(read))]);
  await expect(step(without)).rejects.toEqual(stale);
  await expect(step({ ...without, checkpoint: "b" })).rejects.toEqual(stale);
  await step({ ...without, checkpoint: "c" });
  expect(await read(without.number)).toMatchObject({ checkpoint: "c", reason: "late" });
});

test("completed, pruned and failed are the ends of a trial", () => {
  expect((["completed", "pruned", "failed"] as const).every(isFinished)).toBe(true);
  expect((["queued", "running", "paused"] as const).some(isFinished)).toBe(false);
});
