import { expect, test } from "vitest";
import {
  costOf,
  findSpend,
  type Reservation,
  reserve,
  SPEND,
  type SpendLimits,
  settle,
  spendMore,
} from "../../../shared/store/spend.ts";
import { createMemoryTable } from "../../support/memory-table/client.ts";
import { testDeps } from "../../support/service.ts";

const MONTH = "2026-11";
/** Two GPUs for up to 100 s, 5,000 millionths of a dollar. */
const each: Reservation = { month: MONTH, seconds: 100, gpus: 2, vcpus: 8, micros: 5000 };

const world = () => {
  const { client, tableName } = createMemoryTable();
  const { store } = testDeps(client, tableName);
  return {
    store,
    spend: () => findSpend(store, "acme", MONTH),
    reserve: (limits: SpendLimits = {}, isFirst = true) =>
      store.transact([reserve("acme", each, isFirst, limits)]),
  };
};

const refused = expect.objectContaining({ names: new Set([SPEND]) });

test("an attempt sets aside what it may use, and when it has ended only what it used stays", async () => {
  const { store, spend, reserve: set } = world();
  await set();
  expect(await spend()).toMatchObject({
    trials: 1,
    gpuSeconds: 0,
    micros: 0,
    boundGpuSeconds: 200,
    boundMicros: 5000,
  });
  await store.transact([settle("acme", each, 30)]);
  expect(await spend()).toMatchObject({
    trials: 1,
    gpuSeconds: 60,
    vcpuSeconds: 240,
    micros: 1500,
    boundGpuSeconds: 60,
    boundMicros: 1500,
  });
  await store.transact([spendMore("acme", each, 10)]);
  expect(await spend()).toMatchObject({
    gpuSeconds: 80,
    micros: 2000,
    boundGpuSeconds: 80,
    boundMicros: 2000,
  });
});

test.each<[string, SpendLimits]>([
  ["trials", { trials: 2 }],
  ["GPU time", { gpuSeconds: 400 }],
  ["money", { micros: 10_000 }],
])("a limit of %s lets so much be set aside and no more", async (_, limits) => {
  const { spend, reserve: set } = world();
  await set(limits);
  await set(limits);
  const before = await spend();
  await expect(set(limits)).rejects.toEqual(refused);
  expect(await spend()).toEqual(before);
});

test("what was not used leaves room again", async () => {
  const { store, reserve: set } = world();
  await set({ micros: 9000 });
  await expect(set({ micros: 9000 })).rejects.toEqual(refused);
  await store.transact([settle("acme", each, 80)]);
  await set({ micros: 9000 });
});

test("a further job of a trial counts as no trial, and its money counts", async () => {
  const { spend, reserve: set } = world();
  await set({ trials: 1 });
  await set({ trials: 1 }, false);
  expect(await spend()).toMatchObject({ trials: 1, boundMicros: 10_000 });
});

test("each month and each team has its own", async () => {
  const { store, reserve: set } = world();
  await set({ trials: 1 });
  await store.transact([reserve("acme", { ...each, month: "2026-12" }, true, { trials: 1 })]);
  await store.transact([reserve("other", each, true, { trials: 1 })]);
  expect(await findSpend(store, "other", MONTH)).toMatchObject({ trials: 1 });
});

test("seconds cost in proportion, in whole millionths", () => {
  expect([0, 1, 50, 100, 101].map((seconds) => costOf(each, seconds))).toEqual([0, 50, 2500, 5000, 5050]);
  expect(costOf({ ...each, micros: 1 }, 49)).toBe(0);
});
