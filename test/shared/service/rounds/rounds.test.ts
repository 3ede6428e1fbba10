import { expect, test } from "vitest";
import { sizeOf } from "../../../../shared/executor/batch/size.ts";
import type { CreateStudyBody } from "../../../../shared/schemas/study.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { failRounds } from "../../../../shared/service/rounds/fail.ts";
import { listTrials } from "../../../../shared/service/rounds/open.ts";
import { BRACKETS_PER_EXECUTION } from "../../../../shared/service/rounds/plan.ts";
import { createStudy } from "../../../../shared/service/studies/create.ts";
import { deleteStudy, SETTLED_MS } from "../../../../shared/service/studies/delete.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { exportTrials } from "../../../../shared/service/trials/read.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import { readRung } from "../../../../shared/store/rung.ts";
import { changeTrial } from "../../../../shared/store/trial.ts";
import { MOST_BRACKETS } from "../../../../shared/study/execution.ts";
import { batchExecution, batchWorld, halvingScheduler, type World } from "../../../support/batch.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { Machine } from "../../../support/machine.ts";
import { noReceipt, studyBody, TEAM } from "../../../support/service.ts";

/** Nine trials on rungs of 1, 3 and 9 epochs. */
const halvingWorld = async (trials = 9) => {
  const world = await batchWorld({ scheduler: halvingScheduler, budget: { trials, parallel: 4 } });
  await world.start();
  return { world, machine: new Machine(world) };
};

const hyperband = {
  name: "hyperband",
  type: "synchronous",
  resource: { name: "epoch", min: 1, max: 3 },
  eta: 3,
} as const;

type Leased = readonly { trial: number; attempt: number }[];

/** Every container of a rung runs to a result: the higher the number, the better. */
const runAll = async (world: World, trials: Leased, accuracy = (trial: number) => trial / 10) => {
  await world.deliver();
  for (const { trial, attempt } of trials) await world.finish(trial, accuracy(trial), attempt);
};

test("nine trials halve to three and to one, and each of the others says at which place it stood", async () => {
  const { world, machine } = await halvingWorld();
  expect(world.queue.messages).toEqual([]); // the machine sends, nobody else
  const bottom = await machine.open(0);
  expect(bottom).toMatchObject({ rung: 0, done: false, parallel: 4 });
  expect(bottom.trials).toEqual(Array.from({ length: 9 }, (_, trial) => ({ trial, attempt: 1 })));
  machine.send(bottom.trials);
  await runAll(world, bottom.trials);
  expect(world.rounds.waiting.size).toBe(0);
  expect(await world.trial(8)).toMatchObject({ state: "paused", resource: 1, values: { accuracy: 0.8 } });
  expect(await machine.close(0)).toEqual({ rung: 1, done: false });
  // Should all three fail, it takes the place of one.
  expect(await world.trial(4)).toMatchObject({ state: "paused" });

  const middle = await machine.open(1);
  expect(middle.trials).toEqual([6, 7, 8].map((trial) => ({ trial, attempt: 2 })));
  machine.send(middle.trials);
  await runAll(world, middle.trials, (trial) => 1 - trial / 10); // now the other way round
  expect(await machine.close(1)).toEqual({ rung: 2, done: false });
  expect(await world.trial(4)).toMatchObject({
    state: "pruned",
    reason: "rung 0 (epoch 1): 5th of 9, the first 3 go on",
  });

  const top = await machine.open(2);
  expect(top.trials).toEqual([{ trial: 6, attempt: 3 }]);
  machine.send(top.trials);
  await runAll(world, top.trials);
  expect(await machine.close(2)).toEqual({ rung: 3, done: true });
  expect(await world.trial(8)).toMatchObject({ reason: "rung 1 (epoch 3): 3rd of 3, the first 1 go on" });
  expect(await world.trial(6)).toMatchObject({ state: "completed", resource: 9, values: { accuracy: 0.6 } });
  expect(await readStudy(world.deps, world.study)).toMatchObject({
    state: "finished",
    trials: { completed: 1, pruned: 8 },
  });
  await world.rounds.stop({ machine: "brackets", study: world.study.id, generation: 1, index: null });
  await world.reconcile();
  expect(world.batch.definitions.size).toBe(0);
  expect((await exportTrials(world.deps, world.study)).trials).toHaveLength(9);
});

