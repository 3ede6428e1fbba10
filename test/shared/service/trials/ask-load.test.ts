import { expect, test } from "vitest";
import { foldIfDue } from "../../../../shared/service/core/fold.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { exportTrials } from "../../../../shared/service/trials/read.ts";
import { changeHead } from "../../../../shared/store/head.ts";
import { changeTrial } from "../../../../shared/store/trial.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { Crash, injectFaults } from "../../../support/faults.ts";
import { before, commandsOf, QUERY, TRANSACT, UPDATE } from "../../../support/interleave.ts";
import { createMemoryTable } from "../../../support/memory-table/client.ts";
import { stopWorst } from "../../../support/schedulers.ts";
import { keyed, noReceipt } from "../../../support/service.ts";

/** Many workers on one study: what asks read, what they commit on, and how exact numbers and parallelism stay. */

const setUp = (change: Parameters<typeof clientWorld>[1] = {}) =>
  clientWorld(createMemoryTable(), { budget: { trials: 1000, parallel: 100 }, ...change });

const stateCounts = async (world: ClientWorld) => {
  const counts: Record<string, number> = {};
  for (const { state } of (await world.snapshot()).trials) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
};

const enqueue = (world: ClientWorld, count: number) =>
  addTrials(
    world.deps,
    world.study,
    { trials: Array.from({ length: count }, (_, i) => ({ params: { C: 1 + i, gamma: 0.1 } })) },
    noReceipt,
  );

test("forty asks at once give forty trials, each number once, and never more than may run", async () => {
  const world = await setUp({ budget: { trials: 1000, parallel: 25 } });
  await enqueue(world, 10);
  const replies = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      askTrials(world.process(), world.study, { worker: `w${i}` }, noReceipt),
    ),
  );
  const numbers = replies.flatMap(({ trials }) => trials.map(({ number }) => number));
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(numbers).toHaveLength(25);
  expect(await stateCounts(world)).toMatchObject({ running: 25 });
});

test("the last slot is given once: an ask that read it as free is refused it when another took it first", async () => {
  for (const queued of [0, 5]) {
    const world = await setUp({ budget: { trials: 1000, parallel: 1 } });
    if (queued > 0) await enqueue(world, queued);
    before(world.client, TRANSACT, () => world.ask("w2"));
    expect((await world.ask("w1")).trials).toEqual([]);
    expect(await stateCounts(world)).toMatchObject({ running: 1 });
  }
});

test("of two asks that take what was proposed ahead into the last slot one gets it", async () => {
  const world = await setUp();
  await world.ask("w0", 40);
  await world.ask("w1");
  expect(await stateCounts(world)).toEqual({ running: 41, queued: 5 });
  await patchStudy(world.deps, world.study, { budget: { parallel: 42 } }, noReceipt);
  let other: readonly number[] = [];
  before(world.client, UPDATE, async () => {
    const { trials } = await askTrials(world.process(), world.study, { worker: "w2" }, noReceipt);
    other = trials.map(({ number }) => number);
  });
  expect(await world.ask("w3")).toMatchObject({ trials: [] });
  expect(other).toEqual([41]);
  expect(await stateCounts(world)).toEqual({ running: 42, queued: 4 });
});

test("a number that was taken, and whose trial does not run yet, fills its slot", async () => {
  const world = await setUp();
  await world.ask("w0", 40);
  await world.ask("w1");
  await patchStudy(world.deps, world.study, { budget: { parallel: 42 } }, noReceipt);
  let other: readonly unknown[] = [];
  // The first has its number; before it writes the lease, the second reads and asks.
  before(world.client, TRANSACT, async () => {
    other = (await askTrials(world.process(), world.study, { worker: "w3" }, noReceipt)).trials;
  });
  expect((await world.ask("w2")).trials).toHaveLength(1);
  expect(other).toEqual([]);
  expect(await stateCounts(world)).toMatchObject({ running: 42 });
});

