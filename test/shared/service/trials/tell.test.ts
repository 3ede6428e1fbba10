import { expect, test } from "vitest";
import { FOLD_AT, foldIfDue } from "../../../../shared/service/core/fold.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { readTrial } from "../../../../shared/service/trials/read.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { findTrialItem } from "../../../../shared/store/trial.ts";
import { worldOn } from "../../../support/batch.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { injectFaults } from "../../../support/faults.ts";
import { before, commandsOf, TRANSACT, UPDATE } from "../../../support/interleave.ts";
import { keyed, noReceipt } from "../../../support/service.ts";

const table = await createTestTable();
const setUp = (change: Parameters<typeof clientWorld>[1] = {}) => clientWorld(table, change);

test("a tell completes its trial: the values are read back, and nobody owns it any more", async () => {
  const { clock, ask, tell, trial } = await setUp();
  await ask("w1");
  clock.now += 5000;
  expect(await tell(0, 0.5)).toEqual({ number: 0, state: "completed" });
  expect(await trial(0)).toMatchObject({
    state: "completed",
    values: { accuracy: 0.5 },
    leaseExpires: null,
    finished: clock.now,
    worker: "w1",
  });
});

test("the same tell again is answered as the first was and changes nothing", async () => {
  const { clock, ask, deps, study, trial } = await setUp();
  await ask();
  const tell = (values: Record<string, number>) =>
    tellTrial(deps, study, 0, { attempt: 1, values }, noReceipt);
  const first = await tell({ accuracy: 0, loss: 2 });
  const told = await trial(0);
  clock.now += 1000;
  expect(await tell({ loss: 2, accuracy: 0 })).toEqual(first);
  expect(await tell({ accuracy: -0, loss: 2 })).toEqual(first);
  expect(await trial(0)).toEqual(told);
});

test("another result for a trial that has one is refused, and the first stands", async () => {
  const { ask, deps, study, trial } = await setUp();
  await ask();
  const tell = (body: object) => tellTrial(deps, study, 0, { attempt: 1, ...body }, noReceipt);
  await tell({ values: { accuracy: 0.5 } });
  const told = await trial(0);
  for (const body of [
    { values: { accuracy: 0.6 } },
    { values: { accuracy: 0.5, loss: 1 } },
    { values: { accuracy: "nan" } },
    { failed: { reason: "out of memory" } },
  ]) {
    await expect(tell(body)).rejects.toMatchObject({
      type: "already-told",
      facts: { trial: 0, state: "completed" },
    });
  }
  expect(await trial(0)).toEqual(told);
});

test("a tell of fewer metrics than were told, or of one that differs among them, is another result", async () => {
  const { ask, tell, deps, study, trial } = await setUp();
  await ask();
  const body = { attempt: 1, values: { accuracy: 0.5, loss: 1 } };
  await tellTrial(deps, study, 0, body, noReceipt);
  await expect(tell(0, 0.5)).rejects.toMatchObject({ type: "already-told" });
  const other = { attempt: 1, values: { accuracy: 0.5, loss: 2 } };
  await expect(tellTrial(deps, study, 0, other, noReceipt)).rejects.toMatchObject({ type: "already-told" });
  expect((await trial(0)).values).toEqual(body.values);
});

test("a program that failed fails its trial with its reason, and may say so again", async () => {
  const { ask, deps, study, trial } = await setUp();
  await ask();
  const tell = (reason: string) => tellTrial(deps, study, 0, { attempt: 1, failed: { reason } }, noReceipt);
  expect(await tell("out of memory")).toEqual({ number: 0, state: "failed" });
  expect(await tell("out of memory")).toEqual({ number: 0, state: "failed" });
  expect(await trial(0)).toMatchObject({ state: "failed", reason: "out of memory", values: null });
  await expect(tell("something else")).rejects.toMatchObject({ type: "already-told" });
});

test("a tell of an attempt that lost its trial, or was never leased, is refused and changes nothing", async () => {
  const { clock, ask, tell, trial, deps, study } = await setUp();
  await ask("w1");
  clock.now += 60_001;
  await ask("w2");
  const taken = await trial(0);
  await expect(tell(0, 0.5, 1)).rejects.toMatchObject({
    type: "stale-attempt",
    facts: { trial: 0, given: 1, current: 2 },
  });
  // Not even a failure for the very reason that the attempt was lost for: nobody told it.
  const reason = taken.attempts[0]!.reason ?? "";
  const failed = tellTrial(deps, study, 0, { attempt: 1, failed: { reason } }, noReceipt);
  await expect(failed).rejects.toMatchObject({ type: "stale-attempt" });
  await expect(tell(0, 0.5, 3)).rejects.toMatchObject({ type: "stale-attempt", facts: { current: 2 } });
  expect(await trial(0)).toEqual(taken);
});