test("a trial that its program prunes by its own rule does not go on, however good, and the rung closes", async () => {
  const { world, machine } = await halvingWorld(3);
  const { trials } = await machine.open(0);
  machine.send(trials);
  await world.deliver();
  await world.finish(0, 0.1);
  await world.finish(1, 0.2);
  await world.claim(2);
  const body = { attempt: 1, pruned: { reason: "plateau" }, values: { accuracy: 0.9 } };
  expect(await tellTrial(world.deps, world.study, 2, body, noReceipt)).toEqual({
    number: 2,
    state: "pruned",
  });
  // Its slot is free once its job has ended.
  expect(world.rounds.waiting.size).toBe(1);
  await world.endJob(2);
  expect(world.rounds.waiting.size).toBe(0);
  const rung = await readRung(world.deps.store, { study: world.study.id, bracket: 0, rung: 0 });
  expect(rung?.results.get(2)).toBeNull();
  expect(await machine.close(0)).toEqual({ rung: 1, done: false });
  expect(await world.trial(2)).toMatchObject({
    state: "pruned",
    reason: "plateau",
    values: { accuracy: 0.9 },
  });
  expect((await machine.open(1)).trials).toEqual([{ trial: 1, attempt: 2 }]);
});

test("a trial that fails ranks last and is never promoted; a rung of failures ends the study", async () => {
  const { world, machine } = await halvingWorld(3);
  const { trials } = await machine.open(0);
  machine.send(trials);
  await world.deliver();
  for (const { trial } of trials) {
    await world.settle(world.batch.fail(world.batch.run(world.batch.of(trial)), { exitCode: 1 }));
  }
  expect(world.rounds.waiting.size).toBe(0);
  expect(await machine.close(0)).toEqual({ rung: 1, done: true });
  expect(await readStudy(world.deps, world.study)).toMatchObject({
    state: "finished",
    trials: { failed: 3 },
  });
});

test("opened again, a rung hands out the same trials and draws no others", async () => {
  const { machine, world } = await halvingWorld();
  const replies = await Promise.all([machine.open(0), machine.open(0), machine.open(0)]);
  for (const reply of replies) expect(reply).toEqual(replies[0]);
  expect((await world.snapshot()).head.next).toBe(9);
});

test("a rung of more trials than fit a transaction is opened whole", async () => {
  const { machine } = await halvingWorld(200);
  const { trials } = await machine.open(0);
  expect(trials.map(({ trial }) => trial)).toEqual(Array.from({ length: 200 }, (_, trial) => trial));
});

test("enqueued configurations take part in the first rung", async () => {
  const world = await batchWorld({ scheduler: halvingScheduler, budget: { trials: 3, parallel: 2 } });
  await addTrials(world.deps, world.study, { trials: [{ params: { C: 2, gamma: 0.5 } }] }, noReceipt);
  await world.start();
  const { trials } = await new Machine(world).open(0);
  expect(trials).toHaveLength(3);
  expect(await world.trial(0)).toMatchObject({ params: { C: 2, gamma: 0.5 }, resource: 1, attempt: 1 });
});

test("closed by two executions at once, a rung promotes once, and the same however often it is closed", async () => {
  const { world, machine } = await halvingWorld();
  const { trials } = await machine.open(0);
  machine.send(trials);
  await runAll(world, trials, (trial) => (trial * 7) % 9);
  const replies = await Promise.all([machine.close(0), machine.close(0), machine.close(0)]);
  for (const reply of replies) expect(reply).toEqual({ rung: 1, done: false });
  const rung = await readRung(world.deps.store, { study: world.study.id, bracket: 0, rung: 0 });
  await machine.close(0);
  expect(await readRung(world.deps.store, { study: world.study.id, bracket: 0, rung: 0 })).toEqual(rung);
  const best = trials.map(({ trial }) => trial).sort((a, b) => ((b * 7) % 9) - ((a * 7) % 9));
  expect(rung?.promoted).toEqual(best.slice(0, 3));
});

