import { expect, test } from "vitest";
import { TrialKind } from "../../../../shared/optimizer/algorithm.ts";
import { historyOf, problemOf } from "../../../../shared/service/core/history.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { toCube } from "../../../../shared/space/cube.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { before, QUERY } from "../../../support/interleave.ts";
import { stopWorst } from "../../../support/schedulers.ts";
import { noReceipt } from "../../../support/service.ts";

const table = await createTestTable();

/** The history as an ask's Lambda sees it, copied: its arrays are shared with later calls. */
const copyOf = async ({ snapshot }: ClientWorld, deps: ClientWorld["deps"]) => {
  const history = await historyOf(deps, await snapshot());
  return {
    ...history,
    number: [...history.number],
    x: [...history.x],
    y: [...history.y],
    violation: [...history.violation],
    excess: [...history.excess],
    kind: [...history.kind],
    resource: [...history.resource],
  };
};

test("each trial is in the row of its number: its point, its cost, how it ended and what it exceeds", async () => {
  const world = await clientWorld(table, { outcomes: [{ metric: "ms", max: 50 }] });
  const { deps, study, ask } = world;
  const params = { C: 1, gamma: 0.1 };
  const trials = [
    { params, values: { accuracy: 0.5, ms: 60 } },
    { params, values: { accuracy: "nan" as const, ms: 1 } },
    { params },
  ];
  await addTrials(deps, study, { trials }, noReceipt);
  const [leased] = (await ask(undefined, 2)).trials.filter(({ number }) => number === 3);
  const history = await copyOf(world, deps);
  expect(history.n).toBe(4);
  expect(history.number).toEqual([0, 1, 2, 3]);
  expect(history.kind).toEqual([TrialKind.completed, TrialKind.failed, TrialKind.running, TrialKind.running]);
  expect(history.y).toEqual([-0.5, Number.NaN, Number.NaN, Number.NaN]);
  expect(history.violation).toEqual([10, Number.NaN, Number.NaN, Number.NaN]);
  expect(history.excess).toEqual([10, Number.NaN, Number.NaN, Number.NaN]);
  expect(history.x.slice(0, 2)).toEqual([...toCube(study.space, params)]);
  expect(history.x.slice(6)).toEqual([...toCube(study.space, leased!.params)]);
});

test("folded trials have the rows that they had in the tail", async () => {
  const world = await clientWorld(table);
  await world.importSegment(60);
  await world.ask(undefined, 2);
  await world.tell(60, 1000);
  await world.importSegment(50);
  const history = await copyOf(world, world.process());
  expect(history.n).toBe(112);
  expect(history.y.slice(0, 60)).toEqual(Array.from({ length: 60 }, (_, i) => -i));
  expect(history.y.slice(60, 63)).toEqual([-1000, Number.NaN, -0]);
  expect(history.kind.slice(59, 63)).toEqual([
    TrialKind.completed,
    TrialKind.completed,
    TrialKind.running,
    TrialKind.completed,
  ]);
});

test("a warm process sees the same history as a cold one, through folds, tells and growth", async () => {
  const world = await clientWorld(table, { budget: { trials: 1000 } });
  const warm = world.process();
  for (let step = 0; step < 5; step++) {
    await world.importSegment(80);
    const { trials } = await world.ask(undefined, 3);
    expect(await copyOf(world, warm)).toEqual(await copyOf(world, world.process()));
    await world.tell(trials[0]!.number, step);
    expect(await copyOf(world, warm)).toEqual(await copyOf(world, world.process()));
  }
});

test("columns that the cache drops while they are filled lack no row", async () => {
  const world = await clientWorld(table);
  const warm = world.process();
  await world.importSegment(60);
  await copyOf(world, warm);
  await world.importSegment(60);
  const snapshot = await world.snapshot();
  before(world.client, QUERY, async () => warm.warm.histories.clear());
  const { y } = await historyOf(warm, snapshot);
  expect(warm.warm.histories.size).toBe(0);
  expect([...y]).toEqual(Array.from({ length: 120 }, (_, i) => -(i % 60)));
  expect((await copyOf(world, warm)).y).toEqual([...y]);
});

test("a stopped trial counts with the values it reported, at its resource", async () => {
  const world = await clientWorld(table, { instead: stopWorst.create({ at: 3 }, "client") });
  await world.ask(undefined, 2);
  await world.report(0, 3, 0.9);
  await world.report(1, 3, 0.2);
  const history = await copyOf(world, world.deps);
  expect(history.kind).toEqual([TrialKind.running, TrialKind.pruned]);
  expect(history.y).toEqual([Number.NaN, -0.2]);
  expect(history.resource).toEqual([3, 3]);
});

test("the algorithm is told the space, the metrics and the budget as it is now", async () => {
  const { snapshot, study } = await clientWorld(table, {
    outcomes: [{ metric: "ms", max: 50 }],
    budget: { trials: 9, parallel: 3 },
    repeats: { failed: 2 },
  });
  expect(problemOf(await snapshot(), 2)).toEqual({
    space: study.space,
    objectives: 1,
    outcomes: 1,
    budget: { trials: 9, parallel: 3 },
    repeats: { attempts: 1, failed: 2, completed: 0 },
  });
});

test("the algorithm is told where each of its trials will be compared first", async () => {
  const resource = { name: "epochs", min: 1, max: 9 };
  const { snapshot, ask } = await clientWorld(table, {
    scheduler: { name: "hyperband", resource, eta: 3, type: "synchronous" },
  });
  // A pass has brackets of nine trials from the lowest level on, of five from the next, of three that run to the end.
  await ask(undefined, 6);
  const problem = problemOf(await snapshot(), 13);
  expect(problem.eta).toBe(3);
  expect(problem.starts).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 0, 0]);
});

test("no share of the trials goes on where the median decides, and all begin at its first step", async () => {
  const resource = { name: "epochs", min: 2, max: 9 };
  const { snapshot } = await clientWorld(table, { scheduler: { name: "median", resource } });
  expect(problemOf(await snapshot(), 2)).toMatchObject({ starts: [0, 0] });
  expect(problemOf(await snapshot(), 2)).not.toHaveProperty("eta");
});