test("a tell of a trial that waits for its first lease is refused", async () => {
  const { deps, study, tell, trial } = await setUp();
  await addTrials(deps, study, { trials: [{ params: { C: 1, gamma: 0.1 } }] }, noReceipt);
  await expect(tell(0, 0.5)).rejects.toMatchObject({ type: "stale-attempt" });
  expect(await trial(0)).toMatchObject({ state: "queued", values: null });
});

test("a tell of an attempt that waits for its job is refused", async () => {
  const world = await worldOn(table.client, table.tableName);
  await world.start();
  expect(await world.trial(0)).toMatchObject({ state: "queued", attempt: 1 });
  await expect(world.tell(0, 0.5)).rejects.toMatchObject({ type: "stale-attempt", facts: { current: 2 } });
});

test("a tell of a trial that does not exist is refused as that", async () => {
  const { ask, tell } = await setUp();
  await ask();
  await expect(tell(1, 0.5)).rejects.toMatchObject({ type: "trial-not-found", facts: { trial: 1 } });
});

test("a tell without a metric that the study needs is refused with its place, and the trial goes on", async () => {
  const { ask, deps, study, trial } = await setUp({ outcomes: [{ metric: "ms", max: 50 }] });
  await ask();
  const body = { attempt: 1, values: { accuracy: 0.5 } };
  await expect(tellTrial(deps, study, 0, body, noReceipt)).rejects.toMatchObject({
    type: "invalid-input",
    pointer: "/values/ms",
  });
  expect(await trial(0)).toMatchObject({ state: "running", values: null });
});

test("a folded trial answers the same tell as before, and refuses another one and a stale one", async () => {
  const world = await setUp();
  const { ask, tell, deps, study, clock } = world;
  await ask();
  await tell(0, 0.5);
  clock.now += 1000;
  await world.fillTail(FOLD_AT);
  await foldIfDue(deps, study, await world.snapshot());
  expect(await findTrialItem(deps.store, study, 0)).toBeNull();
  expect(await tell(0, 0.5)).toEqual({ number: 0, state: "completed" });
  await expect(tell(0, 0.6)).rejects.toMatchObject({ type: "already-told" });
  await expect(tell(0, 0.5, 2)).rejects.toMatchObject({ type: "stale-attempt" });
});

test("a tell between whose read and write another worker takes the trial is refused", async () => {
  const { clock, ask, tell, trial, client, process, study } = await setUp();
  await ask("w1");
  clock.now += 60_001;
  before(client, UPDATE, () => askTrials(process(), study, { worker: "w2" }, noReceipt));
  await expect(tell(0, 0.5)).rejects.toMatchObject({ type: "stale-attempt" });
  expect(await trial(0)).toMatchObject({ state: "running", attempt: 2, worker: "w2" });
});

test("of two different tells at once the second to arrive is refused", async () => {
  const { ask, tell, trial, client } = await setUp();
  await ask();
  before(client, UPDATE, () => tell(0, 0.7));
  await expect(tell(0, 0.5)).rejects.toMatchObject({ type: "already-told" });
  expect((await trial(0)).values).toEqual({ accuracy: 0.7 });
});

test("a tell whose reply was lost finds its own write: it is answered, and counted once", async () => {
  const { ask, tell, read, client } = await setUp();
  await ask();
  const restore = injectFaults(client, (command) => (command === UPDATE ? "lost-reply" : "none"));
  expect(await tell(0, 0.5)).toEqual({ number: 0, state: "completed" });
  restore();
  expect((await read()).trials).toMatchObject({ completed: 1, running: 0 });
});

test("a tell is one update; with a key it is a transaction, because the receipt is written with it", async () => {
  const { ask, tell, client, deps, study } = await setUp();
  await ask(undefined, 2);
  expect(await commandsOf(client, () => tell(0, 0.5))).toEqual(["GetItemCommand", "GetItemCommand", UPDATE]);
  const body = { attempt: 1, values: { accuracy: 0.5 } };
  const sent = await commandsOf(client, () => tellTrial(deps, study, 1, body, keyed("commands", body)));
  expect(sent.at(-1)).toBe(TRANSACT);
});

test("the same key and body is answered from the receipt, another body is refused", async () => {
  const { ask, deps, study, trial } = await setUp();
  await ask();
  const tell = (accuracy: number) => {
    const body = { attempt: 1, values: { accuracy } };
    return tellTrial(deps, study, 0, body, keyed(`tell ${study.id}`, body));
  };
  const first = await tell(0.5);
  expect(await tell(0.5)).toEqual(first);
  await expect(tell(0.6)).rejects.toMatchObject({ type: "key-reuse" });
  expect((await trial(0)).values).toEqual({ accuracy: 0.5 });
});

