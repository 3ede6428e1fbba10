import { expect, test } from "vitest";
import { StudyNotFound } from "../../../../shared/errors.ts";
import { EMPTY_TABLE } from "../../../../shared/scheduler/rung-table.ts";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { reconcile } from "../../../../shared/service/repair/reconcile.ts";
import { continueDeletion, deleteStudy, SETTLED_MS } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { listTrials } from "../../../../shared/service/trials/read.ts";
import { type Deletion, listDeletions } from "../../../../shared/store/deletion.ts";
import { changeHead, findHead } from "../../../../shared/store/head.ts";
import { putHint } from "../../../../shared/store/hint.ts";
import { teamKey } from "../../../../shared/store/keys.ts";
import { newReport } from "../../../../shared/store/report.ts";
import { newRung, newRungEntry } from "../../../../shared/store/rung.ts";
import { changeTable, noteLost } from "../../../../shared/store/rung-table.ts";
import { newTrial } from "../../../../shared/store/trial.ts";
import { halvingScheduler, memoryWorld } from "../../../support/batch.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { Crash, injectFaults, retryAtOnce } from "../../../support/faults.ts";
import { before, commandsOf, TRANSACT, UPDATE } from "../../../support/interleave.ts";
import { Machine } from "../../../support/machine.ts";
import { createMemoryTable, type TestMemoryTable } from "../../../support/memory-table/client.ts";
import { keyed, noReceipt, TEAM } from "../../../support/service.ts";
import { trialOf } from "../../../support/study.ts";

const memory = createMemoryTable();
retryAtOnce(memory.client);

/** Every key in the table that has to do with a study. */
const keysOf = ({ table }: Pick<TestMemoryTable, "table">, study: string): string[] =>
  table
    .keys()
    .map(({ pk, sk }) => `${pk} ${sk}`)
    .filter((key) => key.includes(study));

/** A table of a rung that there is not yet. */
const UNREAD = { table: EMPTY_TABLE, rev: 0, failed: 0 };

const remove = ({ deps, study }: Pick<ClientWorld, "deps" | "study">) => deleteStudy(deps, study, noReceipt);

/** The item that says that a study is being deleted. */
const deletionOf = async ({ deps, study }: Pick<ClientWorld, "deps" | "study">): Promise<Deletion> => {
  const deletion = (await listDeletions(deps.store)).find((one) => one.study === study.id);
  if (deletion === undefined) throw new Error(`${study.id} is not being deleted.`);
  return deletion;
};

/** The reconciler's visits until nothing is left, the last of them when no request can be alive that began before. */
const sweep = async ({ process, clock }: Pick<ClientWorld, "process" | "clock">): Promise<void> => {
  const deps = process({ batch: { ...process().batch, listAlive: async () => [] } });
  await reconcile(deps, clock.now + 60_000);
  clock.now += SETTLED_MS;
  await reconcile(deps, clock.now + 60_000);
};

/** A study with an item of every kind but a segment: hint, reports, rungs of two ladders and their tables, trials. */
const small = async () => {
  const world = await clientWorld(memory);
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
    changeTable({ study: study.id, bracket: 0, rung: 0, table: 0 }, UNREAD, EMPTY_TABLE),
    noteLost({ study: study.id, bracket: 1, rung: 0, table: 0 }, 0),
    noteLost({ study: study.id, bracket: 1, rung: 1, table: 0 }, 1),
  ]);
  return world;
};

test("a deleted study leaves nothing in the table, and its deletion answers before the rest is swept", async () => {
  const world = await small();
  await world.importSegment(60);
  const keyedAsk = { receipt: { id: "ask-of-deleted", body: "body", study: world.study.id } };
  await askTrials(world.deps, world.study, {}, keyedAsk);
  const other = await small();
  const others = keysOf(memory, other.study.id);
  expect(keysOf(memory, world.study.id).length).toBeGreaterThan(10);
  const commands = await commandsOf(memory.client, () => remove(world));
  expect(commands).toEqual(["GetItemCommand", TRANSACT, "GetItemCommand"]);
  await sweep(world);
  expect(keysOf(memory, world.study.id)).toEqual([]);
  expect(keysOf(memory, other.study.id)).toEqual(others);
});

