import { expect, test } from "vitest";
import { patchStudy } from "../../../../shared/service/studies/patch.ts";
import { addTrials } from "../../../../shared/service/trials/add.ts";
import { askTrials } from "../../../../shared/service/trials/ask.ts";
import { worldOn } from "../../../support/batch.ts";
import { type ClientWorld, clientWorld } from "../../../support/client.ts";
import { createTestTable } from "../../../support/emulator.ts";
import { before, TRANSACT } from "../../../support/interleave.ts";
import { stopWorst } from "../../../support/schedulers.ts";
import { keyed, noReceipt } from "../../../support/service.ts";

const table = await createTestTable();
const setUp = (change: Parameters<typeof clientWorld>[1] = {}) => clientWorld(table, change);

const params = { C: 1, gamma: 0.1 };
const finished = (accuracy: number) => ({ params, values: { accuracy } });
const add = ({ deps, study }: ClientWorld, trials: Parameters<typeof addTrials>[2]["trials"]) =>
  addTrials(deps, study, { trials }, noReceipt);

test("configurations are queued and finished trials imported, numbered as they were given", async () => {
  const world = await setUp();
  await world.ask();
  const reply = await add(world, [finished(0.5), { params: { C: 2, gamma: 0.5 } }, finished(0.6)]);
  expect(reply).toEqual({
    trials: [
      { number: 1, state: "completed" },
      { number: 2, state: "queued" },
      { number: 3, state: "completed" },
    ],
  });
  expect(await world.trial(1)).toMatchObject({
    state: "completed",
    attempt: 0,
    values: { accuracy: 0.5 },
    algorithm: "import",
    finished: world.clock.now,
  });
  expect(await world.trial(2)).toMatchObject({
    state: "queued",
    attempt: 0,
    params: { C: 2, gamma: 0.5 },
    values: null,
    algorithm: "enqueue",
    finished: null,
  });
});

test("imported trials are not counted by the budget, enqueued ones are", async () => {
  const world = await setUp({ budget: { trials: 2 } });
  await add(world, [finished(0.5), finished(0.6), { params }]);
  expect((await world.read()).trials).toMatchObject({ completed: 2, queued: 1 });
  expect((await world.ask(undefined, 10)).trials.map(({ number }) => number)).toEqual([2, 3]);
});

test("more configurations than the budget has room for are refused, and none of them is added", async () => {
  const world = await setUp({ budget: { trials: 2 } });
  await world.ask();
  await expect(add(world, [finished(0.5), { params }, { params }])).rejects.toMatchObject({
    type: "budget-spent",
    facts: { left: 1, wanted: 2 },
  });
  expect((await world.snapshot()).head).toMatchObject({ next: 1, imported: 0 });
  await add(world, [{ params }]);
});

test("an import is taken whatever the budget", async () => {
  const world = await setUp({ budget: { trials: 1 } });
  await world.ask();
  expect((await add(world, [finished(0.5)])).trials).toEqual([{ number: 1, state: "completed" }]);
});

test("more configurations than one step writes are refused before anything is read", async () => {
  const world = await setUp({ budget: { trials: 1000 } });
  await expect(
    add(
      world,
      Array.from({ length: 91 }, () => ({ params })),
    ),
  ).rejects.toMatchObject({
    type: "invalid-input",
    pointer: "/trials",
    errors: [{ fault: { kind: "too-many-queued", queued: 91, most: 90 } }],
  });
  expect(
    (
      await add(
        world,
        Array.from({ length: 90 }, () => ({ params })),
      )
    ).trials,
  ).toHaveLength(90);
});

test("a configuration outside the search space, and a missing metric, are refused with their place", async () => {
  const world = await setUp();
  await expect(add(world, [{ params }, { params: { C: 1e9, gamma: 0.1 } }])).rejects.toMatchObject({
    type: "invalid-input",
    pointer: "/trials/1/params/C",
  });
  await expect(add(world, [{ params, values: { loss: 1 } }])).rejects.toMatchObject({
    pointer: "/trials/0/values/accuracy",
  });
  expect((await world.snapshot()).head.next).toBe(0);
});