test("a checkpoint that is told with the result is kept", async () => {
  const { ask, deps, study, trial } = await setUp();
  await ask();
  const body = { attempt: 1, values: { accuracy: 0.5 }, checkpoint: "s3://bucket/last" };
  await tellTrial(deps, study, 0, body, noReceipt);
  expect((await trial(0)).checkpoint).toBe("s3://bucket/last");
});

test("a told batch trial is charged, and the next one is on its way", async () => {
  const world = await worldOn(table.client, table.tableName, { budget: { trials: 3, parallel: 1 } });
  await world.launch();
  world.clock.now += 7000;
  await world.tell(0, 0.5);
  expect(await world.trial(0)).toMatchObject({ state: "completed", seconds: 7 });
  expect((await world.snapshot()).head.gpuSeconds).toBe(7);
  expect(world.queue.messages.map(({ trial }) => trial)).toEqual([1]);
});

test("a late tell counts while nobody else has the trial", async () => {
  const { clock, ask, tell } = await setUp();
  await ask("w1");
  clock.now += 3_600_000;
  expect(await tell(0, 0.5)).toEqual({ number: 0, state: "completed" });
});

test("a metric told as nan fails the trial with a reason; the same tell again gets the same answer", async () => {
  const { ask, deps, study } = await setUp();
  await ask("w1");
  const body = { attempt: 1, values: { accuracy: "nan" as const } };
  const reply = { number: 0, state: "failed" };
  expect(await tellTrial(deps, study, 0, body, noReceipt)).toEqual(reply);
  expect(await tellTrial(deps, study, 0, body, noReceipt)).toEqual(reply);
  await expect(
    tellTrial(deps, study, 0, { attempt: 1, values: { accuracy: 1 } }, noReceipt),
  ).rejects.toMatchObject({ type: "already-told" });
  expect((await readTrial(deps, study, 0)).reason).toBe('The metric accuracy was told as "nan".');
});

test.each([1e20, 1e300, 5e-324, Number.MAX_VALUE, 0.1 + 0.2, -1.5e-310])(
  "the metric %d reads back bit for bit",
  async (accuracy) => {
    const { ask, tell, deps, study } = await setUp();
    await ask("w1");
    await tell(0, accuracy);
    expect((await readTrial(deps, study, 0)).values).toEqual({ accuracy });
    expect((await readStudy(deps, study)).best[0]?.values).toEqual({ accuracy });
  },
);

const pruned = { attempt: 1, pruned: { reason: "my own rule" } };

test("a client prunes a trial by its own rule, with or without values, and may say so again", async () => {
  const { ask, deps, study, trial, clock } = await setUp();
  await ask("w1", 2);
  const tell = (number: number, body: object) =>
    tellTrial(deps, study, number, { ...pruned, ...body }, noReceipt);
  const values = { accuracy: 0.5 };
  expect(await tell(0, { values })).toEqual({ number: 0, state: "pruned" });
  expect(await tell(1, {})).toEqual({ number: 1, state: "pruned" });
  const told = [await trial(0), await trial(1)];
  expect(told).toMatchObject([
    { state: "pruned", values, reason: "my own rule", leaseExpires: null, finished: clock.now },
    { state: "pruned", values: null, reason: "my own rule" },
  ]);
  clock.now += 1000;
  expect(await tell(0, { values })).toEqual({ number: 0, state: "pruned" });
  expect(await tell(1, {})).toEqual({ number: 1, state: "pruned" });
  expect([await trial(0), await trial(1)]).toEqual(told);
  expect((await readStudy(deps, study)).trials).toMatchObject({ pruned: 2, running: 0, completed: 0 });
  expect((await readStudy(deps, study)).best).toEqual([]);
});

test("a pruned trial takes no other result, and another result is not pruned later", async () => {
  const { ask, deps, study, trial } = await setUp();
  await ask("w1", 3);
  const values = { accuracy: 0.5 };
  const tell = (number: number, body: object) =>
    tellTrial(deps, study, number, { attempt: 1, ...body }, noReceipt);
  await tell(0, { ...pruned, values });
  await tell(1, { values });
  await tell(2, { failed: { reason: "my own rule" } });
  const told = [await trial(0), await trial(1), await trial(2)];
  for (const [number, body] of [
    [0, { values }],
    [0, pruned],
    [0, { ...pruned, values: { accuracy: 0.6 } }],
    [0, { pruned: { reason: "another rule" }, values }],
    [0, { failed: { reason: "my own rule" } }],
    [1, { ...pruned, values }],
    [2, pruned],
  ] as const) {
    await expect(tell(number, body), JSON.stringify([number, body])).rejects.toMatchObject({
      type: "already-told",
    });
  }
  await expect(tell(0, { ...pruned, attempt: 2 })).rejects.toMatchObject({ type: "stale-attempt" });
  expect([await trial(0), await trial(1), await trial(2)]).toEqual(told);
});

