import { expect, test } from "vitest";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { noteRunning } from "../../../../shared/store/head.ts";
import { batchExecution, batchWorld, halvingScheduler, worldOn } from "../../../support/batch.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { keyed, noReceipt } from "../../../support/service.ts";

const table = await createTestTable();

const patch = (
  { deps, study }: Pick<ClientWorld, "deps" | "study">,
  body: Parameters<typeof patchStudy>[2],
) => patchStudy(deps, study, body, noReceipt);

test("a study is paused and resumed, and the answer shows it", async () => {
  const world = await clientWorld(table);
  expect(await patch(world, { state: "paused" })).toMatchObject({ state: "paused" });
  expect(await patch(world, { state: "paused" })).toMatchObject({ state: "paused" });
  expect(await world.ask()).toMatchObject({ trials: [], state: "paused" });
  expect(await patch(world, { state: "running" })).toMatchObject({ state: "running" });
  expect((await world.ask()).trials).toHaveLength(1);
});

test("a budget is changed field by field; what is not named stays", async () => {
  const world = await clientWorld(table, {
    executor: batchExecution,
    budget: { trials: 5, parallel: 2, gpuHours: 3 },
  });
  const { budget } = await patch(world, { budget: { trials: 9, dollars: 7 } });
  expect(budget).toEqual({ trials: 9, parallel: 2, gpuHours: 3, dollars: 7 });
  expect((await world.read()).budget).toEqual(budget);
  expect((await patch(world, { state: "paused" })).budget).toEqual(budget);
});

test("a limit of spending is refused where it would limit nothing, and nothing is changed", async () => {
  const client = await clientWorld(table);
  await expect(patch(client, { budget: { trials: 3, gpuHours: 1, dollars: 2 } })).rejects.toMatchObject({
    type: "invalid-input",
    errors: [
      { pointer: "/budget/gpuHours", fault: { kind: "spending-of-client", field: "gpuHours" } },
      { pointer: "/budget/dollars", fault: { kind: "spending-of-client", field: "dollars" } },
    ],
  });
  expect((await client.read()).budget.trials).toBe(40);
  const cpu = await clientWorld(table, { executor: { ...batchExecution, gpus: 0 } });
  await expect(patch(cpu, { budget: { gpuHours: 1 } })).rejects.toMatchObject({
    errors: [{ pointer: "/budget/gpuHours", fault: { kind: "gpu-hours-without-gpus" } }],
  });
  expect((await patch(cpu, { budget: { dollars: 1 } })).budget.dollars).toBe(1);
});

test("a budget of trials may fall to what was handed out, imports not counted, and no lower", async () => {
  const world = await clientWorld(table, { budget: { trials: 9 } });
  await world.ask(undefined, 3);
  const params = { C: 1, gamma: 0.1 };
  await addTrials(world.deps, world.study, { trials: [{ params, values: { accuracy: 1 } }] }, noReceipt);
  await expect(patch(world, { budget: { trials: 2 } })).rejects.toMatchObject({
    type: "budget-spent",
    facts: { kind: "budget-below-used", used: 3 },
  });
  expect((await patch(world, { budget: { trials: 3 } })).budget.trials).toBe(3);
});

test("a finished study is not paused or resumed, but extended", async () => {
  const world = await clientWorld(table, { budget: { trials: 1 } });
  await world.ask();
  await world.tell(0, 0.5);
  for (const state of ["paused", "running"] as const) {
    await expect(patch(world, { state })).rejects.toMatchObject({
      type: "conflict",
      facts: { kind: "study-finished" },
    });
  }
  expect(await patch(world, { budget: { parallel: 7 } })).toMatchObject({ state: "finished" });
  expect(await patch(world, { budget: { trials: 2 } })).toMatchObject({ state: "running" });
  expect((await world.ask()).trials).toMatchObject([{ number: 1 }]);
});

test("resuming removes the notice that paused the study, nothing else does", async () => {
  const world = await clientWorld(table);
  const notice = { kind: "infra-failure", trial: 0, detail: "no queue.", paused: true } as const;
  await world.deps.store.update(noteRunning(world.study.id, notice, true));
  expect(await patch(world, { budget: { trials: 50 } })).toMatchObject({
    message: expect.stringContaining("no queue"),
  });
  expect(await patch(world, { state: "running" })).toMatchObject({ message: null, state: "running" });
  await world.deps.store.update(noteRunning(world.study.id, notice, false));
  expect(await patch(world, { state: "running" })).toMatchObject({
    message: expect.stringContaining("no queue"),
  });
});

test("trials that are handed out between a patch's read and its write count", async () => {
  const world = await clientWorld(table, { budget: { trials: 9 } });
  before(world.client, TRANSACT, () => askTrials(world.process(), world.study, { count: 5 }, noReceipt));
  await expect(patch(world, { budget: { trials: 4 } })).rejects.toMatchObject({ facts: { used: 5 } });
});

test("the same patch with its key is made once", async () => {
  const world = await clientWorld(table);
  const write = keyed(`patch ${world.study.id}`);
  const first = await patchStudy(world.deps, world.study, { state: "paused" }, write);
  await patch(world, { state: "running" });
  expect(await patchStudy(world.deps, world.study, { state: "paused" }, write)).toEqual(first);
  expect((await world.read()).state).toBe("running");
});

test("a started batch study that is resumed or extended is topped up at once", async () => {
  const world = await worldOn(table.client, table.tableName, { budget: { trials: 3, parallel: 1 } });
  await patch(world, { budget: { parallel: 2 } });
  expect(world.queue.messages).toEqual([]);
  await world.start();
  world.queue.take();
  await patch(world, { budget: { parallel: 3 } });
  expect(world.queue.take().map(({ trial }) => trial)).toEqual([2]);
});

test("the number of trials of rounds that have begun stays; the rest of their budget may change", async () => {
  const world = await batchWorld({ scheduler: halvingScheduler, budget: { trials: 3, parallel: 2 } });
  expect((await patch(world, { budget: { trials: 4 } })).budget.trials).toBe(4);
  await world.start();
  await expect(patch(world, { budget: { trials: 5 } })).rejects.toMatchObject({
    type: "conflict",
    facts: { kind: "rounds-begun" },
  });
  expect((await patch(world, { budget: { trials: 4, parallel: 1 } })).budget.parallel).toBe(1);
});
