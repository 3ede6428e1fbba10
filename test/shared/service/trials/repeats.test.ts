import { expect, test } from "vitest";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { tellTrial } from "../../../../shared/service/trials/tell.ts";
import type { SpaceDefinition } from "../../../../shared/space/definition.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { createMemoryTable } from "../../../support/memory-table/client.ts";
import { noReceipt } from "../../../support/service.ts";

/** Finite spaces that have been tried out, and what a study may then try again. */

const four: SpaceDefinition = {
  a: { type: "categorical", choices: ["x", "y"] },
  b: { type: "categorical", choices: [true, false] },
};

const setUp = (change: Parameters<typeof clientWorld>[1] = {}) =>
  clientWorld(createMemoryTable(), { space: four, budget: { trials: 20, parallel: 20 }, ...change });

const fail = ({ deps, study }: ClientWorld, number: number, attempt = 1, reason = "oom") =>
  tellTrial(deps, study, number, { attempt, failed: { reason } }, noReceipt);

/** Tries all four configurations: those of even numbers fail. */
const tryOut = async (world: ClientWorld) => {
  for (let i = 0; i < 4; i++) await world.ask();
  for (let i = 0; i < 4; i++) await (i % 2 === 0 ? fail(world, i) : world.tell(i, i));
};

test("a space that was tried out ends the study, which says why, how much is left and what can be done", async () => {
  const world = await setUp();
  await tryOut(world);
  expect(await world.ask()).toMatchObject({ trials: [], state: "finished" });
  const { state, message } = await world.read();
  expect(state).toBe("finished");
  expect(message).toContain(
    "Every configuration of the search space has been tried, so 16 trials of the budget are left.",
  );
  expect(message).toContain("2 trials failed; enqueue their configurations");
});

test("a larger budget for it is refused, because it would change nothing; a used up budget may be extended", async () => {
  const world = await setUp();
  await tryOut(world);
  await world.ask();
  await expect(
    patchStudy(world.deps, world.study, { budget: { trials: 40 } }, noReceipt),
  ).rejects.toMatchObject({ type: "conflict", facts: { kind: "space-exhausted", left: 16 } });
  const used = await setUp({ budget: { trials: 4, parallel: 4 } });
  await tryOut(used);
  expect((await used.read()).message).toBeNull();
  await patchStudy(used.deps, used.study, { budget: { trials: 5 } }, noReceipt);
  expect(await used.ask()).toMatchObject({ trials: [], state: "finished" });
});

test("a failed configuration that is enqueued is tried again, and the study goes on until it has ended", async () => {
  const world = await setUp();
  await tryOut(world);
  await world.ask();
  const { params } = await world.trial(0);
  await addTrials(world.deps, world.study, { trials: [{ params }] }, noReceipt);
  expect((await world.read()).state).toBe("running");
  expect((await world.ask()).trials).toMatchObject([{ number: 4, params, algorithm: "enqueue" }]);
  await world.tell(4, 9);
  expect(await world.read()).toMatchObject({ state: "finished", best: [{ number: 4 }] });
});

test("with `repeats.failed` failed configurations are tried again as new trials, so often and not oftener", async () => {
  const world = await setUp({ repeats: { failed: 2 } });
  await tryOut(world);
  const params = await Promise.all([0, 2].map(async (i) => (await world.trial(i)).params));
  const again = [await world.ask(), await world.ask()].flatMap(({ trials }) => trials);
  expect(again.map((trial) => trial.params)).toEqual(expect.arrayContaining(params));
  expect(again[0]?.why).toBe("once more: it failed");
  expect((await world.ask()).trials).toEqual([]);
  for (const { number } of again) await fail(world, number);
  const third = [await world.ask(), await world.ask()].flatMap(({ trials }) => trials);
  expect(third).toHaveLength(2);
  await fail(world, third[0]!.number);
  await world.tell(third[1]!.number, 7);
  expect(await world.ask()).toMatchObject({ trials: [], state: "finished" });
  expect((await world.read()).trials).toMatchObject({ completed: 3, failed: 5 });
});

test("a study whose last trials fail is not over while they may be tried again", async () => {
  const world = await setUp({ repeats: { failed: 1 } });
  for (let i = 0; i < 4; i++) await world.ask();
  expect(await world.ask()).toMatchObject({ trials: [], state: "running" });
  for (let i = 0; i < 4; i++) await fail(world, i);
  expect(await world.ask()).toMatchObject({ state: "running", trials: [{ number: 4 }] });
});