test("it is gone for every caller at once, for those too whose process still knows it", async () => {
  const world = await clientWorld(memory);
  await world.ask();
  const { study, process } = world;
  // The process dies as soon as the deletion is committed.
  const restore = injectFaults(world.client, (command) => (command === TRANSACT ? "crash-after" : "none"));
  await expect(remove(world)).rejects.toThrow(Crash);
  restore();
  const gone = { type: "study-not-found", facts: { study: study.id } };
  const params = { C: 1, gamma: 0.1 };
  await expect(world.tell(0, 0.5)).rejects.toMatchObject(gone);
  await expect(world.report(0, 1, 0.5)).rejects.toMatchObject(gone);
  await expect(world.heartbeat(0)).rejects.toMatchObject(gone);
  await expect(world.detail(0)).rejects.toMatchObject(gone);
  await expect(askTrials(process(), study, {}, noReceipt)).rejects.toMatchObject(gone);
  await expect(world.read()).rejects.toMatchObject(gone);
  await expect(listTrials(process(), study, {})).rejects.toMatchObject(gone);
  await expect(addTrials(process(), study, { trials: [{ params }] }, noReceipt)).rejects.toMatchObject(gone);
  await expect(patchStudy(process(), study, { state: "running" }, noReceipt)).rejects.toMatchObject(gone);
  await expect(remove(world)).rejects.toMatchObject(gone);
  // Until its spec is deleted a process may load it, and finds nothing to do.
  expect(await findHead(world.deps.store, study.id)).toMatchObject({ state: "deleting", started: false });

  await sweep(world);
  await expect(loadStudy(process(), TEAM, study.id)).rejects.toMatchObject(gone);
  expect(keysOf(memory, study.id)).toEqual([]);
});

test("of two deletions at once one is made, and the team counts the study once", async () => {
  const world = await clientWorld(memory);
  const count = async () => Number((await world.deps.store.get(teamKey(TEAM)))?.studies);
  const counted = await count();
  before(world.client, TRANSACT, () => remove({ ...world, deps: world.process() }));
  await expect(remove(world)).rejects.toMatchObject({ type: "study-not-found" });
  expect(await count()).toBe(counted - 1);
});

test("a deletion that is committed and not yet carried out is not made twice", async () => {
  const world = await clientWorld(memory);
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
  await sweep(world);
  expect(keysOf(memory, world.study.id)).toEqual([]);
});

test("a deletion is repeated with its key, without it the study is not found", async () => {
  const { deps, study } = await clientWorld(memory);
  const write = keyed(`delete ${study.id}`);
  await deleteStudy(deps, study, write);
  await deleteStudy(deps, study, write);
  await expect(deleteStudy(deps, study, noReceipt)).rejects.toMatchObject({ type: "study-not-found" });
});

test("a deletion and a sweep that die at any call are finished by the reconciler, and leave nothing", async () => {
  let calls = 0;
  for (let call = 0, met = true; met; call++) {
    const world = await small();
    await remove(world);
    met = false;
    const restore = injectFaults(world.client, (_, i) => {
      if (i === call) met = true;
      return i === call ? "crash-before" : "none";
    });
    // A crash ends the process; a reconciler that lives on meets it as a fault of this study.
    await sweep(world).catch((error) => {
      if (!(error instanceof Crash)) throw error;
    });
    restore();
    if (met) calls++;
    world.clock.now += SETTLED_MS;
    await sweep(world);
    expect(keysOf(memory, world.study.id), `call ${call}`).toEqual([]);
  }
  expect(calls).toBeGreaterThan(50);
});