test("a rung that is not complete is not closed: the machine is sent back to it and waits for what is left", async () => {
  const { world, machine } = await halvingWorld(3);
  const { trials } = await machine.open(0);
  machine.send(trials);
  await world.deliver();
  await world.finish(0, 0.1);
  expect(await machine.close(0)).toEqual({ rung: 0, done: false });
  const rest = await machine.open(0);
  expect(rest.trials).toEqual([
    { trial: 1, attempt: 1 },
    { trial: 2, attempt: 1 },
  ]);
  // The second wait is for the same attempts: it takes the place of the first, and nothing is submitted twice.
  const again = machine.send(rest.trials);
  await world.deliver();
  expect(world.batch.submissions).toBe(3);
  await world.finish(1, 0.2);
  await world.finish(2, 0.3);
  expect(world.rounds.resumed.map(({ taskToken }) => taskToken)).toEqual(expect.arrayContaining(again));
  expect(await machine.close(0)).toEqual({ rung: 1, done: false });
});

test("an interrupted attempt keeps its machine waiting: the next one answers the same token", async () => {
  const { world, machine } = await halvingWorld(1);
  const [token] = machine.send((await machine.open(0)).trials);
  await world.deliver();
  world.batch.run(world.batch.of(0));
  await world.claim(0);
  await world.settle(
    world.batch.fail(world.batch.of(0), { statusReason: "Host EC2 (instance i-1) terminated." }),
  );
  expect(world.rounds.resumed).toEqual([]);
  expect(world.queue.messages).toMatchObject([{ trial: 0, attempt: 2 }]);
  await world.deliver();
  await world.finish(0, 0.5, 2);
  expect(world.rounds.resumed.map(({ taskToken }) => taskToken)).toEqual([token]);
});

test("a trial that is told while Step Functions are away is answered later, once", async () => {
  const { world, machine } = await halvingWorld(1);
  const [token] = machine.send((await machine.open(0)).trials);
  await world.deliver();
  world.rounds.broken = true;
  await world.finish(0, 0.5);
  expect(await world.trial(0)).toMatchObject({ state: "paused", job: { taskTokens: [token] } });
  world.rounds.broken = false;
  await world.reconcile();
  await world.reconcile();
  expect(world.rounds.resumed.map(({ taskToken }) => taskToken)).toEqual([token]);
  expect(await world.trial(0)).toMatchObject({ job: { taskTokens: [] } });
});

test("a tell twice answers the machine, and the answer to a dead execution is no error", async () => {
  const { world, machine } = await halvingWorld(1);
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  world.rounds.waiting.clear(); // the execution has ended
  await world.finish(0, 0.5);
  expect(await world.tell(0, 0.5)).toEqual({ number: 0, state: "paused" });
  expect(world.rounds.resumed).toHaveLength(1);
});

test("a redriven machine is answered at once for what is over, and by the current attempt for what is not", async () => {
  const { world, machine } = await halvingWorld(2);
  const { trials } = await machine.open(0);
  const first = machine.send(trials);
  await world.deliver();
  await world.finish(0, 0.5);
  world.batch.run(world.batch.of(1));
  await world.claim(1);
  await world.settle(world.batch.fail(world.batch.of(1), { exitCode: 75 }));
  await world.deliver();
  const again = machine.send(trials);
  await world.deliver();
  const answered = () => world.rounds.resumed.map(({ taskToken }) => taskToken);
  expect(answered()).toEqual([first[0], again[0]]);
  await world.finish(1, 0.7, 2);
  expect(answered()).toEqual([first[0], again[0], first[1], again[1]]);
  expect(world.batch.submissions).toBe(3);
});

test("trials whose turn has not come are not sent by anybody else", async () => {
  const { world, machine } = await halvingWorld(4);
  const { trials } = await machine.open(0);
  machine.send(trials.slice(0, 2));
  await world.deliver();
  world.clock.now += 61_000;
  await world.reconcile();
  await world.tell(0, 0.1).catch(() => null);
  expect(world.queue.messages).toEqual([]);
  expect(world.batch.submissions).toBe(2);
});