test("what an ask took before it had to plan again fills its slot, too", async () => {
  const world = await setUp();
  await world.ask("w0", 8);
  await world.ask("w1", 32);
  await patchStudy(world.deps, world.study, { budget: { parallel: 42 } }, noReceipt);
  expect(await stateCounts(world)).toEqual({ running: 40, queued: 1 });
  // It takes the one that waits and proposes one more; then only 41 may run.
  before(world.client, TRANSACT, () =>
    patchStudy(world.process(), world.study, { budget: { parallel: 41 } }, noReceipt),
  );
  expect((await world.ask("w2", 2)).trials).toMatchObject([{ number: 40 }]);
  expect(await stateCounts(world)).toMatchObject({ running: 41 });
});

test.each([42, 100])(
  "what an ask took before it had to plan again fills one slot, not two, and counts for what it asked for: of %i",
  async (parallel) => {
    const world = await setUp();
    await world.ask("w0", 8);
    await world.ask("w1", 32);
    await patchStudy(world.deps, world.study, { budget: { parallel } }, noReceipt);
    before(world.client, TRANSACT, () =>
      patchStudy(world.process(), world.study, { budget: { trials: 999 } }, noReceipt),
    );
    expect((await world.ask("w2", 2)).trials).toMatchObject([{ number: 40 }, { number: 41 }]);
    expect(await stateCounts(world)).toMatchObject({ running: 42 });
  },
);

test("asks that take what was proposed ahead get a number each, without one of them writing twice", async () => {
  const world = await setUp();
  await world.ask("w0", 80);
  await world.ask("w1");
  expect(await stateCounts(world)).toEqual({ running: 81, queued: 10 });
  const commands = await commandsOf(world.client, async () => {
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        askTrials(world.process(), world.study, { worker: `v${i}` }, noReceipt),
      ),
    );
    const numbers = replies.flatMap(({ trials }) => trials.map(({ number }) => number));
    expect(numbers.sort((a, b) => a - b)).toEqual([81, 82, 83, 84, 85, 86, 87, 88, 89, 90]);
  });
  expect(commands.filter((command) => command === TRANSACT)).toHaveLength(10);
});

test("a trial whose number was taken by a process that died is handed out when nobody can come for it any more", async () => {
  const world = await setUp({ lease: { seconds: 3600, maxAttempts: 2 } });
  await world.ask("w0", 40);
  await world.ask("w1");
  // It waited for long before its number was taken: that it is old does not mean that it was abandoned.
  world.clock.now += 600_000;
  const restore = injectFaults(world.client, (command) => (command === TRANSACT ? "crash-before" : "none"));
  await expect(world.ask("dies")).rejects.toThrow(Crash);
  restore();
  expect((await world.snapshot()).trials.find(({ number }) => number === 41)).toMatchObject({
    state: "queued",
    attempt: 0,
  });
  expect((await world.ask("w2")).trials).toMatchObject([{ number: 42 }]);
  world.clock.now += 59_000;
  expect((await world.ask("w3")).trials).toMatchObject([{ number: 43 }]);
  world.clock.now += 1000;
  expect((await world.ask("w4")).trials).toMatchObject([{ number: 41, attempt: 1 }]);
  expect((await world.ask("w5")).trials).toMatchObject([{ number: 44 }]);
});

test("a crowd fades: who is left alone after it soon proposes for itself only", async () => {
  const world = await setUp();
  const { head } = await world.snapshot();
  await world.deps.store.update(changeHead(head, { crowd: 64 }));
  const calm = world.process({ randomBytes: (count) => new Uint8Array(count) });
  let told = 0;
  let proposed = 0;
  for (; proposed < 400; told++) {
    const { trials } = await askTrials(calm, world.study, { worker: "alone" }, noReceipt);
    const after = await world.snapshot();
    await world.tell(trials[0]!.number, told);
    proposed = after.head.next;
    if (after.head.crowd === 0 && after.head.aheadFrom === after.head.aheadTo) break;
  }
  expect(proposed).toBeLessThan(150);
});

