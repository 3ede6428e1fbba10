import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { StudyNotFound } from "../../../../shared/errors.ts";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { reconcile } from "../../../../shared/service/repair/reconcile.ts";
import { continueDeletion, deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { listTrials } from "../../../../shared/service/trials/read.ts";
import { listDeletions } from "../../../../shared/store/deletion.ts";
import { findHead } from "../../../../shared/store/head.ts";
import { putHint } from "../../../../shared/store/hint.ts";
import { teamKey } from "../../../../shared/store/keys.ts";
import { newReport } from "../../../../shared/store/report.ts";
import { newRung, newRungEntry } from "../../../../shared/store/rung.ts";
import { batchWorld, halvingScheduler } from "../../../support/batch.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { Crash, injectFaults } from "../../../support/faults.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { Machine } from "../../../support/machine.ts";
import { keyed, noReceipt, TEAM } from "../../../support/service.ts";
import { trialOf } from "../../../support/study.ts";
import type { TestTable } from "../../../support/table.ts";

const table = await createTestTable();

/** Every key in the table that has to do with a study. */
const keysOf = async ({ client, tableName }: TestTable, study: string): Promise<string[]> => {
  const keys: string[] = [];
  let start: Record<string, { S: string }> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName: tableName, ConsistentRead: true, ExclusiveStartKey: start }),
    );
    for (const item of page.Items ?? []) keys.push(`${item.pk?.S} ${item.sk?.S}`);
    start = page.LastEvaluatedKey as typeof start;
  } while (start !== undefined);
  return keys.filter((key) => key.includes(study));
};

const remove = ({ deps, study }: Pick<ClientWorld, "deps" | "study">) => deleteStudy(deps, study, noReceipt);

/** A study with an item of every kind but a segment: hint, reports, rungs of two ladders, trials. */
const small = async () => {
  const world = await clientWorld(table);
  const { deps, study } = world;
  await world.ask(undefined, 2);
  await world.report(0, 1, 0.5);
  await world.report(0, 2, 0.6);
  await world.report(1, 0.5, 0.6);
  await world.tell(0, 0.5);
  await deps.store.update(
    putHint(study.id, { algorithm: "gp", revision: 1, trials: 5, values: [1] }, world.clock.now),
  );
  await deps.store.transact([
    newRung({ study: study.id, bracket: 0, rung: 0 }, [0, 1]),
    newRungEntry({ study: study.id, bracket: 0, rung: 0 }, 0, { accuracy: 0.5 }),
    newRungEntry({ study: study.id, bracket: 1, rung: 0 }, 1, null),
  ]);
  return world;
};

test("a deleted study leaves nothing in the table", async () => {
  const world = await small();
  await world.importSegment(60);
  const other = await small();
  const others = await keysOf(table, other.study.id);
  expect((await keysOf(table, world.study.id)).length).toBeGreaterThan(10);
  await remove(world);
  expect(await keysOf(table, world.study.id)).toEqual([]);
  expect(await keysOf(table, other.study.id)).toEqual(others);
});

test("it is gone for every caller at once, for those too whose process still knows it", async () => {
  const world = await clientWorld(table);
  await world.ask();
  const { study, process } = world;
  // The process dies as soon as the deletion is committed.
  const restore = injectFaults(world.client, (command) => (command === TRANSACT ? "crash-after" : "none"));
  await expect(remove(world)).rejects.toThrow(Crash);
  restore();
  const gone = { type: "study-not-found", facts: { study: study.id } };
  const params = { C: 1, gamma: 0.1 };
  await expect(askTrials(process(), study, {}, noReceipt)).rejects.toMatchObject(gone);
  await expect(world.read()).rejects.toMatchObject(gone);
  await expect(listTrials(process(), study, {})).rejects.toMatchObject(gone);
  await expect(addTrials(process(), study, { trials: [{ params }] }, noReceipt)).rejects.toMatchObject(gone);
  await expect(patchStudy(process(), study, { state: "running" }, noReceipt)).rejects.toMatchObject(gone);
  await expect(remove(world)).rejects.toMatchObject(gone);
  // Until its spec is deleted a process may load it, and finds nothing to do.
  expect(await findHead(world.deps.store, study.id)).toMatchObject({ state: "deleting", started: false });

  expect(await continueDeletion(process(), study.id)).toBe(true);
  await expect(loadStudy(process(), TEAM, study.id)).rejects.toMatchObject(gone);
  expect(await keysOf(table, study.id)).toEqual([]);
});

test("of two deletions at once one is made, and the team counts the study once", async () => {
  const world = await clientWorld(table);
  const count = async () => Number((await world.deps.store.get(teamKey(TEAM)))?.studies);
  const counted = await count();
  before(world.client, TRANSACT, () => remove({ ...world, deps: world.process() }));
  await expect(remove(world)).rejects.toMatchObject({ type: "study-not-found" });
  expect(await count()).toBe(counted - 1);
});