test("stopped in a rung and started again, the study goes on where it was; the old execution ends by itself", async () => {
  const { world, machine } = await halvingWorld(3);
  const { trials } = await machine.open(0);
  machine.send(trials);
  await world.deliver();
  await world.finish(0, 0.1);
  await stopStudy(world.deps, world.study, {}, noReceipt);
  expect(world.rounds.executions.get(`${world.study.id}-1`)).toBe("ended");
  expect(world.batch.alive()).toEqual([]);
  expect(await machine.open(0)).toMatchObject({ done: true, trials: [] });
  expect(await machine.close(0)).toMatchObject({ done: true });

  await world.start();
  expect(world.rounds.executions.get(`${world.study.id}-2`)).toBe("running");
  const second = new Machine(world, 2);
  const rest = await second.open(0);
  expect(rest.trials).toEqual([
    { trial: 1, attempt: 2 },
    { trial: 2, attempt: 2 },
  ]);
  second.send(rest.trials);
  await runAll(world, rest.trials);
  expect(await second.close(0)).toEqual({ rung: 1, done: false });
  expect((await second.open(1)).trials).toEqual([{ trial: 2, attempt: 3 }]);
});

test("an execution that is stopped from outside stops the study: its jobs end, and a start goes on", async () => {
  const { world, machine } = await halvingWorld(3);
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  await world.rounds.stop({ machine: "brackets", study: world.study.id, generation: 1, index: null });
  await world.reconcile();
  await world.reconcile();
  expect(world.batch.alive()).toEqual([]);
  const read = await readStudy(world.deps, world.study);
  expect(read).toMatchObject({ started: false, message: expect.stringContaining("stopped from outside") });
  await world.start();
  expect((await new Machine(world, 2).open(0)).trials).toHaveLength(3);
});

test("rounds whose start was lost are started by the reconciler", async () => {
  const world = await batchWorld({ scheduler: halvingScheduler, budget: { trials: 3, parallel: 2 } });
  const start = world.rounds.start.bind(world.rounds);
  world.rounds.start = () => Promise.reject(new Error("down"));
  expect(await world.start()).toMatchObject({ started: true });
  world.rounds.start = start;
  await world.reconcile();
  expect(world.rounds.executions.get(`${world.study.id}-1`)).toBe("running");
});

test("a machine that gives up says so on the study, and what runs is put back", async () => {
  const { world, machine } = await halvingWorld(3);
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  const failure = { study: world.study.id, generation: 1, rung: 0, reason: "States.Timeout" };
  await failRounds(world.deps, failure);
  await failRounds(world.deps, failure);
  expect(await readStudy(world.deps, world.study)).toMatchObject({
    started: false,
    message: "The rounds failed at rung 0 (States.Timeout). Start the study again to continue.",
  });
  await world.reconcile();
  expect(world.batch.alive()).toEqual([]);
});

test("a paused study's trials are held with their tokens, and go on when it is resumed", async () => {
  const { world, machine } = await halvingWorld(2);
  const tokens = machine.send((await machine.open(0)).trials);
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  await world.deliver();
  expect(world.batch.submissions).toBe(0);
  await patchStudy(world.deps, world.study, { state: "running" }, noReceipt);
  world.clock.now += 61_000;
  await world.reconcile();
  await world.deliver();
  expect(world.batch.submissions).toBe(2);
  await world.finish(0, 0.1);
  await world.finish(1, 0.2);
  expect(world.rounds.resumed.map(({ taskToken }) => taskToken)).toEqual(tokens);
});

test("a rung of more trials than its item holds is refused when the study is created", async () => {
  const world = await batchWorld();
  const body = studyBody({
    executor: batchExecution,
    scheduler: halvingScheduler,
    budget: { trials: 20_000, parallel: 4 },
  });
  await expect(createStudy(world.deps, TEAM, body, noReceipt)).rejects.toMatchObject({
    type: "invalid-input",
    pointer: "/budget/trials",
  });
});

test("the trials of rounds that have begun cannot be made more", async () => {
  const { world } = await halvingWorld(3);
  await expect(
    patchStudy(world.deps, world.study, { budget: { trials: 9 } }, noReceipt),
  ).rejects.toMatchObject({ type: "conflict" });
});

test("an execution of an earlier start finds nothing to do, and changes nothing", async () => {
  const { world, machine } = await halvingWorld(3);
  await machine.open(0);
  await stopStudy(world.deps, world.study, {}, noReceipt);
  await world.start();
  const { head } = await world.snapshot();
  expect(await machine.open(0)).toMatchObject({ done: true, trials: [] });
  expect(await machine.close(0)).toEqual({ rung: 0, done: true });
  await failRounds(world.deps, { study: world.study.id, generation: 1, rung: 0, reason: "States.Timeout" });
  expect((await world.snapshot()).head).toEqual(head);
});