test("enqueued trials are handed out at once, however many compete to propose", async () => {
  const world = await setUp();
  await enqueue(world, 3);
  await world.deps.store.update(changeHead((await world.snapshot()).head, { crowd: 64 }));
  const deps = world.process({ randomBytes: (count) => new Uint8Array(count).fill(255) });
  const commands = await commandsOf(world.client, async () => {
    expect((await askTrials(deps, world.study, {}, noReceipt)).trials).toMatchObject([{ number: 0 }]);
  });
  expect(commands.filter((command) => command === QUERY)).toHaveLength(1);
});

test("a number that is taken twice because a reply was lost leaves its trial for later, and no number is given twice", async () => {
  const world = await setUp();
  await world.ask("w0", 40);
  await world.ask("w1");
  let lost = 0;
  const restore = injectFaults(world.client, (command) =>
    command === UPDATE && lost++ === 0 ? "lost-reply" : "none",
  );
  expect((await world.ask("w2")).trials).toMatchObject([{ number: 42 }]);
  restore();
  expect((await world.ask("w3")).trials).toMatchObject([{ number: 43 }]);
  expect(await stateCounts(world)).toEqual({ running: 43, queued: 3 });
});

test("two asks that take different trials do not get in each other's way: neither reads again", async () => {
  const world = await setUp();
  await enqueue(world, 2);
  // The other asks between the read and the write of the first; the order of enqueued trials makes them meet otherwise.
  before(world.client, TRANSACT, async () => {
    const { trials } = await world.snapshot();
    const last = trials.find(({ number }) => number === 1);
    if (last !== undefined)
      await world.deps.store.update(changeTrial(last, { state: "running", attempt: 1 }));
  });
  const commands = await commandsOf(world.client, async () => {
    expect((await world.ask("w1")).trials).toMatchObject([{ number: 0 }]);
  });
  expect(commands.filter((command) => command === TRANSACT)).toHaveLength(1);
});

test("a pause, and a smaller limit, hold for an ask that read the study before them", async () => {
  const paused = await setUp();
  await enqueue(paused, 1);
  before(paused.client, TRANSACT, () =>
    patchStudy(paused.deps, paused.study, { state: "paused" }, noReceipt),
  );
  expect(await paused.ask("w1")).toMatchObject({ trials: [], state: "paused" });

  const smaller = await setUp({ budget: { trials: 1000, parallel: 5 } });
  await enqueue(smaller, 3);
  await smaller.ask("w0");
  before(smaller.client, TRANSACT, () =>
    patchStudy(smaller.deps, smaller.study, { budget: { parallel: 1 } }, noReceipt),
  );
  expect((await smaller.ask("w1")).trials).toEqual([]);
});

test("where few run nothing is proposed ahead; where many run the next asks find trials waiting", async () => {
  const world = await setUp();
  // Chance never makes it this process's turn to propose for others.
  const deps = world.process({ randomBytes: (count) => new Uint8Array(count).fill(255) });
  const ask = (worker: string, count = 1) => askTrials(deps, world.study, { worker, count }, noReceipt);
  await ask("w0", 7);
  await ask("w1");
  expect(await stateCounts(world)).toEqual({ running: 8 });
  await ask("w2", 32);
  // One eighth of the eight that ran.
  expect(await stateCounts(world)).toEqual({ running: 40, queued: 1 });
  await ask("w3");
  expect(await stateCounts(world)).toEqual({ running: 41 });
  await ask("w4");
  expect(await stateCounts(world)).toEqual({ running: 42, queued: 5 });
  const { head } = await world.snapshot();
  const { trials } = await ask("w5");
  expect(trials[0]).toMatchObject({ algorithm: "random", attempt: 1 });
  const after = (await world.snapshot()).head;
  // It committed without the revision, so nobody who read before it must read again.
  expect(after).toEqual({ ...head, grants: head.grants + 1, aheadFrom: head.aheadFrom + 1 });
});

test("what is proposed ahead keeps within the budget, and is handed out to its end", async () => {
  const world = await setUp({ budget: { trials: 50, parallel: 100 } });
  await world.ask("w0", 45);
  await world.ask("w1");
  expect((await world.snapshot()).head.next).toBe(50);
  for (let i = 0; i < 4; i++) expect((await world.ask(`v${i}`)).trials).toHaveLength(1);
  expect((await world.ask("v4")).trials).toEqual([]);
  expect(await stateCounts(world)).toEqual({ running: 50 });
});

