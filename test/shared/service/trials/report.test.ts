import { expect, test } from "vitest";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { readTrial } from "../../../../shared/service/trials/read.ts";
import { heartbeatTrial, reportTrial } from "../../../../shared/service/trials/report.ts";
import { readReports } from "../../../../shared/store/report.ts";
import { readRungTables } from "../../../../shared/store/rung-table.ts";
import { worldOn } from "../../../support/batch.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { Crash, injectFaults } from "../../../support/faults.ts";
import { before, TRANSACT, UPDATE } from "../../../support/interleave.ts";
import { stopWorst } from "../../../support/schedulers.ts";
import { keyed, noReceipt } from "../../../support/service.ts";

const table = await createTestTable();
const setUp = (change: Parameters<typeof clientWorld>[1] = {}) => clientWorld(table, change);

/** Compares trials at step 3: stops one that is worse than all others, pauses one that ties with another. */
const scheduled = (change: Parameters<typeof clientWorld>[1] = {}) =>
  clientWorld(table, { instead: stopWorst.create({ at: 3 }, "client"), ...change });

/** The costs that a rung has seen, by trial. */
const entries = async ({ deps, study }: ClientWorld, rung = 0) => {
  const tables = await readRungTables(deps.store, { study: study.id, bracket: 0, rung });
  const standings = [...tables.values()].flatMap(({ table: known }) => known.sample);
  return new Map(standings.map(({ trial, costs }) => [trial, costs[0]]));
};

test("reports and heartbeats extend the lease and keep the learning curve", async () => {
  const { clock, ask, deps, study } = await setUp();
  await ask("w1");
  clock.now += 50_000;
  const report = await reportTrial(
    deps,
    study,
    0,
    { attempt: 1, step: 2, values: { accuracy: 0.4 } },
    noReceipt,
  );
  expect(report).toMatchObject({ decision: "continue", leaseExpires: "2026-11-23T12:01:50.000Z" });
  await reportTrial(deps, study, 0, { attempt: 1, step: 10, values: { accuracy: 0.6 } }, noReceipt);
  await reportTrial(deps, study, 0, { attempt: 1, step: 10, values: { accuracy: 0.61 } }, noReceipt);
  clock.now += 50_000;
  await heartbeatTrial(deps, study, 0, { attempt: 1 }, noReceipt);
  clock.now += 50_000;
  expect((await ask("w2")).trials[0]?.number).toBe(1);
  expect(
    (await readTrial(deps, study, 0)).reports.map(({ step, values }) => [step, values.accuracy]),
  ).toEqual([
    [2, 0.4],
    [10, 0.61],
  ]);
});

test("a report of an attempt that lost its trial is refused and records nothing", async () => {
  const { clock, ask, report, heartbeat, trial, detail } = await setUp();
  await ask("w1");
  clock.now += 60_001;
  await ask("w2");
  const taken = await trial(0);
  await expect(report(0, 1, 0.5)).rejects.toMatchObject({
    type: "stale-attempt",
    facts: { trial: 0, given: 1, current: 2 },
  });
  await expect(heartbeat(0, 1)).rejects.toMatchObject({ type: "stale-attempt" });
  expect(await trial(0)).toEqual(taken);
  expect((await detail(0)).reports).toEqual([]);
});

test("a report of a trial that has ended is refused", async () => {
  const { ask, tell, report, heartbeat, detail } = await setUp();
  await ask();
  await tell(0, 0.5);
  await expect(report(0, 1, 0.5)).rejects.toMatchObject({ type: "stale-attempt", facts: { current: 2 } });
  await expect(heartbeat(0)).rejects.toMatchObject({ type: "stale-attempt" });
  expect((await detail(0)).reports).toEqual([]);
});

test("a report of a trial that does not exist is refused as that", async () => {
  const { report } = await setUp();
  await expect(report(5, 1, 0.5)).rejects.toMatchObject({ type: "trial-not-found" });
});

test("a trial that another worker takes between a report's read and its write keeps its new lease", async () => {
  const { clock, ask, report, trial, detail, client, process, study } = await setUp();
  await ask("w1");
  clock.now += 60_001;
  before(client, UPDATE, () => askTrials(process(), study, { worker: "w2" }, noReceipt));
  await expect(report(0, 1, 0.5)).rejects.toMatchObject({ type: "stale-attempt" });
  expect(await trial(0)).toMatchObject({ attempt: 2, worker: "w2" });
  expect((await detail(0)).reports).toEqual([]);
});