test("a rung is not closed before it is opened, nor opened before the one below is closed", async () => {
  const { world, machine } = await halvingWorld(3);
  expect(await machine.close(0)).toEqual({ rung: 0, done: false });
  const { trials } = await machine.open(0);
  await expect(machine.open(1)).rejects.toThrow("Rung 0");
  machine.send(trials);
  await runAll(world, trials);
  await expect(machine.open(1)).rejects.toThrow("Rung 0");
  await machine.close(0);
  expect((await machine.open(1)).trials).toEqual([{ trial: 2, attempt: 2 }]);
});

test("a machine waits for a trial as long as all its attempts may take, and for a bracket as long as its trials one by one, a year at most", async () => {
  const { timeoutSeconds } = sizeOf(batchExecution);
  const waits = async (change: Partial<CreateStudyBody> = {}) => {
    const world = await batchWorld({ scheduler: hyperband, budget: { trials: 5, parallel: 9 }, ...change });
    await world.start();
    const machine = new Machine(world);
    const [bottom, top] = (await machine.plan()).brackets;
    await machine.open(0);
    const at = { study: world.study.id, generation: 1, bracket: 0, rung: 0, chunk: 0, of: 1 };
    const { timeoutSeconds: trial } = await listTrials(world.deps, at);
    return { trial, bottom: bottom!.timeoutSeconds, top: top!.timeoutSeconds };
  };
  const three = await waits({ lease: { seconds: 60, maxAttempts: 3 } });
  const attempt = three.trial / 3;
  expect(attempt).toBeGreaterThan(timeoutSeconds + 60);
  // Three trials at two rungs, and two at the top one.
  expect(three).toMatchObject({ bottom: 6 * three.trial, top: 2 * three.trial });
  const more = await waits({ lease: { seconds: 60, maxAttempts: 3 }, repeats: { attempts: 3 } });
  expect(more.trial).toBe(5 * attempt);
  const longer = { ...batchExecution, timeoutSeconds: timeoutSeconds + 500 };
  expect((await waits({ executor: longer })).trial).toBe(three.trial + 3 * 500);
  const long = await waits({
    executor: { ...batchExecution, timeoutSeconds: 14 * 24 * 3600 },
    lease: { seconds: 60, maxAttempts: 10 },
  });
  expect(long.top).toBeLessThan(long.bottom);
  expect(long.bottom).toBe(365 * 24 * 3600);
});

test("no more brackets run side by side than one execution begins, however many slots there are", async () => {
  const world = await batchWorld({ scheduler: hyperband, budget: { trials: 105, parallel: 200 } });
  await world.start();
  const machine = new Machine(world);
  const first = await machine.plan();
  expect(first).toMatchObject({ brackets: { length: MOST_BRACKETS }, bracket: MOST_BRACKETS, done: false });
  expect((await machine.plan(first.bracket, first.begun)).brackets.map(({ bracket }) => bracket)).toEqual([
    MOST_BRACKETS,
    MOST_BRACKETS + 1,
  ]);
});

test("a rung that the ladder does not have is over", async () => {
  const { machine } = await halvingWorld(3);
  expect(await machine.open(3)).toMatchObject({ done: true, trials: [] });
  expect(await machine.close(3)).toEqual({ rung: 3, done: true });
});

const stop = (world: World) => stopStudy(world.deps, world.study, {}, noReceipt);

test("a study that is stopped while a rung is opened does not open it", async () => {
  const { world, machine } = await halvingWorld(3);
  // The first transaction creates the trials, the second opens the rung.
  before(world.client, TRANSACT, () => stop(world), 2);
  expect(await machine.open(0)).toMatchObject({ done: true, trials: [] });
  expect(await readRung(world.deps.store, { study: world.study.id, bracket: 0, rung: 0 })).toBeNull();
});

test("a study that is stopped while a rung is closed does not close it", async () => {
  const { world, machine } = await halvingWorld(3);
  const { trials } = await machine.open(0);
  machine.send(trials);
  await runAll(world, trials);
  before(world.client, TRANSACT, () => stop(world));
  expect(await machine.close(0)).toEqual({ rung: 0, done: true });
  expect(await readRung(world.deps.store, { study: world.study.id, bracket: 0, rung: 0 })).toMatchObject({
    state: "open",
  });
});