test("every bad trial of an import is named, up to a hundred faults, and none is imported", async () => {
  const world = await setUp();
  const bad = { params: { C: 1e9, gamma: 0.1 }, values: { accuracy: 1 } };
  const mixed = [bad, { params, values: { accuracy: 1 } }, { params, values: { loss: 1 } }, bad];
  await expect(add(world, mixed)).rejects.toMatchObject({
    type: "invalid-input",
    errors: ["/trials/0/params/C", "/trials/2/values/accuracy", "/trials/3/params/C"].map((pointer) => ({
      pointer,
    })),
  });
  const error: unknown = await add(
    world,
    Array.from({ length: 500 }, () => bad),
  ).catch((thrown) => thrown);
  expect(error).toMatchObject({ errors: { length: 100 } });
  expect((await world.snapshot()).head.next).toBe(0);
});

test("a trial imported with a metric that is not finite has failed, and says why", async () => {
  const world = await setUp();
  expect((await add(world, [{ params, values: { accuracy: "nan" } }])).trials).toEqual([
    { number: 0, state: "failed" },
  ]);
  expect(await world.trial(0)).toMatchObject({
    values: null,
    reason: 'The metric accuracy was told as "nan".',
  });
});

test("a few imports lie in the tail, many go to a segment at once; both read the same", async () => {
  const few = await setUp();
  await add(
    few,
    Array.from({ length: 49 }, (_, i) => finished(i)),
  );
  expect((await few.snapshot()).head.segments).toBe(0);
  expect((await few.snapshot()).trials).toHaveLength(49);

  const many = await setUp();
  await add(many, [...Array.from({ length: 50 }, (_, i) => finished(i)), { params }]);
  const { head, trials } = await many.snapshot();
  expect(head).toMatchObject({ next: 51, imported: 50, segments: 1, unswept: -1, folded: { completed: 50 } });
  expect(trials.map(({ number, state }) => [number, state])).toEqual([[50, "queued"]]);
  for (const world of [few, many]) {
    expect(await world.trial(48)).toMatchObject({ state: "completed", values: { accuracy: 48 } });
  }
  expect((await many.read()).best).toMatchObject([{ number: 49 }]);
});

test("an import that does not fit a segment is refused, and none of it is added", async () => {
  const world = await setUp();
  const extra = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`m${i}`, i]));
  const trials = Array.from({ length: 500 }, () => ({ params, values: { accuracy: 1, ...extra } }));
  await expect(add(world, trials)).rejects.toMatchObject({ type: "too-large", pointer: "/trials" });
  expect((await world.snapshot()).head.next).toBe(0);
});

test("a configuration is enqueued although every one of the search space was tried, as far as the budget has room", async () => {
  const world = await setUp({
    space: { x: { type: "categorical", choices: ["a"] } },
    algorithm: { name: "grid" },
    budget: { trials: 2 },
  });
  await world.ask(undefined, 5);
  await world.tell(0, 0.5);
  expect((await world.ask()).state).toBe("finished");
  await add(world, [{ params: { x: "a" } }]);
  expect((await world.ask()).trials).toMatchObject([{ number: 1, params: { x: "a" } }]);
  await expect(add(world, [{ params: { x: "a" } }])).rejects.toMatchObject({
    type: "budget-spent",
    facts: { kind: "budget-without-room", left: 0, wanted: 1 },
  });
  await add(world, [{ params: { x: "a" }, values: { accuracy: 1 } }]);
});

test("configurations are enqueued into a paused study, and wait", async () => {
  const world = await setUp();
  await patchStudy(world.deps, world.study, { state: "paused" }, noReceipt);
  await add(world, [{ params }]);
  expect(await world.ask()).toMatchObject({ trials: [], state: "paused" });
});

test("numbers stay unique when an ask comes between the read and the write", async () => {
  const world = await setUp();
  before(world.client, TRANSACT, () => askTrials(world.process(), world.study, { count: 2 }, noReceipt));
  expect((await add(world, [finished(0.5)])).trials).toEqual([{ number: 2, state: "completed" }]);
  expect((await world.snapshot()).head).toMatchObject({ next: 3, imported: 1 });
});

test("the same import with its key is made once", async () => {
  const world = await setUp();
  const body = { trials: [finished(0.5)] };
  const again = () => addTrials(world.deps, world.study, body, keyed(`add ${world.study.id}`, body));
  expect(await again()).toEqual(await again());
  expect((await world.snapshot()).head.next).toBe(1);
});

