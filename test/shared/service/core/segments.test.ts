import { expect, test } from "vitest";
import { readFolded, segmentsOf } from "../../../../shared/service/core/segments.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { commandsOf } from "../../../support/interleave.ts";
import { createMemoryTable } from "../../../support/memory-table/client.ts";
import { makeStudy, noReceipt, testDeps } from "../../../support/service.ts";

const table = await createTestTable();

/** Three segments of 60, 50 and 55 trials. */
const folded = async () => {
  const world = await clientWorld(table);
  for (const count of [60, 50, 55]) await world.importSegment(count);
  return world;
};

test("segments are read in order, from one to another", async () => {
  const { process, study } = await folded();
  const counts = async (from: number, to: number) =>
    (await segmentsOf(process(), study, from, to)).map(({ count }) => count);
  expect(await counts(0, 3)).toEqual([60, 50, 55]);
  expect(await counts(1, 2)).toEqual([50]);
  expect(await counts(3, 3)).toEqual([]);
});

test("a warm process reads each segment once, whatever part it asked for first", async () => {
  const { process, study } = await folded();
  const deps = process();
  const reads = async (from: number, to: number) =>
    (await commandsOf(table.client, () => segmentsOf(deps, study, from, to))).length;
  expect(await reads(0, 1)).toBe(1);
  expect(await reads(0, 3)).toBe(1);
  expect(await reads(0, 3)).toBe(0);
  expect(await reads(1, 3)).toBe(0);
  expect((await segmentsOf(deps, study, 0, 3)).map(({ count }) => count)).toEqual([60, 50, 55]);
});

test("a segment in the middle that memory has dropped is read again, in its place", async () => {
  const { process, study } = await folded();
  const deps = process();
  await segmentsOf(deps, study, 0, 3);
  deps.warm.segments.delete(`${study.id} 1`);
  expect((await segmentsOf(deps, study, 0, 3)).map(({ count }) => count)).toEqual([60, 50, 55]);
});

test("two studies do not share segments in memory", async () => {
  const one = await folded();
  const two = await clientWorld(table);
  await two.importSegment(52);
  const deps = one.process();
  await segmentsOf(deps, one.study, 0, 1);
  expect((await segmentsOf(deps, two.study, 0, 1)).map(({ count }) => count)).toEqual([52]);
});

test("every folded trial is read, from a segment on", async () => {
  const { process, snapshot } = await folded();
  const seen = await snapshot();
  const numbers = async (from?: number) =>
    [...(await readFolded(process(), seen, from))].map(({ number }) => number);
  expect(await numbers()).toEqual(Array.from({ length: 165 }, (_, i) => i));
  expect(await numbers(2)).toEqual(Array.from({ length: 55 }, (_, i) => 110 + i));
});

test("hundreds of small segments stay in memory", async () => {
  const { client, tableName } = createMemoryTable();
  const deps = testDeps(client, tableName);
  const study = await makeStudy(deps, { budget: { trials: 1000 } });
  const trials = Array.from({ length: 50 }, (_, i) => ({
    params: { C: 1 + i, gamma: 0.1 },
    values: { accuracy: 0.5 },
  }));
  for (let k = 0; k < 410; k++) await addTrials(deps, study, { trials }, noReceipt);
  expect(await segmentsOf(deps, study, 0, 410)).toHaveLength(410);
  deps.store.query = () => Promise.reject(new Error("read again"));
  expect(await segmentsOf(deps, study, 0, 410)).toHaveLength(410);
});