test("a study that is stopped before the promoted trials are queued leaves them waiting at their rung", async () => {
  const { world, machine } = await halvingWorld(3);
  const { trials } = await machine.open(0);
  machine.send(trials);
  await runAll(world, trials);
  await machine.close(0);
  before(world.client, TRANSACT, () => stop(world), 2);
  expect(await machine.open(1)).toMatchObject({ done: true, trials: [] });
  expect(await world.trial(2)).toMatchObject({ state: "paused", rung: 0, attempt: 1 });
});

test("a study that is stopped before the others of a rung end prunes nothing until it goes on", async () => {
  const { world, machine } = await halvingWorld(3);
  for (const rung of [0, 1]) {
    const { trials } = await machine.open(rung);
    machine.send(trials);
    await runAll(world, trials);
    // The first transaction decides, the second ends the trials of the rung below.
    if (rung === 1) before(world.client, TRANSACT, () => stop(world), 2);
    await machine.close(rung);
  }
  expect(await world.trial(0)).toMatchObject({ state: "paused" });
  await world.start();
  expect(await new Machine(world, 2).close(1)).toEqual({ rung: 2, done: false });
  expect(await world.trial(0)).toMatchObject({ state: "pruned" });
});

/** A job of a trial dies for good. */
const die = async (world: World, trial: number, attempt: number) => {
  const job = world.batch.run(world.batch.of(trial, attempt));
  await world.claim(trial, attempt);
  await world.settle(world.batch.fail(job, { exitCode: 1 }));
};

/** Nine trials, of which the best three have been sent to the second rung. */
const secondRung = async () => {
  const { world, machine } = await halvingWorld();
  const { trials } = await machine.open(0);
  machine.send(trials);
  await runAll(world, trials);
  await machine.close(0);
  const next = await machine.open(1);
  machine.send(next.trials);
  await world.deliver();
  return { world, machine, trials: next.trials.map(({ trial }) => trial) };
};

test("when all promoted trials fail, the next of their rung go on, until one comes to a result", async () => {
  const { world, machine, trials } = await secondRung();
  expect(trials).toEqual([6, 7, 8]);
  for (const trial of trials) await die(world, trial, 2);
  expect(await machine.close(1)).toEqual({ rung: 1, done: false });
  const again = await machine.open(1);
  expect(again.trials.map(({ trial }) => trial)).toEqual([3, 4, 5]);
  machine.send(again.trials);
  await world.deliver();
  await die(world, 3, 2);
  await die(world, 5, 2);
  await world.finish(4, 0.4, 2);
  expect(await machine.close(1)).toEqual({ rung: 2, done: false });
  expect(await world.trial(2)).toMatchObject({
    state: "pruned",
    reason: "rung 0 (epoch 1): 7th of 9, the first 6 go on",
  });
  expect((await machine.open(2)).trials).toEqual([{ trial: 4, attempt: 3 }]);
});

test("a promoted trial that fails beside one that does not is not replaced", async () => {
  const { world, machine, trials } = await secondRung();
  await die(world, 6, 2);
  await die(world, 7, 2);
  await world.finish(8, 0.9, 2);
  expect(trials).toHaveLength(3);
  expect(await machine.close(1)).toEqual({ rung: 2, done: false });
  expect((await readStudy(world.deps, world.study)).trials).toMatchObject({
    pruned: 6,
    failed: 2,
    paused: 1,
  });
});

test("a trial that failed at a rung stays failed, and takes no place of a promoted one that fails", async () => {
  const { world, machine } = await halvingWorld(3);
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  await die(world, 0, 1);
  await world.finish(1, 0.1);
  await world.finish(2, 0.2);
  await machine.close(0);
  for (const trial of [2, 1]) {
    const { trials } = await machine.open(1);
    expect(trials).toEqual([{ trial, attempt: 2 }]);
    machine.send(trials);
    await world.deliver();
    await die(world, trial, 2);
    await machine.close(1);
  }
  expect(await machine.close(1)).toEqual({ rung: 2, done: true });
  expect((await readStudy(world.deps, world.study)).trials).toMatchObject({ failed: 3, pruned: 0 });
});

test("a trial that ended without an entry in its rung counts as failed there, and is not run again", async () => {
  const { world, machine } = await halvingWorld(3);
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  await world.finish(0, 0.1);
  await world.finish(1, 0.2);
  await world.deps.store.update(changeTrial(await world.trial(2), { state: "failed" }));
  expect(await machine.close(0)).toEqual({ rung: 1, done: false });
  expect((await machine.open(0)).trials).toEqual([]);
  expect((await machine.open(1)).trials).toEqual([{ trial: 1, attempt: 2 }]);
});

