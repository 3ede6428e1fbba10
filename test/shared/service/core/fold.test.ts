import { expect, test } from "vitest";
import { StaleAttempt } from "../../../../shared/errors.ts";
import { FOLD_AT, foldIfDue, KEEP } from "../../../../shared/service/core/fold.ts";
import { loadStudy } from "../../../../shared/service/core/load.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { exportTrials } from "../../../../shared/service/trials/read.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { changeTrial } from "../../../../shared/store/trial.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { injectFaults } from "../../../support/faults.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { makeStudy, noReceipt, TEAM, testDeps } from "../../../support/service.ts";
import { jobOf } from "../../../support/study.ts";

const table = await createTestTable({ maxAttempts: 2 });

test("a long study is folded, reads the same, and old trials still answer", async () => {
  const { client, tableName } = await createTestTable();
  const deps = testDeps(client, tableName);
  const study = await makeStudy(deps, { budget: { trials: 2 * FOLD_AT + 100 } });
  const told = new Map<number, string>();
  for (let asked = 0; asked < 2 * FOLD_AT + 100; ) {
    const { trials } = await askTrials(deps, study, { count: 50 }, noReceipt);
    asked += trials.length;
    await Promise.all(
      trials.map(async ({ number, params }) => {
        const values = { accuracy: Math.sin(number), loss: number * 1e-300 };
        told.set(number, JSON.stringify({ params, values }));
        await tellTrial(deps, study, number, { attempt: 1, values }, noReceipt);
      }),
    );
  }
  const cold = testDeps(client, tableName);
  const again = await loadStudy(cold, TEAM, study.id);
  const { trials: exported } = await exportTrials(cold, again);
  expect(
    exported.map((trial) => [trial.number, JSON.stringify({ params: trial.params, values: trial.values })]),
  ).toEqual([...told].sort(([a], [b]) => a - b));
  const open = await cold.store.query(`STUDY#${study.id}`, "B", "C");
  expect(open.length).toBeLessThan(FOLD_AT + 60);
  const read = await readStudy(cold, again);
  expect(read.trials.completed).toBe(2 * FOLD_AT + 100);
  const best = [...told.keys()].reduce((a, b) => (Math.sin(b) > Math.sin(a) ? b : a));
  expect(read.best[0]?.number).toBe(best);

  const first = JSON.parse(told.get(0) ?? "{}").values;
  await expect(tellTrial(cold, again, 0, { attempt: 1, values: first }, noReceipt)).resolves.toEqual({
    number: 0,
    state: "completed",
  });
  await expect(
    tellTrial(cold, again, 0, { attempt: 1, values: { accuracy: 9 } }, noReceipt),
  ).rejects.toMatchObject({ type: "already-told" });
  await expect(tellTrial(cold, again, 0, { attempt: 2, values: first }, noReceipt)).rejects.toThrow(
    StaleAttempt,
  );
});

test("what an ask finds long is folded, the oldest first; the last ones to end stay in the tail", async () => {
  const world = await clientWorld(table, { budget: { trials: 1000 } });
  await world.fillTail(FOLD_AT - 1);
  await world.ask();
  expect((await world.snapshot()).head.segments).toBe(0);
  world.clock.now += 1000;
  await world.tell(FOLD_AT - 1, 0.5);
  await world.ask();
  const { head, trials } = await world.snapshot();
  expect(head).toMatchObject({ segments: 1, unswept: -1, folded: { completed: FOLD_AT - KEEP } });
  const finished = trials.filter(({ state }) => state === "completed").map(({ number }) => number);
  expect(finished).toEqual(Array.from({ length: KEEP }, (_, i) => FOLD_AT - KEEP + i));
  expect(trials.filter(({ state }) => state === "running")).toHaveLength(1);
});