test("a heartbeat extends the lease and records nothing", async () => {
  const { clock, ask, heartbeat, trial, detail } = await setUp();
  await ask();
  clock.now += 30_000;
  expect(await heartbeat(0)).toEqual({
    decision: "continue",
    reason: "the lease was extended",
    leaseExpires: "2026-11-23T12:01:30.000Z",
    reportAt: null,
  });
  expect((await trial(0)).leaseExpires).toBe(clock.now + 60_000);
  expect((await detail(0)).reports).toEqual([]);
});

test("a heartbeat whose reply was lost is answered", async () => {
  const { ask, heartbeat, client } = await setUp();
  await ask();
  const restore = injectFaults(client, (command) => (command === UPDATE ? "lost-reply" : "none"));
  expect(await heartbeat(0)).toMatchObject({ decision: "continue" });
  restore();
});

test("the checkpoint of a report or heartbeat is handed to the next attempt", async () => {
  const { clock, ask, report, deps, study, trial } = await setUp();
  await ask("w1");
  await report(0, 1, 0.5, { checkpoint: "s3://bucket/1" });
  await report(0, 2, 0.5);
  expect((await trial(0)).checkpoint).toBe("s3://bucket/1");
  await heartbeatTrial(deps, study, 0, { attempt: 1, checkpoint: "s3://bucket/2" }, noReceipt);
  clock.now += 60_001;
  expect((await ask("w2")).trials).toMatchObject([{ number: 0, attempt: 2, checkpoint: "s3://bucket/2" }]);
});

test("what is not finite is left out of the curve and does not end the trial", async () => {
  const { ask, deps, study, detail } = await setUp();
  await ask();
  const body = { attempt: 1, step: 1, values: { accuracy: "nan" as const, loss: 0.25 } };
  expect(await reportTrial(deps, study, 0, body, noReceipt)).toMatchObject({ decision: "continue" });
  expect(await detail(0)).toMatchObject({ state: "running", reports: [{ step: 1, values: { loss: 0.25 } }] });
});

test("the same report with its key is answered from the receipt, another body is refused", async () => {
  const { ask, clock, deps, study } = await setUp();
  await ask();
  const report = (step: number) => {
    const body = { attempt: 1, step, values: { accuracy: 0.5 } };
    return reportTrial(deps, study, 0, body, keyed(`report ${study.id}`, body));
  };
  const first = await report(1);
  clock.now += 10_000;
  expect(await report(1)).toEqual(first);
  await expect(report(2)).rejects.toMatchObject({ type: "key-reuse" });
});

test("a report whose key is remembered is in the curve, although its process died as soon as it was written", async () => {
  const { ask, deps, study, client, detail } = await setUp();
  await ask();
  const body = { attempt: 1, step: 1, values: { accuracy: 0.5 } };
  const report = () => reportTrial(deps, study, 0, body, keyed(`lost ${study.id}`, body));
  const restore = injectFaults(client, (command) => (command === TRANSACT ? "crash-after" : "none"));
  await expect(report()).rejects.toThrow(Crash);
  restore();
  expect(await report()).toMatchObject({ decision: "continue" });
  expect((await detail(0)).reports).toMatchObject([{ step: 1, values: { accuracy: 0.5 } }]);
});

test("a trial that the scheduler lets continue is entered in the rung that its report reached", async () => {
  const world = await scheduled();
  await world.ask(undefined, 2);
  expect(await world.report(0, 2, 0.1)).toMatchObject({ decision: "continue" });
  expect(await entries(world)).toEqual(new Map());
  expect(await world.report(0, 3, 0.9)).toMatchObject({ decision: "continue" });
  expect(await entries(world)).toEqual(new Map([[0, -0.9]]));
  // It is not compared with itself.
  expect(await world.report(0, 3, 0.8)).toMatchObject({ decision: "continue" });
  expect(await entries(world)).toEqual(new Map([[0, -0.8]]));
});

