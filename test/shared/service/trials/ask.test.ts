import { expect, test } from "vitest";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { readTrial } from "../../../../shared/service/trials/read.ts";
import { reportTrial } from "../../../../shared/service/trials/report.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { batchExecution } from "../../../support/batch.ts";
import { clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { before, commandsOf, TRANSACT } from "../../../support/interleave.ts";
import { stopWorst } from "../../../support/schedulers.ts";
import { keyed, noReceipt } from "../../../support/service.ts";

const table = await createTestTable();
const setUp = (change: Parameters<typeof clientWorld>[1] = {}) => clientWorld(table, change);

test("a worker that asks again gets its own open trials first, the same attempt with a new lease", async () => {
  const { clock, ask } = await setUp();
  const first = await ask("w1", 2);
  clock.now += 30_000;
  const again = await ask("w1", 3);
  expect(again.trials.map((trial) => trial.number)).toEqual([0, 1, 2]);
  expect(again.trials[0]).toMatchObject({
    attempt: 1,
    params: first.trials[0]?.params,
    leaseExpires: "2026-11-23T12:01:30.000Z",
  });
  expect((await ask("w2")).trials[0]?.number).toBe(3);
});

test("a trial whose lease ran out goes to the next asker: the same configuration, the next attempt", async () => {
  const { clock, ask, tell, deps, study } = await setUp();
  const [lost] = (await ask("w1")).trials;
  clock.now += 60_001;
  const [taken] = (await ask("w2")).trials;
  expect(taken).toMatchObject({ number: lost?.number, attempt: 2, params: lost?.params });
  await expect(tell(0, 0.5)).rejects.toMatchObject({ type: "stale-attempt" });
  await expect(
    reportTrial(deps, study, 0, { attempt: 1, step: 1, values: { accuracy: 0.1 } }, noReceipt),
  ).rejects.toMatchObject({ type: "stale-attempt" });
  expect(await tell(0, 0.7, 2)).toEqual({ number: 0, state: "completed" });
  const detail = await readTrial(deps, study, 0);
  expect(detail.values).toEqual({ accuracy: 0.7 });
  expect(detail.attempts).toMatchObject([{ attempt: 1, end: "expired" }]);
});

test("enqueued configurations are handed out before new ones, and count in the budget", async () => {
  const { ask, deps, study } = await setUp({ budget: { trials: 2 } });
  await addTrials(deps, study, { trials: [{ params: { C: 2, gamma: 0.5 } }] }, noReceipt);
  expect((await ask("w1")).trials[0]).toMatchObject({
    number: 0,
    attempt: 1,
    params: { C: 2, gamma: 0.5 },
    algorithm: "enqueue",
  });
  expect((await ask("w2")).trials[0]).toMatchObject({ number: 1, algorithm: "random" });
  expect(await ask("w3")).toMatchObject({ trials: [], state: "running" });
});

test("a paused study hands out nothing new; extended and resumed it goes on", async () => {
  const { ask, tell, deps, study } = await setUp({ budget: { trials: 1 } });
  await ask("w1");
  await patchStudy(deps, study, { state: "paused" }, noReceipt);
  expect(await ask("w2")).toMatchObject({ trials: [], state: "paused", retryAfter: 30 });
  await tell(0, 0.5);
  expect((await readStudy(deps, study)).state).toBe("finished");
  await patchStudy(deps, study, { state: "running", budget: { trials: 3 } }, noReceipt);
  expect((await ask("w2")).trials).toHaveLength(1);
});

test("the same key and body gives the same answer; another body is refused", async () => {
  const { clock, deps, study } = await setUp();
  const first = await askTrials(deps, study, { count: 2 }, keyed("k1", { count: 2 }));
  clock.now += 1000;
  expect(JSON.stringify(await askTrials(deps, study, { count: 2 }, keyed("k1", { count: 2 })))).toBe(
    JSON.stringify(first),
  );
  await expect(askTrials(deps, study, { count: 3 }, keyed("k1", { count: 3 }))).rejects.toMatchObject({
    type: "key-reuse",
  });
  clock.now += 24 * 3_600_000; // the receipt has expired, though DynamoDB has not deleted it yet
  expect((await askTrials(deps, study, { count: 1 }, keyed("k1", { count: 1 }))).trials[0]?.number).not.toBe(
    undefined,
  );
});

test("one key used by many at once gives one trial", async () => {
  const { deps, study } = await setUp();
  const replies = await Promise.allSettled(
    Array.from({ length: 16 }, () => askTrials(deps, study, {}, keyed("k2"))),
  );
  const numbers = replies.flatMap((reply) =>
    reply.status === "fulfilled" ? [JSON.stringify(reply.value)] : [],
  );
  expect(new Set(numbers).size).toBe(1);
  for (const reply of replies) {
    if (reply.status === "rejected") expect(reply.reason.type).toMatch(/in-progress|unavailable/);
  }
  expect((await readStudy(deps, study)).trials.running).toBe(1);
});

test("grid ends the study by itself, each point once", async () => {
  const { ask, tell, deps, study } = await setUp({
    space: { a: { type: "int", low: 1, high: 3 }, b: { type: "categorical", choices: ["x", "y"] } },
    algorithm: { name: "grid" },
    budget: { trials: 100 },
  });
  const seen: string[] = [];
  for (;;) {
    const { trials, state } = await ask(undefined, 4);
    if (state === "finished") break;
    for (const trial of trials) {
      seen.push(JSON.stringify(trial.params));
      await tell(trial.number, 0);
    }
  }
  expect(new Set(seen).size).toBe(6);
  expect(seen).toHaveLength(6);
  expect((await readStudy(deps, study)).state).toBe("finished");
});

test("an ask hands out what it leases: numbers from 0 on, the first attempt, and when the lease expires", async () => {
  const { ask, trial } = await setUp();
  const { trials, state, retryAfter } = await ask("w1", 2);
  expect([state, retryAfter]).toEqual(["running", null]);
  expect(trials).toEqual(
    [0, 1].map((number) => ({
      number,
      attempt: 1,
      params: { C: expect.any(Number), gamma: expect.any(Number) },
      resource: null,
      reportAt: null,
      checkpoint: null,
      leaseExpires: "2026-11-23T12:01:00.000Z",
      algorithm: "random",
      why: expect.any(String),
    })),
  );
  expect(await trial(1)).toMatchObject({ state: "running", worker: "w1", params: trials[1]?.params });
});

test("no more trials are handed out than the budget has, however many are asked for", async () => {
  const { ask, tell } = await setUp({ budget: { trials: 3 } });
  expect((await ask(undefined, 50)).trials).toHaveLength(3);
  expect(await ask(undefined, 50)).toMatchObject({ trials: [], state: "running" });
  for (const number of [0, 1, 2]) await tell(number, 0.5);
  expect(await ask()).toEqual({ trials: [], state: "finished", retryAfter: null });
});

test("waiting trials come in order: expired ones, then enqueued ones, then new ones", async () => {
  const { clock, ask, deps, study } = await setUp({ budget: { trials: 10 } });
  await ask("lost");
  clock.now += 60_001;
  await addTrials(deps, study, { trials: [{ params: { C: 2, gamma: 0.5 } }] }, noReceipt);
  const { trials } = await ask("w1", 3);
  expect(trials.map(({ number, attempt }) => [number, attempt])).toEqual([
    [0, 2],
    [1, 1],
    [2, 1],
  ]);
});

test("a worker whose own lease expired gets its trial back on the same attempt", async () => {
  const { clock, ask } = await setUp();
  await ask("w1");
  clock.now += 60_001;
  expect((await ask("w1")).trials).toMatchObject([{ number: 0, attempt: 1 }]);
});

test("an asker without a name never gets a trial back", async () => {
  const { ask } = await setUp();
  await ask();
  expect((await ask()).trials).toMatchObject([{ number: 1, attempt: 1 }]);
});

test("a worker gets back no more than it asks for", async () => {
  const { ask } = await setUp();
  await ask("w1", 3);
  expect((await ask("w1", 2)).trials.map(({ number }) => number)).toEqual([0, 1]);
});

test("when nothing is free the next ask is worth it when a lease expires, in one to five seconds", async () => {
  const { clock, ask } = await setUp({ budget: { trials: 5, parallel: 1 } });
  await ask("w1");
  expect((await ask("w2")).retryAfter).toBe(5);
  clock.now += 57_500;
  expect((await ask("w2")).retryAfter).toBe(3);
  clock.now += 2_499;
  expect((await ask("w2")).retryAfter).toBe(1);
});

test("a trial that an ask finds to have lost its last attempt fails, and its slot is given on", async () => {
  const { clock, ask, trial } = await setUp({
    budget: { trials: 5, parallel: 1 },
    lease: { seconds: 60, maxAttempts: 1 },
  });
  await ask("w1");
  clock.now += 60_001;
  expect((await ask("w2")).trials).toMatchObject([{ number: 1 }]);
  expect(await trial(0)).toMatchObject({
    state: "failed",
    reason: "All 1 attempts were lost; the last one: The lease expired without a report, heartbeat or tell.",
  });
});

test("an expired trial whose heartbeat comes between an ask's read and its write stays with its worker", async () => {
  const { clock, ask, heartbeat, trial, client } = await setUp();
  await ask("w1");
  clock.now += 60_001;
  before(client, TRANSACT, () => heartbeat(0));
  expect((await ask("w2")).trials).toMatchObject([{ number: 1, attempt: 1 }]);
  expect(await trial(0)).toMatchObject({ state: "running", attempt: 1, worker: "w1" });
});

test("a dead trial whose heartbeat comes between an ask's read and its write lives on", async () => {
  const { clock, ask, heartbeat, trial, client } = await setUp({ lease: { seconds: 60, maxAttempts: 1 } });
  await ask("w1");
  clock.now += 60_001;
  before(client, TRANSACT, () => heartbeat(0));
  expect((await ask("w2")).trials).toMatchObject([{ number: 1 }]);
  expect(await trial(0)).toMatchObject({ state: "running", attempt: 1, leaseExpires: clock.now + 60_000 });
});

test("a dead trial that is told between an ask's read and its write keeps its result", async () => {
  const { clock, ask, trial, client, deps, study } = await setUp({ lease: { seconds: 60, maxAttempts: 1 } });
  await ask("w1");
  clock.now += 60_001;
  const body = { attempt: 1, values: { accuracy: 0.5 } };
  before(client, TRANSACT, () => tellTrial(deps, study, 0, body, noReceipt));
  expect((await ask("w2")).trials).toMatchObject([{ number: 1 }]);
  expect(await trial(0)).toMatchObject({ state: "completed", values: { accuracy: 0.5 } });
});

test("an ask that loses a race plans again: numbers stay unique and parallelism is kept", async () => {
  const { ask, client, process, study, snapshot } = await setUp({ budget: { trials: 10, parallel: 3 } });
  const others: number[] = [];
  before(client, TRANSACT, async () => {
    const { trials } = await askTrials(process(), study, { count: 2 }, noReceipt);
    others.push(...trials.map(({ number }) => number));
  });
  const { trials } = await ask(undefined, 2);
  expect(others).toEqual([0, 1]);
  expect(trials.map(({ number }) => number)).toEqual([2]);
  expect((await snapshot()).head.next).toBe(3);
});

test("a study that is paused between an ask's read and its write hands out nothing", async () => {
  const { ask, client, process, study, snapshot } = await setUp();
  before(client, TRANSACT, () => patchStudy(process(), study, { state: "paused" }, noReceipt));
  expect(await ask()).toMatchObject({ trials: [], state: "paused" });
  expect((await snapshot()).trials).toEqual([]);
});

test("a paused study gives a worker its own trials back", async () => {
  const { ask, deps, study } = await setUp();
  await ask("w1");
  await patchStudy(deps, study, { state: "paused" }, noReceipt);
  expect((await ask("w1", 5)).trials).toMatchObject([{ number: 0, attempt: 1 }]);
});

test("an ask that has nothing to hand out writes nothing", async () => {
  const { ask, client } = await setUp({ budget: { trials: 5, parallel: 1 } });
  await ask("w1");
  expect(await commandsOf(client, () => ask("w2"))).toEqual(["QueryCommand"]);
});

test("where a trial begins is the scheduler's choice, and the lease says how far to run", async () => {
  const { ask, trial } = await setUp({ instead: stopWorst.create({ at: 3 }, "client") });
  expect((await ask()).trials).toMatchObject([{ resource: 3 }]);
  expect(await trial(0)).toMatchObject({ bracket: 0, rung: 0, resource: 3 });
});

test("a batch study is not asked", async () => {
  const { ask } = await setUp({ executor: batchExecution });
  await expect(ask()).rejects.toMatchObject({ type: "wrong-executor", facts: { kind: "ask-of-batch" } });
});