test("failed and pruned trials are counted as such, and running ones are never folded", async () => {
  const world = await clientWorld(table, { budget: { trials: 1000 } });
  await world.ask(undefined, 3);
  await tellTrial(world.deps, world.study, 2, { attempt: 1, pruned: { reason: "flat" } }, noReceipt);
  await tellTrial(world.deps, world.study, 0, { attempt: 1, failed: { reason: "oom" } }, noReceipt);
  world.clock.now += 1000;
  await world.fillTail();
  await foldIfDue(world.deps, world.study, await world.snapshot());
  const { head, trials } = await world.snapshot();
  expect(head.folded).toEqual({ completed: FOLD_AT - KEEP, pruned: 1, failed: 1 });
  expect(trials.map(({ number }) => number)).toContain(1);
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: "oom" });
  expect((await world.read()).trials).toMatchObject({
    completed: FOLD_AT,
    pruned: 1,
    failed: 1,
    running: 1,
  });
});

test("a trial that a state machine waits for is not folded: its item holds the token to answer", async () => {
  const world = await clientWorld(table);
  await world.ask();
  await world.tell(0, 0.5);
  await world.deps.store.update(changeTrial(await world.trial(0), { job: jobOf({ taskTokens: ["token"] }) }));
  world.clock.now += 1000;
  await world.fillTail();
  await foldIfDue(world.deps, world.study, await world.snapshot());
  const { trials } = await world.snapshot();
  expect(trials.find(({ number }) => number === 0)?.job?.taskTokens).toEqual(["token"]);
});

test("of two folds at once one is made", async () => {
  const world = await clientWorld(table);
  await world.fillTail();
  const seen = await world.snapshot();
  before(table.client, TRANSACT, () => foldIfDue(world.process(), world.study, seen));
  await foldIfDue(world.deps, world.study, seen);
  expect((await world.snapshot()).head).toMatchObject({
    segments: 1,
    unswept: -1,
    folded: { completed: FOLD_AT - KEEP },
  });
  expect((await world.read()).trials.completed).toBe(FOLD_AT);
});

test("a fold that died before its sweep is swept by the next, and nothing is folded twice", async () => {
  const world = await clientWorld(table);
  await world.fillTail();
  const restore = injectFaults(table.client, (command) => (command === TRANSACT ? "crash-after" : "none"));
  await foldIfDue(world.process(), world.study, await world.snapshot());
  restore();
  const folded = { ...(await world.snapshot()).head.folded };
  expect((await world.snapshot()).head).toMatchObject({ segments: 1, unswept: 0 });
  await foldIfDue(world.process(), world.study, await world.snapshot());
  expect((await world.snapshot()).head).toMatchObject({ segments: 1, unswept: -1, folded });
  expect(await world.deps.store.query(`STUDY#${world.study.id}`, "B", "C")).toHaveLength(KEEP);
  expect((await world.read()).trials.completed).toBe(FOLD_AT);
});

test("a fold that lost its head to another change is left to a later ask", async () => {
  const world = await clientWorld(table);
  await world.fillTail();
  const { deps, study } = world;
  const seen = await world.snapshot();
  before(table.client, TRANSACT, () =>
    patchStudy(world.process(), study, { budget: { parallel: 7 } }, noReceipt),
  );
  await foldIfDue(deps, study, seen);
  expect((await world.snapshot()).head).toMatchObject({ parallel: 7, segments: 0 });
  await foldIfDue(deps, study, seen);
  expect((await world.snapshot()).head).toMatchObject({ parallel: 7, segments: 1 });
});

test("a fold never fails the ask that began it", async () => {
  const world = await clientWorld(table, { budget: { trials: 1000 } });
  await world.fillTail();
  const lines: string[] = [];
  const deps = world.process({ log: (event) => lines.push(event) });
  let transactions = 0;
  const restore = injectFaults(table.client, (command) =>
    command === TRANSACT && ++transactions === 2 ? "throttle" : "none",
  );
  expect((await askTrials(deps, world.study, {}, noReceipt)).trials).toHaveLength(1);
  restore();
  expect(lines).toEqual(["follow-up-failed"]);
  expect((await world.snapshot()).head.segments).toBe(0);
});
