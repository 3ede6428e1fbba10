import { expect, test } from "vitest";
import { newHead } from "../../../shared/store/head.ts";
import { putHint } from "../../../shared/store/hint.ts";
import { studyPartition } from "../../../shared/store/keys.ts";
import {
  readRunningJobs,
  readUnfolded,
  removeSegments,
  removeUnfolded,
} from "../../../shared/store/partition.ts";
import { encodeSegment, newSegment } from "../../../shared/store/segment.ts";
import { newSpec } from "../../../shared/store/spec.ts";
import { newTrial } from "../../../shared/store/trial.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { headOf, jobOf, loadedStudy, NOON, specOf, trialOf } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

const { space } = loadedStudy();
const hint = { algorithm: "gp", revision: 1, trials: 5, values: [1, 2] };
const folded = (study: string) =>
  newSegment(study, 0, encodeSegment(space, [trialOf({ study, number: 99, state: "completed" })]));

/** A study with a head, a spec, a segment and trials of these numbers. */
const stored = async (study: string, numbers: readonly number[]) => {
  await store.transact([
    newHead(headOf({ next: 100 }, study)),
    newSpec(study, specOf()),
    folded(study),
    ...numbers.map((number) => newTrial(space, trialOf({ study, number }))),
  ]);
};

test("one read gives the head and the unfolded trials in order of their numbers, no spec and no segment", async () => {
  await stored("study-a", [10, 9, 100]);
  const items = await readUnfolded(store, { id: "study-a", space });
  expect(items).toEqual({
    head: headOf({ next: 100 }, "study-a"),
    hint: null,
    trials: [9, 10, 100].map((number) => trialOf({ study: "study-a", number })),
  });
});

test("the hint comes with them, and is no trial", async () => {
  await stored("study-b", [1]);
  await store.update(putHint("study-b", hint, NOON));
  const items = await readUnfolded(store, { id: "study-b", space });
  expect(items?.hint).toEqual(hint);
  expect(items?.trials.map(({ number }) => number)).toEqual([1]);
});

test("without a head there is no study, whatever else lies in its partition", async () => {
  expect(await readUnfolded(store, { id: "study-none", space })).toBeNull();
  await store.transact([newTrial(space, trialOf({ study: "study-none" }))]);
  await store.update(putHint("study-none", hint, NOON));
  expect(await readUnfolded(store, { id: "study-none", space })).toBeNull();
});

test("the jobs that run trials of a study are found by their ids, in whatever state the study is", async () => {
  const job = (jobId: string | null) => jobOf({ jobId });
  const trials = [
    trialOf({ study: "study-e", number: 0, state: "running", job: job("job-0") }),
    trialOf({ study: "study-e", number: 1, state: "running", job: job(null) }),
    trialOf({ study: "study-e", number: 2, state: "queued", job: job("job-2") }),
    trialOf({ study: "study-e", number: 3, state: "completed", job: job("job-3") }),
    trialOf({ study: "study-e", number: 4, state: "running", job: null }),
    trialOf({ study: "study-e", number: 5, state: "running", job: job("job-5") }),
  ];
  await store.transact([
    newHead(headOf({ state: "deleting" }, "study-e")),
    ...trials.map((trial) => newTrial(space, trial)),
  ]);
  expect(await readRunningJobs(store, "study-e")).toEqual(["job-0", "job-5"]);
});

test("the unfolded trials and the hint are removed in passes of a size, the segments by their keys; head and spec stay", async () => {
  await stored("study-c", [0, 1, 2, 3]);
  await store.update(putHint("study-c", hint, NOON));
  await stored("study-d", [0]);
  const left = async () => (await store.query(studyPartition("study-c"), " ", "~")).map(({ sk }) => sk);
  expect(await removeUnfolded(store, "study-c", 3)).toBe(false);
  expect(await left()).toHaveLength(6);
  while (!(await removeUnfolded(store, "study-c", 3))) expect((await left()).length).toBeGreaterThan(3);
  expect(await left()).toEqual(["A#HEAD", "S#SEG#000000", "Z#SPEC"]);
  await removeSegments(store, headOf({ segments: 1 }, "study-c"));
  expect(await left()).toEqual(["A#HEAD", "Z#SPEC"]);
  expect((await readUnfolded(store, { id: "study-d", space }))?.trials).toHaveLength(1);
  expect(await removeUnfolded(store, "study-c", 3)).toBe(true);
  expect(await removeUnfolded(store, "study-none", 3)).toBe(true);
});
