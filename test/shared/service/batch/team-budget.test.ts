import { expect, test } from "vitest";
import { PRICES } from "../../../../shared/prices.ts";
import { patchBudget, readBudget } from "../../../../shared/service/access/budget.ts";
import { settleJob } from "../../../../shared/service/batch/settle.ts";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { stopStudy } from "../../../../shared/service/batch/stop.ts";
import { continueDeletion, deleteStudy } from "../../../../shared/service/studies/delete.ts";
import { readStudy } from "../../../../shared/service/studies/read.ts";
import { listDeletions } from "../../../../shared/store/deletion.ts";
import { changeTrial } from "../../../../shared/store/trial.ts";
import { batchExecution, type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { moneyFaults } from "../../../support/money-soundness.ts";
import { makeStudy, noReceipt, TEAM } from "../../../support/service.ts";

/** One GPU and two vCPUs for up to an hour. */
const each = PRICES.spot.gpuHour + 2 * PRICES.spot.vcpuHour;
const four = { budget: { trials: 4, parallel: 4 } };

const limit = (world: MemoryWorld, limits: object) => patchBudget(world.deps, TEAM, limits, noReceipt);
const money = ({ deps }: MemoryWorld) => readBudget(deps, TEAM, {});
const messageOf = async ({ deps, study }: MemoryWorld) => (await readStudy(deps, study)).message;
const sound = async (world: MemoryWorld) =>
  expect(await moneyFaults(world.deps, TEAM, [world.study])).toEqual([]);

test("what runs is set aside at its time-out, and what has ended is spent by its time and price", async () => {
  const world = await memoryWorld(four);
  await world.launch();
  expect(await money(world)).toMatchObject({
    spent: { trials: 4, dollars: 0 },
    reserved: { gpuHours: 4, dollars: 4 * each },
  });
  world.clock.now += 900_000;
  await world.tell(0, 0.5);
  const { spent, reserved } = await money(world);
  expect(spent).toEqual({ trials: 4, gpuHours: 0.25, vcpuHours: 0.5, dollars: each / 4 });
  expect(reserved).toEqual({ gpuHours: 3, dollars: 3 * each });
  expect((await readStudy(world.deps, world.study)).spent.dollars).toBeCloseTo(each / 4, 9);
  await sound(world);
});

test.each([
  ["trials", { trials: 2 }, "budget of 2 trials for 2026-11"],
  ["GPU hours", { gpuHours: 2.5 }, "budget of 2.5 GPU hours for 2026-11"],
  ["dollars", { dollars: 2.5 * each }, "dollars for 2026-11"],
])(
  "of four trials two have room in a budget of %s; the others wait, and the study says why",
  async (_, limits, text) => {
    const world = await memoryWorld(four);
    await limit(world, limits);
    await world.launch();
    expect(world.batch.submissions).toBe(2);
    expect(await messageOf(world)).toContain(text);
    const { state, trials } = await readStudy(world.deps, world.study);
    expect({ state, trials }).toMatchObject({ state: "running", trials: { running: 2, queued: 2 } });
    await sound(world);
  },
);

test.each([
  ["dollars", { dollars: 1.5 * each }],
  ["GPU hours", { gpuHours: 1.5 }],
  ["trials", { trials: 1 }],
])(
  "what is set aside between the dispatcher's look at the budget and its fence counts: nothing is submitted beyond the limit of %s",
  async (unit, limits) => {
    const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
    const batch = { executor: batchExecution, budget: { trials: 1, parallel: 1 } };
    const other = await makeStudy(world.deps, batch);
    await limit(world, limits);
    await startStudy(world.deps, other, noReceipt);
    const theirs = world.queue.take();
    await world.start();
    before(world.client, TRANSACT, () => world.deliver(theirs));
    await world.deliver();
    expect(world.batch.submissions).toBe(1);
    expect(world.batch.jobs[0]?.environment.HONE_STUDY).toBe(other.id);
    expect(await messageOf(world)).toContain(`${unit} for 2026-11`);
  },
);

test("a study that waits goes on when its running trials have used less, and then says nothing", async () => {
  const world = await memoryWorld(four);
  await limit(world, { dollars: 2 * each });
  await world.launch();
  world.clock.now += 60_000;
  await world.tell(0, 0.5);
  await world.tell(1, 0.6);
  world.clock.now += 61_000;
  await world.reconcile();
  await world.deliver();
  // A minute each was used, so one more attempt fits, not two.
  expect(world.batch.submissions).toBe(3);
  await limit(world, { dollars: 10 * each });
  await world.reconcile();
  await world.deliver();
  expect(world.batch.submissions).toBe(4);
  expect(await messageOf(world)).toBeNull();
  await sound(world);
});

test("the next month has the whole budget again, and what still runs counts in the one before", async () => {
  const world = await memoryWorld({ ...four, lease: { seconds: 7200 } });
  world.clock.now = Date.parse("2026-11-30T23:30:00Z");
  await limit(world, { trials: 3 });
  await world.launch();
  world.clock.now += 3_600_000;
  await world.tell(0, 0.5);
  await world.reconcile();
  await world.deliver();
  expect(world.batch.submissions).toBe(4);
  expect(await money(world)).toMatchObject({ month: "2026-12", spent: { trials: 1, dollars: 0 } });
  const before = await readBudget(world.deps, TEAM, { month: "2026-11" });
  expect(before).toMatchObject({ spent: { trials: 3 }, reserved: { gpuHours: 2 } });
  expect(before.spent.gpuHours).toBe(1);
  await sound(world);
});

test.each([
  ["trials", { trials: 2 }, { trials: 5 }],
  ["dollars", { dollars: 2.5 * each }, { dollars: 5.5 * each }],
  ["GPU hours", { gpuHours: 2.5 }, { gpuHours: 5.5 }],
])(
  "a study that waits is not asked again and again: as many attempts are sent as have room in %s",
  async (_, two, five) => {
    const world = await memoryWorld({ budget: { trials: 50, parallel: 50 }, lease: { seconds: 3600 } });
    await limit(world, two);
    await world.launch();
    world.clock.now += 61_000;
    await world.reconcile();
    expect(world.queue.take()).toHaveLength(0);
    await limit(world, five);
    await world.reconcile();
    expect(world.queue.take()).toHaveLength(3);
  },
);

test("a lost attempt gives its money back once, whatever is delivered twice, and its trial counts once", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
  await limit(world, { trials: 1 });
  await world.launch();
  world.clock.now += 100_000;
  const job = world.batch.fail(world.batch.of(0), { statusReason: "Host EC2 (instance i-1) terminated." });
  await Promise.all([world.settle(job), world.settle(job), world.reconcile()]);
  await world.settle(job);
  expect(await money(world)).toMatchObject({
    spent: { trials: 1, gpuHours: 100 / 3600 },
    reserved: { dollars: 0 },
  });
  await world.deliver();
  expect(world.batch.submissions).toBe(2);
  expect(await money(world)).toMatchObject({ spent: { trials: 1 }, reserved: { gpuHours: 1 } });
  await sound(world);
});

