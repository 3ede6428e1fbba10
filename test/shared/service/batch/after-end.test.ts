import { expect, test } from "vitest";
import { afterChange, afterEnd } from "../../../../shared/service/batch/after-end.ts";
import { changeTrial, type Job } from "../../../../shared/store/trial.ts";
import { type batchWorld, halvingScheduler, type World, worldOn } from "../../../support/batch.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { before, UPDATE } from "../../../support/interleave.ts";
import { Machine } from "../../../support/machine.ts";
import { makeStudy } from "../../../support/service.ts";
import { trialOf } from "../../../support/study.ts";

const { client, tableName } = await createTestTable();
const launched = async (change: Parameters<typeof batchWorld>[0] = {}): Promise<World> => {
  const world = await worldOn(client, tableName, { budget: { trials: 3, parallel: 1 }, ...change });
  await world.launch();
  return world;
};

/** Gives a trial tokens that machines wait for. */
const waitFor = async (world: World, number: number, taskTokens: readonly string[]) => {
  const trial = await world.trial(number);
  const job: Job = { ...trial.job!, taskTokens };
  await world.deps.store.update(changeTrial(trial, { job }));
};

test("the next attempt of a trial that was lost is sent", async () => {
  const world = await launched();
  const trial = { ...(await world.trial(0)), state: "queued" as const, attempt: 2 };
  await afterEnd(world.deps, world.study, trial);
  expect(world.queue.messages).toEqual([{ version: 1, study: world.study.id, trial: 0, attempt: 2 }]);
});

test("in rounds the machine sends an attempt first: nobody else does", async () => {
  const world = await worldOn(client, tableName, {
    scheduler: halvingScheduler,
    budget: { trials: 3, parallel: 1 },
  });
  await world.start();
  await new Machine(world).open(0);
  await afterEnd(world.deps, world.study, await world.trial(0));
  expect(world.queue.messages).toEqual([]);
});

test("the end of a trial makes room for the next one", async () => {
  const world = await launched();
  await world.tell(0, 0.5);
  world.queue.take();
  // Repeating it is harmless.
  await afterEnd(world.deps, world.study, await world.trial(0));
  expect(world.queue.messages).toEqual([]);
  expect((await world.snapshot()).head.next).toBe(2);
});

test("every machine that waits is answered with how the attempt ended, and then forgotten", async () => {
  const world = await launched();
  await waitFor(world, 0, ["token-1-0", "token-1-1"]);
  await world.tell(0, 0.5);
  const output = { trial: 0, attempt: 1, state: "completed" };
  expect(world.rounds.resumed).toEqual([
    { taskToken: "token-1-0", output },
    { taskToken: "token-1-1", output },
  ]);
  expect((await world.trial(0)).job?.taskTokens).toEqual([]);
});

test("a machine that begins to wait while the others are answered is not forgotten", async () => {
  const world = await launched();
  await waitFor(world, 0, ["token-1-0"]);
  world.rounds.broken = true;
  await world.tell(0, 0.5);
  world.rounds.broken = false;
  before(client, UPDATE, () => waitFor(world, 0, ["token-1-0", "token-1-1"]));
  await afterEnd(world.deps, world.study, await world.trial(0));
  expect((await world.trial(0)).job?.taskTokens).toEqual(["token-1-0", "token-1-1"]);
});

test("a client's trial has nothing that follows", async () => {
  const world = await launched();
  const study = await makeStudy(world.deps);
  await afterEnd(world.deps, study, trialOf({ study: study.id, state: "completed" }));
  await afterChange(world.deps, study);
  expect(world.queue.messages).toEqual([]);
});

test("what cannot be done is logged and never thrown", async () => {
  const world = await launched();
  const deps = { ...world.deps, queue: { send: () => Promise.reject(new Error("down")) } };
  await afterEnd(deps, world.study, { ...(await world.trial(0)), state: "queued", attempt: 2 });
  expect(world.lines).toContainEqual({
    event: "follow-up-failed",
    study: world.study.id,
    error: "Error",
    message: "down",
  });
});

test("a change that makes room is followed by as many trials as there is room for", async () => {
  const world = await launched({ budget: { trials: 3, parallel: 2 } });
  await afterChange(world.deps, world.study);
  expect(world.queue.messages).toEqual([]);
  await world.tell(0, 0.5);
  expect(world.queue.take().map(({ trial }) => trial)).toEqual([2]);
});