test("two executions that find a rung of failures at once promote the next ones once", async () => {
  const { world, machine, trials } = await secondRung();
  for (const trial of trials) await die(world, trial, 2);
  await Promise.all([machine.close(1), machine.close(1)]);
  const rung = await readRung(world.deps.store, { study: world.study.id, bracket: 0, rung: 1 });
  expect(rung?.members).toEqual([3, 4, 5, 6, 7, 8]);
});

test("when none of a rung comes to the next one, the study says so and names the best of what it has", async () => {
  const { world, machine, trials } = await secondRung();
  for (const trial of trials) await world.finish(trial, trial / 10, 2);
  await machine.close(1);
  for (const trial of [8, 7, 6]) {
    const next = await machine.open(2);
    expect(next.trials).toEqual([{ trial, attempt: 3 }]);
    machine.send(next.trials);
    await world.deliver();
    await die(world, trial, 3);
    await machine.close(2);
  }
  expect(await machine.close(2)).toMatchObject({ done: true });
  const read = await readStudy(world.deps, world.study);
  expect(read).toMatchObject({ state: "finished", trials: { failed: 3, pruned: 6, completed: 0 } });
  expect(read.best).toMatchObject([{ number: 5, measuredAt: 1 }]);
  expect(read.message).toBe("No trial came to epoch 9. The best is of epoch 1, the furthest with a result.");
});

test("a wide rung is divided among executions that hold it, each trial in one of them", async () => {
  const world = await batchWorld({ scheduler: halvingScheduler, budget: { trials: 200, parallel: 100 } });
  await world.start();
  const opened = await new Machine(world).open(0);
  expect(opened.chunks.map(({ parallel }) => parallel)).toEqual([34, 33, 33]);
  expect(opened.trials.map(({ trial }) => trial).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 200 }, (_, trial) => trial),
  );
});

/** Brackets of three trials and of two, twice. */
const hyperbandWorld = async (parallel: number) => {
  const world = await batchWorld({ scheduler: hyperband, budget: { trials: 10, parallel } });
  await world.start();
  return { world, machine: new Machine(world) };
};

test("brackets that have a slot for each trial run side by side, each with its own", async () => {
  const { world, machine } = await hyperbandWorld(8);
  const planned = await machine.plan();
  expect(planned).toMatchObject({ bracket: 3, begun: 3, done: false });
  expect(planned.brackets.map(({ bracket, parallel }) => [bracket, parallel])).toEqual([
    [0, 3],
    [1, 2],
    [2, 3],
  ]);
  expect((await world.snapshot()).head.next).toBe(8);
  expect((await machine.plan(3, 3)).brackets.map(({ bracket }) => bracket)).toEqual([3]);
  expect(await machine.plan(4, 4)).toMatchObject({ brackets: [], done: true });
});

test("a rung that closes ends the trials of its own bracket, not those that wait at the same rung of another", async () => {
  const { world, machine } = await hyperbandWorld(8);
  await machine.plan();
  const other = new Machine(world, 1, 2);
  for (const each of [machine, other]) {
    const { trials } = await each.open(0);
    each.send(trials);
    await runAll(world, trials);
  }
  await machine.close(0);
  const { trials } = await machine.open(1);
  machine.send(trials);
  await runAll(world, trials);
  await machine.close(1);
  expect((await readStudy(world.deps, world.study)).trials).toMatchObject({
    completed: 1,
    pruned: 2,
    paused: 3,
  });
  expect(await other.close(0)).toEqual({ rung: 1, done: false });
});

test("where they do not fit, a bracket gets all slots, and the next one is drawn when it is over", async () => {
  const { world, machine } = await hyperbandWorld(2);
  const planned = await machine.plan();
  expect(planned.brackets.map(({ bracket }) => bracket)).toEqual([0]);
  expect((await world.snapshot()).head.next).toBe(3);
  expect(await machine.open(0)).toMatchObject({ parallel: 2 });
});