test.each(["throttled", "rejected", "lost"] as const)(
  "a submission that is %s sets nothing aside for long",
  async (fault) => {
    const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
    world.batch.faults = [fault];
    await world.start();
    await world.deliver();
    world.clock.now += 61_000;
    await world.reconcile();
    expect(await money(world)).toMatchObject({
      spent: { trials: 1, dollars: 0 },
      reserved: { gpuHours: 0, dollars: 0 },
    });
    await sound(world);
  },
);

test("a stopped study gives back what its trials had set aside, and keeps what they used", async () => {
  const world = await memoryWorld(four);
  await world.launch();
  world.clock.now += 36_000;
  await stopStudy(world.deps, world.study, {}, noReceipt);
  await sound(world);
  // Once the jobs have ended.
  for (const job of world.batch.jobs) await world.settle(job);
  expect(await money(world)).toMatchObject({ spent: { gpuHours: 0.04 }, reserved: { dollars: 0 } });
  await sound(world);
});

test("of a deleted study what Batch says that its jobs ran is spent, whether they claimed, told or slept", async () => {
  const world = await memoryWorld({ budget: { trials: 5, parallel: 5 } });
  await world.start();
  await world.deliver();
  const at = (seconds: number) => world.clock.now - seconds * 1000;
  world.clock.now += 2 * 3_600_000;
  const [silent, teller, sleeper, overdue] = [0, 1, 2, 3].map((trial) =>
    world.batch.run(world.batch.of(trial)),
  );
  // One ran for 10 minutes and never claimed; the second claimed and told at once, 20 minutes ago; the third did, and has ended since.
  Object.assign(silent!, { startedAt: at(600) });
  Object.assign(teller!, { startedAt: at(1200) });
  Object.assign(sleeper!, { startedAt: at(900) });
  // The fourth claimed long ago, and nobody has noticed yet that its time is over. The fifth waits for a machine.
  Object.assign(overdue!, { startedAt: at(7000) });
  for (const trial of [1, 2, 3]) await world.claim(trial);
  for (const trial of [1, 2]) await world.tellOnly(trial, 0.5);
  Object.assign(world.batch.succeed(sleeper!), { stoppedAt: at(300) });
  await deleteStudy(world.deps, world.study, noReceipt);
  const [deletion] = await listDeletions(world.deps.store);
  await continueDeletion(world.deps, deletion!);
  const { spent, reserved } = await money(world);
  expect(spent.gpuHours * 3600).toBeCloseTo(600 + 1200 + 600 + 3600, 6);
  expect(reserved).toEqual({ gpuHours: 0, dollars: 0 });
});