test("an enqueued trial begins where the scheduler says, an imported one is on no ladder", async () => {
  const world = await setUp({ instead: stopWorst.create({ at: 3 }, "client") });
  await add(world, [{ params }, finished(0.5)]);
  expect(await world.trial(0)).toMatchObject({ bracket: 0, rung: 0, resource: 3 });
  expect(await world.trial(1)).toMatchObject({ bracket: null, rung: null, resource: null });
});

test("enqueued trials take the places in the brackets of a ladder in turn, imported ones between them take none", async () => {
  const scheduler = {
    name: "hyperband",
    resource: { name: "epoch", min: 1, max: 9 },
    type: "synchronous",
  } as const;
  const bracketsOf = async (world: ClientWorld) =>
    (await world.snapshot()).trials.flatMap(({ bracket }) => bracket ?? []);
  const enqueued = await setUp({ scheduler });
  await add(
    enqueued,
    Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? finished(0.5) : { params })),
  );
  await add(enqueued, [{ params }, { params }]);
  const drawn = await setUp({ scheduler, budget: { trials: 40, parallel: 40 } });
  await drawn.ask("w", 12);
  expect(await bracketsOf(enqueued)).toEqual(await bracketsOf(drawn));
  expect(new Set(await bracketsOf(enqueued)).size).toBe(2);
});

test("of a study that is over on its ladders, an import changes nothing; what is enqueued lets those that were not promoted wait again", async () => {
  const world = await setUp({
    space: { x: { type: "categorical", choices: ["a", "b"] } },
    algorithm: { name: "grid" },
    scheduler: { name: "asha", resource: { name: "epoch", min: 1, max: 3 }, type: "promotion" },
    budget: { trials: 3 },
  });
  await world.ask("w", 2);
  await world.tell(0, 0.5);
  await world.tell(1, 0.6);
  await world.ask("w"); // learns that the search space has no more
  await world.ask("w");
  await world.tell(1, 0.7, 2);
  expect(await world.ask("w")).toMatchObject({ trials: [], state: "finished" });
  expect((await world.read()).trials).toMatchObject({ completed: 1, pruned: 1, paused: 0 });
  await add(world, [{ params: { x: "a" }, values: { accuracy: 1 } }]);
  expect(await world.read()).toMatchObject({ state: "finished", trials: { completed: 2, pruned: 1 } });
  await add(world, [{ params: { x: "b" } }]);
  expect(await world.read()).toMatchObject({ state: "running", trials: { queued: 1, pruned: 0, paused: 1 } });
});

test("a started batch study dispatches what is enqueued while there is room; an import starts nothing", async () => {
  const world = await worldOn(table.client, table.tableName, { budget: { trials: 1, parallel: 1 } });
  await addTrials(world.deps, world.study, { trials: [{ params, values: { accuracy: 1 } }] }, noReceipt);
  await addTrials(world.deps, world.study, { trials: [{ params }] }, noReceipt);
  expect(world.queue.messages).toEqual([]);
  await world.start();
  expect(world.queue.take().map(({ trial }) => trial)).toEqual([1]);
  await patchStudy(world.deps, world.study, { budget: { trials: 2, parallel: 2 } }, noReceipt);
  expect(world.queue.take().map(({ trial }) => trial)).toEqual([2]);
});

test("what is enqueued into a started batch study that has room is dispatched at once", async () => {
  const world = await worldOn(table.client, table.tableName, {
    space: { x: { type: "categorical", choices: ["a"] } },
    algorithm: { name: "grid" },
    budget: { trials: 2, parallel: 2 },
  });
  await world.start();
  expect(world.queue.take().map(({ trial }) => trial)).toEqual([0]);
  await addTrials(world.deps, world.study, { trials: [{ params: { x: "a" } }] }, noReceipt);
  expect(world.queue.take().map(({ trial }) => trial)).toEqual([1]);
});

test("as many queued and imported trials at once as a body may have fit a transaction", async () => {
  const { deps, study } = await setUp({ budget: { trials: 200 } });
  const trials = Array.from({ length: 90 + 49 }, (_, i) => ({
    params: { C: 1 + i, gamma: 0.1 },
    ...(i >= 90 && { values: { accuracy: 0.5 } }),
  }));
  const reply = await addTrials(deps, study, { trials }, keyed("many", { trials }));
  expect(reply.trials.map(({ number }) => number)).toEqual(trials.map((_, i) => i));
});