test("a study that is started again goes on with the brackets that are not over", async () => {
  const { world, machine } = await hyperbandWorld(2);
  for (const rung of [0, 1]) {
    const { trials } = await machine.open(rung);
    machine.send(trials);
    await runAll(world, trials);
    await machine.close(rung);
  }
  await stop(world);
  await world.start();
  // Nothing of the next one was drawn yet.
  expect((await new Machine(world, 2).plan()).brackets.map(({ bracket }) => bracket)).toEqual([1]);
  const next = new Machine(world, 2, 1);
  next.send((await next.open(0)).trials);
  await world.deliver();
  await stop(world);
  await world.start();
  const { brackets } = await new Machine(world, 3).plan();
  expect(brackets.map(({ bracket }) => bracket)).toEqual([1]);
  expect((await new Machine(world, 3, 1).open(0)).trials).toEqual([
    { trial: 3, attempt: 2 },
    { trial: 4, attempt: 2 },
  ]);
});

test("a study that is stopped stops the executions of its brackets, by the reconciler if need be", async () => {
  const { world, machine } = await hyperbandWorld(8);
  const { brackets } = await machine.plan();
  for (const { bracket } of brackets) {
    const execution = { machine: "halving", study: world.study.id, generation: 1, index: bracket } as const;
    await world.rounds.start(execution);
  }
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  const stopped = world.rounds.stop.bind(world.rounds);
  world.rounds.stop = () => Promise.reject(new Error("down"));
  await stop(world);
  expect([...world.rounds.executions.values()]).toContain("running");
  world.rounds.stop = stopped;
  await world.reconcile();
  expect([...world.rounds.executions.values()]).toEqual(["ended", "ended", "ended", "ended"]);
  expect(world.rounds.waiting.size).toBe(0);
});

test("an execution that is ended from outside leaves none of its brackets running", async () => {
  const { world, machine } = await hyperbandWorld(8);
  await machine.plan();
  await world.rounds.start({ machine: "halving", study: world.study.id, generation: 1, index: 0 });
  machine.send((await machine.open(0)).trials);
  await world.deliver();
  await world.rounds.stop({ machine: "brackets", study: world.study.id, generation: 1, index: null });
  await world.reconcile();
  await world.reconcile();
  expect([...world.rounds.executions.values()]).toEqual(["ended", "ended"]);
});

test("a study that is deleted leaves no execution running", async () => {
  const { world, machine } = await hyperbandWorld(8);
  await machine.plan();
  await world.rounds.start({ machine: "halving", study: world.study.id, generation: 1, index: 1 });
  await deleteStudy(world.deps, world.study, noReceipt);
  expect([...world.rounds.executions.values()]).toEqual(["ended", "ended"]);
  // One that goes on nevertheless finds nothing to do, while the study is being deleted and when it is gone.
  const at = { study: world.study.id, generation: 1, bracket: 0, rung: 0 };
  for (let time = 0; time < 2; time++) {
    expect(await machine.open(0)).toMatchObject({ done: true, trials: [] });
    expect((await listTrials(world.deps, { ...at, chunk: 0, of: 1 })).trials).toEqual([]);
    expect(await machine.close(0)).toMatchObject({ done: true });
    await failRounds(world.deps, { ...at, reason: "States.Timeout" });
    world.clock.now += SETTLED_MS;
    await world.reconcile();
  }
});

test("after many brackets another execution takes over, and the first finds nothing to do any more", async () => {
  const { world, machine } = await hyperbandWorld(2);
  expect(await machine.plan(0, BRACKETS_PER_EXECUTION)).toMatchObject({ brackets: [], done: true });
  expect((await world.snapshot()).head).toMatchObject({ started: true, generation: 2 });
  expect(world.rounds.executions.get(`${world.study.id}-2`)).toBe("running");
  expect(await machine.open(0)).toMatchObject({ done: true });
  expect((await new Machine(world, 2).open(0)).trials).toHaveLength(3);
});

test("a last bracket for which few trials are left runs with those", async () => {
  const world = await batchWorld({ scheduler: hyperband, budget: { trials: 4, parallel: 4 } });
  await world.start();
  const { brackets } = await new Machine(world).plan();
  expect(brackets.map(({ bracket, parallel }) => [bracket, parallel])).toEqual([
    [0, 3],
    [1, 1],
  ]);
  expect((await new Machine(world, 1, 1).open(0)).trials).toEqual([{ trial: 3, attempt: 1 }]);
});
