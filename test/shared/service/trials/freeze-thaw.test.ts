import { expect, test } from "vitest";
import type { PatchStudyBody } from "../../../../shared/schemas/study.ts";
import type { LeasedTrial } from "../../../../shared/schemas/trial.ts";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { createMemoryTable } from "../../../support/memory-table/client.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createMemoryTable();

const setUp = (
  algorithm: "gp" | "random" = "gp",
  budget = { trials: 60, parallel: 1 },
  options: { leastGain?: number } = {},
) =>
  clientWorld(table, {
    space: { rate: { type: "float", low: 1e-4, high: 1, scale: "log" } },
    scheduler: { name: "freeze-thaw", resource: { name: "epoch", min: 1, max: 9 }, ...options },
    algorithm: { name: algorithm, seed: 1 },
    budget,
  });

/** Best at a rate of 0.01, and better the longer it runs. */
const accuracyOf = ({ params, resource }: LeasedTrial): number =>
  0.9 - (Math.log10(Number(params.rate)) + 2) ** 2 / 10 - 0.3 / (resource ?? 1);

/** Runs a trial as far as it was told to. */
const run = async (world: ClientWorld, trial: LeasedTrial, accuracy = accuracyOf): Promise<void> => {
  const { number, attempt, resource } = trial;
  const checkpoint = `s3://bucket/${number}-${resource}`;
  if (resource === 9) {
    await world.tell(number, accuracy(trial), attempt);
    return;
  }
  const { decision } = await world.report(number, resource ?? 0, accuracy(trial), { attempt, checkpoint });
  expect(decision).toBe("pause");
};

/** Workers that take turns. */
const work = async (
  world: ClientWorld,
  asks: number,
  workers = 1,
  accuracy = accuracyOf,
): Promise<LeasedTrial[]> => {
  const handedOut: LeasedTrial[] = [];
  const running = new Map<string, LeasedTrial>();
  for (let i = 0; i < asks; i++) {
    const worker = `w${i % workers}`;
    const mine = running.get(worker);
    if (mine !== undefined) await run(world, mine, accuracy);
    const [trial] = (await world.ask(worker)).trials;
    if (trial === undefined) break;
    running.set(worker, trial);
    handedOut.push(trial);
  }
  for (const trial of running.values()) await run(world, trial, accuracy);
  return handedOut;
};

test("promising trials go on from their checkpoints level by level, the others stay paused", async () => {
  const world = await setUp();
  const handedOut = await work(world, 24);
  const resumed = handedOut.filter(({ attempt }) => attempt > 1);
  const toTheEnd = handedOut.filter(({ attempt, resource }) => attempt === 1 && resource === 9);
  expect(toTheEnd.length).toBeGreaterThan(0);
  expect(toTheEnd.length).toBeLessThan(handedOut.length / 2);
  expect(resumed.length).toBeGreaterThan(0);
  for (const { number, attempt, resource, checkpoint } of resumed) {
    expect(resource).toBe(3 ** (attempt - 1));
    expect(checkpoint).toBe(`s3://bucket/${number}-${3 ** (attempt - 2)}`);
  }
  const begun = handedOut.filter(({ attempt, resource }) => attempt === 1 && resource === 1);
  const wentOn = new Set(resumed.map(({ number }) => number));
  const meanAtTheEnd = (trials: readonly LeasedTrial[]) =>
    trials.reduce((sum, trial) => sum + accuracyOf({ ...trial, resource: 9 }), 0) / trials.length;
  const [on, paused] = [true, false].map((isOn) => begun.filter(({ number }) => wentOn.has(number) === isOn));
  expect(meanAtTheEnd(on!)).toBeGreaterThan(meanAtTheEnd(paused!));
  const [best] = (await world.read()).best;
  expect(best?.values.accuracy).toBeGreaterThan(0.85);
});

test("with an algorithm that draws at random, promising trials go on too, and none runs to the end at once", async () => {
  const handedOut = await work(await setUp("random"), 24);
  const begun = handedOut.filter(({ attempt }) => attempt === 1);
  expect(begun.every(({ algorithm, resource }) => algorithm === "random" && resource === 1)).toBe(true);
  expect(handedOut.length - begun.length).toBeGreaterThan(2);
});

test("new trials are chosen by the model, and say so", async () => {
  const world = await setUp();
  const handedOut = await work(world, 24);
  const chosen = handedOut.map(({ algorithm, why }) => `${algorithm}: ${why}`);
  expect(chosen).toContain("freeze-thaw: expected improvement per unit of resource");
  expect(chosen.some((each) => /^gp: .*, run to the end$/.test(each))).toBe(true);
});

test("a study in which little is left to gain says so, and goes on", async () => {
  const world = await setUp();
  await work(world, 8); // The model chooses from the fifth on, and there is much to gain.
  expect((await world.read()).message).toBeNull();
  await work(world, 36);
  const { message, state } = await world.read();
  expect(message).toMatch(/^After \d+ trials the resource of another full run is expected to improve/);
  expect(state).toBe("running");
  await work(world, 2);
  expect((await world.read()).message).toBe(message);
});