test("a deletion that is committed and not yet carried out is not made twice", async () => {
  const world = await clientWorld(table);
  const count = async () => Number((await world.deps.store.get(teamKey(TEAM)))?.studies);
  const counted = await count();
  const die = async () => {
    const restore = injectFaults(world.client, (command) => (command === TRANSACT ? "crash-after" : "none"));
    await expect(remove({ ...world, deps: world.process() })).rejects.toThrow(Crash);
    restore();
  };
  before(world.client, TRANSACT, die);
  await expect(remove(world)).rejects.toMatchObject({ type: "study-not-found" });
  expect(await count()).toBe(counted - 1);
  expect(await continueDeletion(world.deps, world.study.id)).toBe(true);
});

test("a deletion is repeated with its key, without it the study is not found", async () => {
  const { deps, study } = await clientWorld(table);
  const write = keyed(`delete ${study.id}`);
  await deleteStudy(deps, study, write);
  await deleteStudy(deps, study, write);
  await expect(deleteStudy(deps, study, noReceipt)).rejects.toMatchObject({ type: "study-not-found" });
});

test("a deletion that dies at any call is finished by the reconciler, and leaves nothing", async () => {
  // The first two calls read the head and commit the deletion.
  for (let call = 2; ; call++) {
    const world = await small();
    let met = false;
    const restore = injectFaults(world.client, (_, i) => {
      if (i === call) met = true;
      return i === call ? "crash-before" : "none";
    });
    await remove(world).catch((error) => {
      if (!(error instanceof Crash)) throw error;
    });
    restore();
    if (met) expect(await listDeletions(world.deps.store), `call ${call}`).toContain(world.study.id);
    const repair = world.process({ batch: { ...world.deps.batch, listAlive: async () => [] } });
    await reconcile(repair, world.clock.now + 60_000);
    expect(await keysOf(table, world.study.id), `call ${call}`).toEqual([]);
    if (!met) {
      expect(call).toBeGreaterThan(12);
      return;
    }
  }
});

test("a study with more reports than one pass deletes is deleted in several", async () => {
  const world = await clientWorld(table, { budget: { trials: 25 } });
  const { deps, study } = world;
  await world.ask(undefined, 25);
  for (let number = 0; number < 25; number++) {
    const trial = trialOf({ study: study.id, number });
    const steps = Array.from({ length: 90 }, (_, step) => step);
    await deps.store.transact(
      steps.map((step) => newReport(trial, step, { accuracy: 0.5 }, world.clock.now)),
    );
  }
  await remove(world);
  expect(await findHead(deps.store, study.id)).toMatchObject({ state: "deleting", sweptReports: 22 });
  expect(await continueDeletion(deps, study.id)).toBe(true);
  expect(await keysOf(table, study.id)).toEqual([]);
  expect(await continueDeletion(deps, study.id)).toBe(true);
});

test("the jobs, the rounds and the job definition of a deleted batch study end before its items go", async () => {
  const world = await batchWorld({ scheduler: halvingScheduler, budget: { trials: 3, parallel: 3 } });
  await world.start();
  const machine = new Machine(world);
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  expect(world.batch.alive()).toHaveLength(3);
  await remove(world);
  expect(world.batch.alive()).toEqual([]);
  expect(world.batch.definitions.size).toBe(0);
  expect(world.rounds.executions.get(`${world.study.id}-1`)).toBe("ended");
  expect(await keysOf(world, world.study.id)).toEqual([]);
  await expect(startStudy(world.deps, world.study, noReceipt)).rejects.toMatchObject({
    type: "study-not-found",
  });
});

test("while its jobs cannot be ended a study keeps the items that name them", async () => {
  const world = await batchWorld({ budget: { trials: 2, parallel: 2 } });
  await world.launch();
  const terminate = world.batch.terminate.bind(world.batch);
  world.batch.terminate = () => Promise.reject(new Error("down"));
  await remove(world);
  expect((await keysOf(world, world.study.id)).length).toBeGreaterThan(2);
  world.batch.terminate = terminate;
  await world.reconcile();
  expect(world.batch.alive()).toEqual([]);
  expect(await keysOf(world, world.study.id)).toEqual([]);
});

test("a deletion stands when the jobs of the study cannot be looked up after it", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  const deps = world.process();
  const transact = deps.store.transact.bind(deps.store);
  deps.store.transact = async (changes) => {
    await transact(changes);
    deps.store.query = () => Promise.reject(new Error("away"));
  };
  await expect(deleteStudy(deps, world.study, noReceipt)).resolves.toBeUndefined();
  await expect(world.snapshot()).rejects.toThrow(StudyNotFound);
  await world.reconcile();
  expect(world.batch.alive()).toEqual([]);
});