test("with `repeats.completed` noisy configurations get that many more trials, the best first", async () => {
  const world = await setUp({ repeats: { completed: 1 } });
  await tryOut(world);
  const again = [await world.ask(), await world.ask()].flatMap(({ trials }) => trials);
  expect(again[0]?.params).toEqual((await world.trial(3)).params);
  expect(again[0]?.why).toBe("once more: its trial number 2");
  expect(again[1]?.params).toEqual((await world.trial(1)).params);
  for (const { number } of again) await world.tell(number, 0);
  expect(await world.ask()).toMatchObject({ trials: [], state: "finished" });
});

test("a space of constants runs its budget when the study says so, and says why not otherwise", async () => {
  const constant: SpaceDefinition = { a: { type: "categorical", choices: ["only"] } };
  const silent = await setUp({ space: constant });
  await silent.ask();
  await silent.tell(0, 1);
  expect((await silent.ask()).state).toBe("finished");
  expect((await silent.read()).message).toContain("`repeats`");
  const noisy = await setUp({ space: constant, budget: { trials: 5 }, repeats: { completed: 100 } });
  for (let i = 0; i < 5; i++) {
    expect((await noisy.ask()).trials).toMatchObject([{ number: i }]);
    await noisy.tell(i, i);
  }
  expect(await noisy.ask()).toMatchObject({ trials: [], state: "finished" });
});

test("in an infinite space nothing is tried twice", async () => {
  const world = await setUp({
    space: { x: { type: "float", low: 0, high: 1 } },
    repeats: { failed: 5, completed: 5 },
  });
  const seen = new Set<unknown>();
  for (let i = 0; i < 10; i++) {
    const [trial] = (await world.ask()).trials;
    seen.add(trial?.params.x);
    await (i % 2 ? world.tell(i, i) : fail(world, i));
  }
  expect(seen.size).toBe(10);
});

test("with `repeats.attempts` a trial told as failed gets its next attempt at the next ask, and its last failure stands", async () => {
  const world = await setUp({ repeats: { attempts: 2 } });
  const [first] = (await world.ask("w1")).trials;
  expect(await fail(world, 0)).toEqual({ number: 0, state: "queued" });
  // The same tell again, its reply having been lost.
  expect(await fail(world, 0)).toEqual({ number: 0, state: "queued" });
  await expect(fail(world, 0, 1, "another reason")).rejects.toMatchObject({ type: "stale-attempt" });
  await expect(world.tell(0, 1)).rejects.toMatchObject({ type: "stale-attempt" });
  const [second] = (await world.ask("w2")).trials;
  expect(second).toMatchObject({ number: 0, attempt: 2, params: first?.params });
  await expect(fail(world, 0, 1, "another reason")).rejects.toMatchObject({ type: "stale-attempt" });
  expect(await fail(world, 0, 2)).toEqual({ number: 0, state: "failed" });
  expect(await world.detail(0)).toMatchObject({
    state: "failed",
    reason: "oom",
    attempts: [{ attempt: 1, end: "failed", reason: "oom" }],
  });
});

test("a tell of a failure is repeated even when another worker has the trial by then", async () => {
  const world = await setUp({ repeats: { attempts: 3 } });
  await world.ask("w1");
  await fail(world, 0);
  await world.ask("w2");
  expect(await fail(world, 0)).toEqual({ number: 0, state: "queued" });
  expect(await world.trial(0)).toMatchObject({ state: "running", attempt: 2, worker: "w2" });
});

test("of a long reason an attempt keeps the beginning, and its tell may still be repeated", async () => {
  const world = await setUp({ repeats: { attempts: 2 } });
  const reason = "x".repeat(1024);
  await world.ask("w1");
  await fail(world, 0, 1, reason);
  expect(await fail(world, 0, 1, reason)).toEqual({ number: 0, state: "queued" });
  expect((await world.detail(0)).attempts[0]?.reason?.length).toBe(301);
});

test("an attempt that succeeds after one that failed completes the trial", async () => {
  const world = await setUp({ repeats: { attempts: 3 } });
  await world.ask();
  await fail(world, 0);
  await world.ask();
  expect(await world.tell(0, 0.5, 2)).toEqual({ number: 0, state: "completed" });
  expect(await world.trial(0)).toMatchObject({ reason: null, values: { accuracy: 0.5 } });
});
