import { expect, test } from "vitest";
import { bestTrialsOf, describe } from "../../../../shared/service/core/describe.ts";
import { segmentId } from "../../../../shared/service/core/warm.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { commandsOf } from "../../../support/interleave.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createTestTable();

const numbersOf = async ({ snapshot }: ClientWorld, deps: ClientWorld["deps"]) =>
  (await bestTrialsOf(deps, await snapshot())).map(({ number }) => number);

test("the best trial of a single objective is read from its own segment, once in a warm process", async () => {
  const world = await clientWorld(table);
  await world.importSegment(60);
  await world.importSegment(50);
  const snapshot = await world.snapshot();
  const deps = world.process();
  const commands = await commandsOf(table.client, async () => {
    expect(await describe(deps, snapshot)).toMatchObject({
      trials: { completed: 110 },
      best: [{ number: 59, params: { C: 1, gamma: 0.1 }, values: { accuracy: 59 } }],
    });
    await describe(deps, snapshot);
  });
  expect(commands).toEqual(["QueryCommand"]);
  expect([...deps.warm.segments.keys()]).toEqual([segmentId(world.study.id, 0)]);
  await world.ask();
  await world.tell(110, 59);
  expect(await numbersOf(world, deps)).toEqual([59]);
});

const twoObjectives = {
  objectives: [
    { metric: "accuracy", direction: "maximize" as const },
    { metric: "ms", direction: "minimize" as const },
  ],
};

/** Imports trials of which every one is better in one objective and worse in the other than the one before. */
const importFront = async ({ deps, study }: ClientWorld, from: number, count: number) => {
  const trials = Array.from({ length: count }, (_, i) => ({
    params: { C: 1, gamma: 0.1 },
    values: { accuracy: from + i, ms: from + i },
  }));
  await addTrials(deps, study, { trials }, noReceipt);
};

test("a Pareto set joins folded and unfolded trials, in order of the numbers", async () => {
  const world = await clientWorld(table, twoObjectives);
  await importFront(world, 0, 60);
  await importFront(world, 60, 2);
  expect(await numbersOf(world, world.deps)).toEqual(Array.from({ length: 62 }, (_, i) => i));
  const dominating = { params: { C: 1, gamma: 0.1 }, values: { accuracy: 100, ms: 5 } };
  await addTrials(world.deps, world.study, { trials: [dominating] }, noReceipt);
  expect(await numbersOf(world, world.deps)).toEqual([0, 1, 2, 3, 4, 62]);
});

test("a warm process reads only what was folded since, and finds the same set as a cold one", async () => {
  const world = await clientWorld(table, twoObjectives);
  const warm = world.process();
  for (let step = 0; step < 3; step++) {
    await importFront(world, 50 * step, 50);
    const snapshot = await world.snapshot();
    const reads = await commandsOf(table.client, () => bestTrialsOf(warm, snapshot));
    expect(reads).toEqual(["QueryCommand"]);
    expect(await commandsOf(table.client, () => bestTrialsOf(warm, snapshot))).toEqual([]);
    expect(await numbersOf(world, warm)).toEqual(await numbersOf(world, world.process()));
  }
});

test("a snapshot that is older than what memory holds gets the set of its own segments", async () => {
  const world = await clientWorld(table, twoObjectives);
  await importFront(world, 0, 50);
  const older = await world.snapshot();
  await importFront(world, 50, 50);
  await numbersOf(world, world.deps);
  expect(await bestTrialsOf(world.deps, older)).toHaveLength(50);
});
