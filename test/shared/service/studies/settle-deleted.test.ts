import { expect, test } from "vitest";
import { readBudget } from "../../../../shared/service/access/budget.ts";
import { settleDeleted } from "../../../../shared/service/studies/settle-deleted.ts";
import { changeTrial } from "../../../../shared/store/trial.ts";
import { type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { TEAM } from "../../../support/service.ts";

/** What the jobs of a deleted study leave in their team's budget, pass by pass. */

const settle = ({ deps, study, clock }: MemoryWorld, at = clock.now) =>
  settleDeleted(deps, { study: study.id, team: TEAM, created: null, at });

const NOTHING = { gpuHours: 0, dollars: 0 };

/** Seconds of a GPU that are spent, and whether something is still set aside. */
const money = async ({ deps }: MemoryWorld) => {
  const { spent, reserved } = await readBudget(deps, TEAM, {});
  return { seconds: Math.round(spent.gpuHours * 3600), reserved };
};

/** A trial whose third attempt runs, while the jobs of the first two ignore that they were ended: 132, 71 and 10 seconds. */
const withSlowJobs = async () => {
  const world = await memoryWorld({
    budget: { trials: 1, parallel: 1 },
    lease: { seconds: 60, maxAttempts: 5 },
  });
  await world.launch();
  world.batch.terminate = async () => {};
  for (const attempt of [2, 3]) {
    world.clock.now += 61_000;
    await world.reconcile();
    await world.deliver();
    world.batch.run(world.batch.of(0, attempt));
    await world.claim(0, attempt);
  }
  world.clock.now += 10_000;
  return world;
};

test("each job is charged once by what Batch says, the current one and those that outlived their attempts, one in each pass", async () => {
  const world = await withSlowJobs();
  expect(await settle(world)).toBe(false);
  expect(await world.trial(0)).toMatchObject({ state: "failed", job: null, open: [{ attempt: 2 }] });
  expect(await settle(world)).toBe(true);
  expect((await world.trial(0)).open).toBeUndefined();
  expect(await money(world)).toEqual({ seconds: 132 + 71 + 10, reserved: NOTHING });
  // Repeating it is harmless.
  expect(await settle(world)).toBe(true);
  expect(await money(world)).toEqual({ seconds: 213, reserved: NOTHING });
});

test("an attempt that ends meanwhile is charged once, and its trial is read again", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  world.clock.now += 30_000;
  before(world.client, TRANSACT, () => world.tellOnly(0, 0.5));
  expect(await settle(world)).toBe(false);
  expect(await world.trial(0)).toMatchObject({ state: "completed", open: [{ seconds: 30 }] });
  before(world.client, TRANSACT, () => world.endJob(0));
  expect(await settle(world)).toBe(false);
  expect(await settle(world)).toBe(true);
  expect(await money(world)).toEqual({ seconds: 30, reserved: NOTHING });
});

test("a job that Batch does not know has run since its claim, and one that claimed nothing has not run", async () => {
  for (const [phase, seconds] of [
    ["claimed", 40],
    ["submitted", 0],
  ] as const) {
    const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
    await world.launch();
    const trial = await world.trial(0);
    await world.deps.store.update(changeTrial(trial, { job: { ...trial.job!, phase } }));
    world.batch.forget(world.batch.of(0));
    world.clock.now += 40_000;
    expect(await settle(world)).toBe(true);
    expect(await money(world), phase).toEqual({ seconds, reserved: NOTHING });
  }
});

test("a job whose submission was unclear has run for nothing that is known", async () => {
  const world = await memoryWorld({ budget: { trials: 1, parallel: 1 } });
  world.batch.faults = ["unheard"];
  await world.start();
  await world.deliver();
  world.clock.now += 40_000;
  expect(await settle(world)).toBe(true);
  expect(await money(world)).toEqual({ seconds: 0, reserved: NOTHING });
});

test("what was submitted by a version that set nothing aside is charged nothing, and ends", async () => {
  const world = await withSlowJobs();
  const trial = await world.trial(0);
  const { reserved: _, ...job } = trial.job!;
  const open = (trial.open ?? []).map(({ reserved, ...run }) => run);
  await world.deps.store.update(changeTrial(trial, { job, open }));
  const { seconds } = await money(world);
  expect(await settle(world)).toBe(false);
  expect(await settle(world)).toBe(true);
  expect((await money(world)).seconds).toBe(seconds);
  expect((await world.trial(0)).open).toBeUndefined();
});

test("of a study that has no jobs Batch is asked nothing", async () => {
  const world = await memoryWorld();
  world.batch.describe = () => Promise.reject(new Error("not to be asked"));
  expect(await settle(world)).toBe(true);
});
