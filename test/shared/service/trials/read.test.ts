import { LRUCache } from "lru-cache";
import { expect, test } from "vitest";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { bestTrials, exportTrials, listTrials, readTrial } from "../../../../shared/service/trials/read.ts";
import type { Segment } from "../../../../shared/store/segment.ts";
import { worldOn } from "../../../support/batch.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { commandsOf, QUERY } from "../../../support/interleave.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createTestTable();

/** Trials 0 to 59 in a segment, 60 running, 61 queued, 62 failed. */
const mixed = async () => {
  const world = await clientWorld(table);
  await world.importSegment(60);
  await world.ask("w1");
  const params = { C: 2, gamma: 0.5 };
  const trials = [{ params }, { params, values: { accuracy: "inf" as const } }];
  await addTrials(world.deps, world.study, { trials }, noReceipt);
  return world;
};

test("trials are listed page by page in order of their numbers, folded ones included", async () => {
  const { deps, study } = await mixed();
  const seen: number[] = [];
  let cursor: string | null | undefined;
  let pages = 0;
  do {
    const page = await listTrials(deps, study, { limit: 25, ...(cursor && { cursor }) });
    seen.push(...page.trials.map(({ number }) => number));
    cursor = page.cursor;
    pages++;
  } while (cursor !== null);
  expect(seen).toEqual(Array.from({ length: 63 }, (_, i) => i));
  expect(pages).toBe(3);
});

test("a page that ends with the last trial is the last page", async () => {
  const { deps, study } = await mixed();
  expect((await listTrials(deps, study, { limit: 63 })).cursor).toBeNull();
  expect((await listTrials(deps, study, { limit: 62 })).cursor).not.toBeNull();
  expect((await listTrials(deps, study, {})).trials).toHaveLength(63);
});

test("trials are listed by their state", async () => {
  const { deps, study } = await mixed();
  const numbers = async (state: "completed" | "running" | "queued" | "failed" | "pruned") =>
    (await listTrials(deps, study, { state, limit: 100 })).trials.map(({ number }) => number);
  expect(await numbers("completed")).toHaveLength(60);
  expect(await numbers("running")).toEqual([60]);
  expect(await numbers("queued")).toEqual([61]);
  expect(await numbers("failed")).toEqual([62]);
  expect(await numbers("pruned")).toEqual([]);
});

test("a cursor that no page gave is refused, that of another study's trials too", async () => {
  const { deps, study } = await mixed();
  const other = await mixed();
  const { cursor } = await listTrials(other.deps, other.study, { limit: 1 });
  for (const forged of ["what?", "-5", "62", "", cursor ?? ""]) {
    await expect(listTrials(deps, study, { cursor: forged }), forged).rejects.toMatchObject({
      type: "invalid-input",
      pointer: "/cursor",
    });
  }
});

test("one trial is read in full: its curve, its lost attempts and its job", async () => {
  const { clock, ask, report, deps, study } = await clientWorld(table);
  await ask("w1");
  await report(0, 1, 0.25);
  clock.now += 60_001;
  await ask("w2");
  expect(await readTrial(deps, study, 0)).toMatchObject({
    number: 0,
    attempt: 2,
    worker: "w2",
    attempts: [{ attempt: 1, end: "expired", at: "2026-11-23T12:01:00.001Z" }],
    reports: [{ attempt: 1, step: 1, values: { accuracy: 0.25 }, at: "2026-11-23T12:00:00.000Z" }],
    jobId: null,
  });
  const world = await worldOn(table.client, table.tableName);
  await world.launch();
  expect((await readTrial(world.deps, world.study, 0)).jobId).toBe(world.batch.of(0).jobId);
});

test("a folded trial is read like any other, and one that does not exist is refused", async () => {
  const { deps, study } = await mixed();
  expect(await readTrial(deps, study, 7)).toMatchObject({ state: "completed", values: { accuracy: 7 } });
  await expect(readTrial(deps, study, 63)).rejects.toMatchObject({
    type: "trial-not-found",
    facts: { trial: 63 },
  });
});

test("the best trial is found among folded and unfolded ones", async () => {
  const { deps, study, tell } = await mixed();
  expect(await bestTrials(deps, study)).toMatchObject({ trials: [{ number: 59, values: { accuracy: 59 } }] });
  await tell(60, 1000);
  expect(await bestTrials(deps, study)).toMatchObject({ trials: [{ number: 60 }] });
});

test("an export holds every finished trial in order of the numbers, and no other", async () => {
  const { deps, study } = await mixed();
  const { trials: exported } = await exportTrials(deps, study);
  expect(exported.map(({ number }) => number)).toEqual([...Array.from({ length: 60 }, (_, i) => i), 62]);
});

test("an export reads the segments once, also where a process cannot keep them", async () => {
  const { client, process, study } = await mixed();
  const deps = process();
  const warm = {
    ...deps.warm,
    segments: new LRUCache<string, Segment>({ maxSize: 1, sizeCalculation: () => 2 }),
  };
  const commands = await commandsOf(client, () => exportTrials({ ...deps, warm }, study));
  // The study, then its segments.
  expect(commands).toEqual([QUERY, QUERY]);
});
