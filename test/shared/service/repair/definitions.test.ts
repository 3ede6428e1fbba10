import { expect, test } from "vitest";
import type { Registration } from "../../../../shared/ports.ts";
import { startStudy } from "../../../../shared/service/batch/start.ts";
import { deleteStudy, SETTLED_MS } from "../../../../shared/service/studies/delete.ts";
import { batchExecution, type MemoryWorld, memoryWorld } from "../../../support/batch.ts";
import { noReceipt, TEAM } from "../../../support/service.ts";

/** A start whose process dies when its job definition is registered, before any head names it. */
const dieRegistering = async (world: MemoryWorld): Promise<void> => {
  const register = world.batch.register.bind(world.batch);
  const batch = Object.assign(Object.create(world.batch), {
    register: async (registration: Registration) => {
      await register(registration);
      throw new Error("died");
    },
  });
  await expect(startStudy({ ...world.process(), batch }, world.study, noReceipt)).rejects.toThrow("died");
  expect(world.batch.definitions.size).toBe(1);
};

/** A moment that one side of a race waits for and the other side reaches. */
const moment = () => Promise.withResolvers<void>();

test("what a start that died has registered is deregistered once no request can be that old, and looked for once", async () => {
  const world = await memoryWorld();
  await dieRegistering(world);
  world.clock.now += SETTLED_MS - 1;
  await world.reconcile();
  expect(world.batch.definitions.size).toBe(1);
  world.clock.now += 1;
  await world.reconcile();
  expect(world.batch.definitions.size).toBe(0);
  world.batch.definitionsOf = () => Promise.reject(new Error("asked again"));
  await world.reconcile();
  expect(world.lines.filter(({ event }) => event === "reconcile-failed")).toEqual([]);
});

test("the job definition that the head names stays, and the one of another study too", async () => {
  const world = await memoryWorld();
  await dieRegistering(world);
  await world.batch.register({
    study: `${world.study.id}0`,
    team: TEAM,
    executor: batchExecution,
    labels: {},
  });
  await world.start();
  world.clock.now += SETTLED_MS;
  await world.reconcile();
  const { definition } = (await world.snapshot()).head;
  expect([...world.batch.definitions].filter((each) => each !== definition)).toEqual([
    expect.stringContaining(`${world.study.id}0:`),
  ]);
});

test("a study that is deleted after a start died leaves no job definition behind", async () => {
  const world = await memoryWorld();
  await dieRegistering(world);
  await deleteStudy(world.deps, world.study, noReceipt);
  for (let i = 0; i < 2; i++) {
    world.clock.now += SETTLED_MS;
    await world.reconcile();
  }
  expect(world.batch.definitions.size).toBe(0);
  expect(await world.deps.store.query("OPEN", " ", "~")).toEqual([]);
});

test("a start that registers while the reconciler cleans up after an earlier one keeps its job definition", async () => {
  const world = await memoryWorld();
  await dieRegistering(world);
  world.clock.now += SETTLED_MS;
  const registered = moment();
  const cleaned = moment();
  const { register, definitionsOf } = {
    register: world.batch.register.bind(world.batch),
    definitionsOf: world.batch.definitionsOf.bind(world.batch),
  };
  world.batch.register = async (study) => {
    const definition = await register(study);
    registered.resolve();
    await cleaned.promise;
    return definition;
  };
  let starting: Promise<unknown> = Promise.resolve();
  world.batch.definitionsOf = async (study) => {
    starting = world.start();
    await registered.promise;
    return definitionsOf(study);
  };
  await world.reconcile();
  cleaned.resolve();
  await starting;
  const { definition } = (await world.snapshot()).head;
  expect([...world.batch.definitions]).toContain(definition);

  world.batch.definitionsOf = definitionsOf;
  world.clock.now += SETTLED_MS;
  await world.reconcile();
  expect([...world.batch.definitions]).toEqual([definition]);
});