test("a pruned trial is folded with its reason, and a repeat after that is answered alike", async () => {
  const { ask, deps, study, fillTail, snapshot, process } = await setUp({ budget: { trials: 1000 } });
  await ask("w1", 2);
  const values = { accuracy: 0.5 };
  const tell = (number: number, body: object) =>
    tellTrial(deps, study, number, { ...pruned, ...body }, noReceipt);
  await tell(0, { values });
  await tell(1, {});
  await fillTail();
  await foldIfDue(deps, study, await snapshot());
  expect(await findTrialItem(deps.store, study, 0)).toBeNull();
  expect(await tell(0, { values })).toEqual({ number: 0, state: "pruned" });
  expect(await tell(1, {})).toEqual({ number: 1, state: "pruned" });
  expect((await readStudy(process(), study)).trials.pruned).toBe(2);
});

const released = { attempt: 1, released: { reason: "SIGTERM" } };

test("a trial that its client gives back is handed out at once, with the next attempt, and costs no attempt", async () => {
  const { ask, deps, study, trial } = await setUp();
  await ask("w1");
  const tell = () => tellTrial(deps, study, 0, released, noReceipt);
  expect(await tell()).toEqual({ number: 0, state: "queued" });
  const given = await trial(0);
  expect(given).toMatchObject({ state: "queued", attempt: 1, lost: 0, leaseExpires: null, finished: null });
  expect(await tell()).toEqual({ number: 0, state: "queued" });
  expect(await trial(0)).toEqual(given);
  expect((await askTrials(deps, study, { worker: "w2" }, noReceipt)).trials).toMatchObject([
    { number: 0, attempt: 2 },
  ]);
  const again = await trial(0);
  expect(again).toMatchObject({ state: "running", worker: "w2", lost: 0 });
  // A repeat whose first answer was lost takes nothing from whoever has the trial now.
  expect(await tell()).toEqual({ number: 0, state: "queued" });
  expect(await trial(0)).toEqual(again);
});

test("who gave a trial back, or lost it to another, has no say in it", async () => {
  const { ask, deps, study, trial } = await setUp();
  await ask("w1", 2);
  await tellTrial(deps, study, 0, released, noReceipt);
  const given = await trial(0);
  const tell = (body: object) => tellTrial(deps, study, 0, { attempt: 1, ...body }, noReceipt);
  for (const body of [
    { values: { accuracy: 1 } },
    { failed: { reason: "SIGTERM" } },
    { released: { reason: "SIGINT" } },
  ]) {
    await expect(tell(body), JSON.stringify(body)).rejects.toMatchObject({ type: "stale-attempt" });
  }
  expect(await trial(0)).toEqual(given);
  await tellTrial(deps, study, 1, { attempt: 1, values: { accuracy: 1 } }, noReceipt);
  await expect(tellTrial(deps, study, 1, released, noReceipt)).rejects.toMatchObject({
    type: "already-told",
  });
});

test("the same trial is given back ten times for nothing; then each time is a lost attempt, until it fails", async () => {
  const { deps, study, trial } = await setUp({ lease: { seconds: 60, maxAttempts: 3 } });
  const states: unknown[] = [];
  for (let attempt = 1; attempt <= 13; attempt++) {
    const { trials } = await askTrials(deps, study, { worker: `w${attempt}` }, noReceipt);
    expect(trials).toMatchObject([{ number: 0, attempt }]);
    const { state } = await tellTrial(deps, study, 0, { ...released, attempt }, noReceipt);
    states.push([state, (await trial(0))?.lost]);
  }
  expect(states).toEqual([
    ...Array.from({ length: 10 }, () => ["queued", 0]),
    ["queued", 1],
    ["queued", 2],
    ["failed", 2],
  ]);
  const failed = await readTrial(deps, study, 0);
  expect(failed.reason).toBe("All 3 attempts were lost; the last one: SIGTERM");
  expect(failed.attempts).toHaveLength(13);
  const again = await tellTrial(deps, study, 0, { ...released, attempt: 13 }, noReceipt);
  expect(again).toEqual({ number: 0, state: "failed" });
});