test("a study whose least gain is named ends there: nothing more is handed out, and what is paused has been pruned", async () => {
  const world = await setUp("gp", { trials: 60, parallel: 2 }, { leastGain: 1e-3 });
  const handedOut = await work(world, 44, 2);
  expect(handedOut.length).toBeGreaterThan(8);
  expect(handedOut.length).toBeLessThan(44);
  const { state, message, trials, best } = await world.read();
  expect(state).toBe("finished");
  expect(message).toMatch(
    /^The study ended after \d+ trials: .* improve the best result by 0\.0\d+% of .* less than its `leastGain` of 0\.1%\.$/,
  );
  expect(trials).toMatchObject({ queued: 0, running: 0, paused: 0 });
  expect(best[0]?.values.accuracy).toBeGreaterThan(0.85);
  expect(await world.ask("w")).toMatchObject({ trials: [], state: "finished", retryAfter: null });
  await expect(
    patchStudy(world.deps, world.study, { budget: { trials: 90, parallel: 2 } }, noReceipt),
  ).rejects.toMatchObject({ type: "conflict", facts: { kind: "not-worth-more" } });
});

test("many workers at once do not end a study before its best trials have come to their ends", async () => {
  const world = await clientWorld(table, {
    space: { a: { type: "float", low: 0, high: 1 }, b: { type: "float", low: 0, high: 1 } },
    scheduler: { name: "freeze-thaw", resource: { name: "epoch", min: 1, max: 9 }, leastGain: 0.01 },
    algorithm: { name: "gp", seed: 1 },
    budget: { trials: 200, parallel: 16 },
  });
  // The best ones learn slowly, and come to 0.80.
  const accuracy = ({ params, resource }: LeasedTrial) => {
    const [a, b] = [Number(params.a), Number(params.b)];
    return 1 - 2 * (a - 0.25) ** 2 - 2 * (b - 0.6) ** 2 - 0.6 * Math.exp((-(resource ?? 0) * (0.05 + a)) / 3);
  };
  await work(world, 1000, 16, accuracy);
  const { state, best } = await world.read();
  expect(state).toBe("finished");
  expect(best[0]?.values.accuracy).toBeGreaterThan(0.7);
});

/** A study that its model has ended, while a trial still runs. */
const ending = async () => {
  const world = await setUp("gp", { trials: 60, parallel: 2 }, { leastGain: 1e-3 });
  const running = new Map<string, LeasedTrial>();
  for (let i = 0; (await world.snapshot()).head.ended === null; i++) {
    const worker = `w${i % 2}`;
    const mine = running.get(worker);
    if (mine !== undefined) await run(world, mine);
    running.delete(worker);
    for (const trial of (await world.ask(worker)).trials) running.set(worker, trial);
  }
  const [trial] = running.values();
  const { message } = await world.read();
  return { world, trial: trial!, message, change: patchOf(world) };
};

const patchOf = (world: ClientWorld) => (body: PatchStudyBody) =>
  patchStudy(world.deps, world.study, body, noReceipt);

const NOT_WORTH_MORE = { type: "conflict", facts: { kind: "not-worth-more" } };

test("a study that its model ended says so after a pause too, and no budget or state continues it", async () => {
  const { world, trial, message, change } = await ending();
  expect(message).toMatch(/^The study ended after/);
  await change({ state: "paused" });
  await change({ state: "running" });
  await expect(change({ budget: { trials: 90 } })).rejects.toMatchObject(NOT_WORTH_MORE);
  await run(world, trial);
  expect(await world.read()).toMatchObject({ state: "finished", message });
  await expect(change({ budget: { trials: 90 } })).rejects.toMatchObject(NOT_WORTH_MORE);
  await expect(change({ state: "running" })).rejects.toMatchObject(NOT_WORTH_MORE);
});

test("a smaller budget does not let paused trials of a study that its model ended go on", async () => {
  const { world, trial, change } = await ending();
  await run(world, trial);
  await change({ budget: { trials: 50 } });
  expect(await world.read()).toMatchObject({ state: "finished", trials: { paused: 0 } });
});

test("the model is fitted anew only when there are clearly more results, by any process", async () => {
  const world = await setUp();
  await work(world, 30);
  const { hint } = await world.snapshot();
  expect(hint).toMatchObject({ algorithm: "freeze-thaw" });
  await work(world, 1);
  expect((await world.snapshot()).hint).toEqual(hint);
  await work(world, 4);
  expect((await world.snapshot()).hint?.trials).toBeGreaterThan(hint?.trials ?? 0);
});

test("where the budget leaves one new trial, the rest of an ask goes on with paused ones", async () => {
  const world = await setUp();
  await work(world, 12);
  const used = (await world.snapshot()).head.next;
  await patchStudy(world.deps, world.study, { budget: { trials: used + 1, parallel: 4 } }, noReceipt);
  const attempts = (await world.ask("w", 4)).trials.map(({ attempt }) => attempt);
  expect(attempts).toHaveLength(4);
  expect(attempts.filter((attempt) => attempt === 1).length).toBeLessThanOrEqual(1);
});

/** Epochs of a trial's last segment. */
const epochsOf = ({ attempt, resource }: LeasedTrial): number =>
  (resource ?? 0) - (attempt === 1 ? 0 : (resource ?? 0) / 3);

test("where many workers ask, the model chooses what is proposed ahead: half of the resource runs to the end, and paused trials go on", async () => {
  const world = await setUp("gp", { trials: 1000, parallel: 32 });
  const handedOut = await work(world, 200, 32);
  const all = handedOut.reduce((sum, trial) => sum + epochsOf(trial), 0);
  const toTheEnd = handedOut.filter(({ attempt, resource }) => attempt === 1 && resource === 9);
  const share = toTheEnd.reduce((sum, trial) => sum + epochsOf(trial), 0) / all;
  expect(share).toBeGreaterThan(0.35);
  expect(share).toBeLessThan(0.6);
  expect(handedOut.filter(({ attempt }) => attempt > 1).length).toBeGreaterThan(10);
  const origins = new Set(handedOut.map(({ algorithm, why }) => `${algorithm}: ${why}`));
  expect(origins).not.toContain("gp: expected improvement");
});