test("an ask that keeps losing proposes more than it takes, because many are waiting", async () => {
  const world = await setUp();
  // Each of its first three writes meets a study that was changed since it was read.
  let changes = 0;
  let isChanging = false;
  world.client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === TRANSACT && changes < 3 && !isChanging) {
        changes++;
        isChanging = true;
        await patchStudy(world.process(), world.study, { budget: { parallel: 100 } }, noReceipt);
        isChanging = false;
      }
      return next(args);
    },
    { step: "initialize", name: "hone-losing", override: true },
  );
  expect((await world.ask("w1")).trials).toHaveLength(1);
  world.client.middlewareStack.remove("hone-losing");
  expect(changes).toBe(3);
  expect(await stateCounts(world)).toEqual({ running: 1, queued: 8 });
});

test("a repeated ask gets the same leases, made of the trials and not of a stored answer", async () => {
  const world = await setUp();
  const { deps, study } = world;
  const first = await askTrials(deps, study, { count: 3 }, keyed("k1"));
  expect(await askTrials(world.process(), study, { count: 3 }, keyed("k1"))).toEqual(first);
  // Also when a trial has ended, was folded, or has been taken by another attempt meanwhile.
  await world.tell(0, 0.5);
  world.clock.now += 61_000;
  await world.ask("other");
  expect(await askTrials(deps, study, { count: 3 }, keyed("k1"))).toEqual(first);
});

test("an ask that finds nothing answers the same again", async () => {
  const world = await setUp({ budget: { trials: 1 } });
  await world.ask("w1");
  const first = await askTrials(world.deps, world.study, {}, keyed("none"));
  expect(first).toMatchObject({ trials: [], retryAfter: 5 });
  world.clock.now += 61_000;
  expect(await askTrials(world.deps, world.study, {}, keyed("none"))).toEqual(first);
});

test("a fold between two pages of one read hides no trial", async () => {
  const table = createMemoryTable();
  const world = await clientWorld(table, { budget: { trials: 1000 } });
  // Pages of 1 MB: each trial has 4 KB of metrics.
  const extra = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`metric-${i}`, i + 0.5]));
  for (let i = 0; i < 330; i += 30) {
    const trials = Array.from({ length: 30 }, (_, j) => ({
      params: { C: 1, gamma: 0.1 },
      values: { accuracy: i + j, ...extra },
    }));
    // The last ones have ended first, so the fold takes what is on the second page.
    world.clock.now -= 1000;
    await addTrials(world.deps, world.study, { trials }, noReceipt);
  }
  const other = world.process();
  const seen = await world.snapshot();
  before(world.client, QUERY, () => foldIfDue(other, world.study, seen), 2);
  const exported = await exportTrials(world.process(), world.study);
  expect(exported.trials.map(({ number }) => number)).toEqual(Array.from({ length: 330 }, (_, i) => i));
  expect((await world.snapshot()).head.segments).toBeGreaterThan(0);
});

test("paused trials are folded too, so that thousands of them cost an ask nothing", async () => {
  const world = await setUp({
    budget: { trials: 1000, parallel: 1000 },
    instead: stopWorst.create({ at: 1 }, "client"),
  });
  for (let i = 0; i < 4; i++) await world.ask(undefined, 90);
  const running = (await world.snapshot()).trials.filter(({ state }) => state === "running");
  // A tie with the best is paused.
  for (const { number } of running) await world.report(number, 1, 0.5);
  await world.ask("w");
  const { head, trials } = await world.snapshot();
  expect(head.segments).toBeGreaterThan(0);
  expect(trials.filter(({ state }) => state === "paused").length).toBeLessThan(100);
  expect((await world.read()).trials.paused).toBe(running.length - 1);
  expect((await world.read()).state).toBe("running");
  expect(await world.trial(5)).toMatchObject({ state: "paused", bracket: 0, rung: 1, resource: 1 });
});
