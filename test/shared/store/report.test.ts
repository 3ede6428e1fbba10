import { expect, test } from "vitest";
import { trialPartition } from "../../../shared/store/keys.ts";
import { newReport, readReports, removeReports } from "../../../shared/store/report.ts";
import { createTestTable } from "../../support/emulator.ts";
import { testDeps } from "../../support/service.ts";
import { NOON, STUDY, trialOf } from "../../support/study.ts";

const { client, tableName } = await createTestTable();
const { store } = testDeps(client, tableName);

const steps = async (number: number) =>
  (await readReports(store, STUDY, number)).map(({ step, attempt }) => [step, attempt]);

test("a learning curve reads back in order of its steps, fractions included, with every double as it was", async () => {
  const trial = trialOf({ number: 1 });
  for (const step of [10, 0.5, 2, 1_000_000_000, 0, 2.25]) {
    await store.transact([newReport(trial, step, { loss: step / 3 }, NOON)]);
  }
  const reports = await readReports(store, STUDY, 1);
  expect(reports.map(({ step }) => step)).toEqual([0, 0.5, 2, 2.25, 10, 1_000_000_000]);
  expect(reports[2]).toEqual({ attempt: 1, step: 2, values: { loss: 2 / 3 }, at: NOON });
});

test("a second report of the same step and attempt replaces the first", async () => {
  const trial = trialOf({ number: 2 });
  await store.transact([newReport(trial, 3, { loss: 1 }, NOON)]);
  await store.transact([newReport(trial, 3, { loss: 2 }, NOON + 1)]);
  expect(await readReports(store, STUDY, 2)).toEqual([
    { attempt: 1, step: 3, values: { loss: 2 }, at: NOON + 1 },
  ]);
});

test("the attempts of a trial keep their own points, the earlier one first", async () => {
  for (const attempt of [2, 1]) {
    for (const step of [2, 1]) {
      await store.transact([newReport(trialOf({ number: 3, attempt }), step, { loss: 1 }, NOON)]);
    }
  }
  expect(await steps(3)).toEqual([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ]);
});

test("the curve of one trial is deleted with all its points, and no other", async () => {
  for (let step = 0; step < 30; step++) {
    await store.transact([newReport(trialOf({ number: 4 }), step, { loss: 1 }, NOON)]);
  }
  await store.transact([newReport(trialOf({ number: 40 }), 1, { loss: 1 }, NOON)]);
  await removeReports(store, STUDY, 4);
  expect(await store.query(trialPartition(STUDY, 4), " ", "~")).toEqual([]);
  expect(await steps(40)).toEqual([[1, 1]]);
  await expect(removeReports(store, STUDY, 4)).resolves.toBeUndefined();
});