test("of a deleted study jobs that Batch knows no more have run since their claim, at most for their time-out", async () => {
  const world = await memoryWorld({ budget: { trials: 4, parallel: 4 }, lease: { seconds: 86_400 } });
  await world.launch();
  world.clock.now += 60_000;
  await world.tellOnly(0, 0.5);
  await world.tellOnly(1, 0.5);
  const { attempt, state } = await world.trial(3);
  const body = { study: world.study.id, number: 3, attempt, state };
  await world.deps.store.update(
    changeTrial(body, { job: { ...(await world.trial(3)).job!, phase: "submitted" } }),
  );
  for (const trial of [0, 1, 2, 3]) world.batch.forget(world.batch.of(trial));
  world.clock.now += 30_000;
  await deleteStudy(world.deps, world.study, noReceipt);
  const [deletion] = await listDeletions(world.deps.store);
  await continueDeletion(world.deps, deletion!);
  const { spent, reserved } = await money(world);
  expect(spent.gpuHours * 3600).toBeCloseTo(3 * 90, 6);
  expect(reserved).toEqual({ gpuHours: 0, dollars: 0 });
});

test("a deletion takes nothing back of what is spent, even if Batch says that the job ran for less", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  world.clock.now += 50_000;
  await world.tellOnly(0, 0.5);
  Object.assign(world.batch.of(0), { startedAt: world.clock.now - 10_000 });
  await deleteStudy(world.deps, world.study, noReceipt);
  const [deletion] = await listDeletions(world.deps.store);
  await continueDeletion(world.deps, deletion!);
  expect((await money(world)).spent.gpuHours * 3600).toBeCloseTo(50, 6);
});

test("a deleted study leaves what it has spent, and nothing set aside", async () => {
  const world = await memoryWorld(four);
  await world.launch();
  world.clock.now += 36_000;
  await deleteStudy(world.deps, world.study, noReceipt);
  const [deletion] = await listDeletions(world.deps.store);
  await Promise.all([continueDeletion(world.deps, deletion!), continueDeletion(world.process(), deletion!)]);
  await continueDeletion(world.deps, deletion!);
  const { spent, reserved } = await money(world);
  expect(spent.dollars).toBeCloseTo(0.04 * each, 6);
  expect(reserved).toEqual({ gpuHours: 0, dollars: 0 });
});

test("an attempt costs what it did when it was submitted, whatever the prices are when it ends", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  world.clock.now += 3_600_000;
  const atHigherPrices = { ...world.process(), prices: { ...PRICES, spot: { gpuHour: 9, vcpuHour: 9 } } };
  const job = world.batch.fail(world.batch.of(0), { exitCode: 1 });
  await settleJob(atHigherPrices, { ...job });
  expect((await money(world)).spent.dollars).toBeCloseTo(each, 6);
});

test("an on-demand study is charged the price of on-demand machines", async () => {
  const world = await memoryWorld({ ...four, executor: { ...batchExecution, market: "on-demand" } });
  await world.launch();
  const rates = PRICES["on-demand"];
  expect((await money(world)).reserved.dollars).toBeCloseTo(4 * (rates.gpuHour + 2 * rates.vcpuHour), 6);
});

test("attempts that were submitted by a version that reserved nothing are charged in the month they end in", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  const trial = await world.trial(0);
  const { reserved: _, ...job } = trial.job!;
  await world.deps.store.update(changeTrial(trial, { job }));
  world.clock.now = Date.parse("2026-12-01T00:00:00Z");
  const before = await money(world);
  await world.tell(0, 0.5);
  const after = await money(world);
  // Its time-out, although its end was noticed days later.
  expect(after.spent.gpuHours - before.spent.gpuHours).toBe(1);
  expect(after.reserved).toEqual({ gpuHours: 0, dollars: 0 });
});