test("a stop prunes the trial with what it reported, in one step: nothing more need be told", async () => {
  const world = await scheduled({ budget: { trials: 10, parallel: 2 } });
  await world.ask(undefined, 2);
  await world.report(0, 3, 0.9);
  world.clock.now += 1000;
  const reply = await world.report(1, 3, 0.2, { checkpoint: "s3://bucket/1" });
  expect(reply).toMatchObject({ decision: "stop", reason: expect.stringContaining("2nd of 2") });
  expect(await world.trial(1)).toMatchObject({
    state: "pruned",
    values: { accuracy: 0.2 },
    reason: reply.reason,
    leaseExpires: null,
    finished: world.clock.now,
    checkpoint: "s3://bucket/1",
  });
  expect((await world.detail(1)).reports).toMatchObject([{ step: 3, values: { accuracy: 0.2 } }]);
  expect(await entries(world)).toEqual(
    new Map([
      [0, -0.9],
      [1, -0.2],
    ]),
  );
  expect((await world.read()).trials).toMatchObject({ pruned: 1, running: 1 });
  // Its slot is free again.
  expect((await world.ask()).trials).toMatchObject([{ number: 2 }]);
});

test("after a stop the trial takes no other result, no report and no heartbeat", async () => {
  const world = await scheduled();
  await world.ask(undefined, 2);
  await world.report(0, 3, 0.9);
  await world.report(1, 3, 0.2);
  const pruned = await world.trial(1);
  await expect(world.tell(1, 0.99)).rejects.toMatchObject({
    type: "already-told",
    facts: { state: "pruned" },
  });
  expect(await world.tell(1, 0.2)).toEqual({ number: 1, state: "pruned" });
  await expect(world.report(1, 4, 0.3)).rejects.toMatchObject({ type: "stale-attempt" });
  await expect(world.heartbeat(1)).rejects.toMatchObject({ type: "stale-attempt" });
  expect(await world.trial(1)).toEqual(pruned);
});

test("a pause parks the trial at its new place, with its values and checkpoint", async () => {
  const world = await scheduled();
  await world.ask(undefined, 2);
  await world.report(0, 3, 0.9);
  expect(await world.report(1, 3, 0.9, { checkpoint: "s3://bucket/1" })).toMatchObject({ decision: "pause" });
  expect(await world.trial(1)).toMatchObject({
    state: "paused",
    values: { accuracy: 0.9 },
    leaseExpires: null,
    finished: world.clock.now,
    bracket: 0,
    rung: 1,
    resource: 3,
    checkpoint: "s3://bucket/1",
  });
  expect((await entries(world)).get(1)).toBe(-0.9);
  expect((await world.read()).trials).toMatchObject({ paused: 1, running: 1 });
  await expect(world.heartbeat(1)).rejects.toMatchObject({ type: "stale-attempt" });
  await expect(world.tell(1, 0.5)).rejects.toMatchObject({
    type: "already-told",
    facts: { state: "paused" },
  });
});

test("a process that dies before its decision is written has decided nothing", async () => {
  const world = await scheduled();
  await world.ask(undefined, 2);
  await world.report(0, 3, 0.9);
  const running = await world.trial(1);
  const restore = injectFaults(world.client, (command) => (command === TRANSACT ? "crash-before" : "none"));
  await expect(world.report(1, 3, 0.2)).rejects.toThrow(Crash);
  restore();
  expect(await world.trial(1)).toEqual(running);
  expect((await entries(world)).has(1)).toBe(false);
  expect(await readReports(world.deps.store, world.study.id, 1)).toEqual([]);
});

test("a stop whose reply was lost is answered again for the same key", async () => {
  const world = await scheduled();
  await world.ask(undefined, 2);
  await world.report(0, 3, 0.9);
  const body = { attempt: 1, step: 3, values: { accuracy: 0.2 } };
  const report = () => reportTrial(world.deps, world.study, 1, body, keyed(`stop ${world.study.id}`, body));
  const restore = injectFaults(world.client, (command) => (command === TRANSACT ? "crash-after" : "none"));
  await expect(report()).rejects.toThrow(Crash);
  restore();
  expect(await report()).toMatchObject({ decision: "stop" });
  expect((await world.read()).trials).toMatchObject({ pruned: 1 });
});

test("a stopped batch trial is charged, and the next one is on its way", async () => {
  const world = await worldOn(table.client, table.tableName, { budget: { trials: 3, parallel: 2 } });
  await world.launch();
  const study = { ...world.study, scheduler: stopWorst.create({ at: 3 }, "client") };
  world.clock.now += 7000;
  for (const [trial, accuracy] of [0.9, 0.2].entries()) {
    await reportTrial(world.deps, study, trial, { attempt: 1, step: 3, values: { accuracy } }, noReceipt);
  }
  expect(world.queue.messages).toEqual([]);
  await world.endJob(1);
  expect(await world.trial(1)).toMatchObject({ state: "pruned", seconds: 7 });
  expect((await world.snapshot()).head.gpuSeconds).toBe(7);
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([2]);
});