test("a study with more trials than one pass sweeps is swept in several, and the reports of each trial go", async () => {
  const world = await clientWorld(memory, { budget: { trials: 1200 } });
  const { deps, study } = world;
  const head = await findHead(deps.store, study.id);
  await deps.store.update(changeHead(head!, { next: 1200 }));
  for (const number of [0, 499, 500, 1199]) {
    const trial = trialOf({ study: study.id, number });
    const steps = Array.from({ length: 90 }, (_, step) => step);
    await deps.store.transact([
      newTrial(study.space, trial),
      ...steps.map((step) => newReport(trial, step, { accuracy: 0.5 }, world.clock.now)),
    ]);
  }
  await remove(world);
  const deletion = await deletionOf(world);
  // Requests that began before the deletion may still report.
  expect(await continueDeletion(deps, deletion)).toBe("settling");
  expect(await continueDeletion(deps, deletion)).toBe("settling");
  world.clock.now += SETTLED_MS;
  expect(await continueDeletion(deps, deletion)).toBe("unfinished");
  expect(await findHead(deps.store, study.id)).toMatchObject({ state: "deleting", sweptReports: 500 });
  expect(await continueDeletion(deps, deletion)).toBe("unfinished");
  expect(await continueDeletion(deps, deletion)).toBe("gone");
  expect(keysOf(memory, study.id)).toEqual([]);
  expect(await continueDeletion(deps, deletion)).toBe("gone");
  expect(keysOf(memory, study.id)).toEqual([]);
});

test("a report that extended its lease before the deletion, and is written after the first sweep, is deleted", async () => {
  const world = await clientWorld(memory);
  await world.ask();
  before(
    world.client,
    UPDATE,
    async () => {
      await remove({ ...world, deps: world.process() });
      const deps = world.process({ batch: { ...world.process().batch, listAlive: async () => [] } });
      await reconcile(deps, world.clock.now + 60_000);
    },
    2,
  );
  await world.report(0, 1, 0.5);
  expect(keysOf(memory, world.study.id).some((key) => key.includes("REPORT#"))).toBe(true);
  world.clock.now += SETTLED_MS;
  await sweep(world);
  expect(keysOf(memory, world.study.id)).toEqual([]);
});

test("two reconcilers that sweep the same study at once leave nothing", async () => {
  const world = await small();
  await remove(world);
  world.clock.now += SETTLED_MS;
  const deletion = await deletionOf(world);
  // One has read the head; the other finishes everything before it goes on.
  before(world.client, "BatchWriteItemCommand", () => continueDeletion(world.process(), deletion));
  expect(await continueDeletion(world.deps, deletion)).toBe("gone");
  expect(keysOf(memory, world.study.id)).toEqual([]);
});

test("the jobs, the rounds and the job definition of a deleted batch study end before its items go", async () => {
  const world = await memoryWorld({ scheduler: halvingScheduler, budget: { trials: 3, parallel: 3 } });
  await world.start();
  const machine = new Machine(world);
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  expect(world.batch.alive()).toHaveLength(3);
  await remove(world);
  expect(world.batch.alive()).toEqual([]);
  expect(world.batch.definitions.size).toBe(0);
  expect(world.rounds.executions.get(`${world.study.id}-1`)).toBe("ended");
  world.clock.now += SETTLED_MS;
  await world.reconcile();
  expect(keysOf(world, world.study.id)).toEqual([]);
  await expect(startStudy(world.deps, world.study, noReceipt)).rejects.toMatchObject({
    type: "study-not-found",
  });
});

test("while its jobs cannot be ended a study keeps the items that name them", async () => {
  const world = await memoryWorld({ budget: { trials: 2, parallel: 2 } });
  await world.launch();
  const terminate = world.batch.terminate.bind(world.batch);
  world.batch.terminate = () => Promise.reject(new Error("down"));
  await remove(world);
  world.clock.now += SETTLED_MS;
  await world.reconcile();
  expect(keysOf(world, world.study.id).length).toBeGreaterThan(2);
  world.batch.terminate = terminate;
  await world.reconcile();
  expect(world.batch.alive()).toEqual([]);
  expect(keysOf(world, world.study.id)).toEqual([]);
});

test("a deletion stands when the jobs of the study cannot be looked up after it", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
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
