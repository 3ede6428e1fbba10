import { expect, test } from "vitest";
import { createSweeper } from "../../../functions/sweep/index.ts";
import { createSweep } from "../../../shared/service/sweeps/create.ts";
import { listFirings } from "../../../shared/service/sweeps/read.ts";
import { batchWorld } from "../../support/batch.ts";
import { noReceipt, studyBody, TEAM } from "../../support/service.ts";

const patient = { getRemainingTimeInMillis: () => 50_000 };

const nightly = async () => {
  const world = await batchWorld();
  const schedule = { rate: { days: 1 } };
  const body = { name: "nightly", schedule, template: studyBody({ name: "fired" }) };
  const { sweep } = await createSweep(world.deps, TEAM, body, noReceipt);
  return { world, sweep, handler: createSweeper(() => world.deps) };
};

test("a firing that comes twice creates one study", async () => {
  const { world, sweep, handler } = await nightly();
  world.clock.now += 86_400_000;
  const message = world.schedules.message(sweep, world.clock.now);
  await Promise.all([handler(message, patient), handler(message, patient)]);
  await handler(message, patient);
  const { firings } = await listFirings(world.deps, TEAM, sweep, {});
  expect(firings).toMatchObject([{ outcome: "created", manual: false }]);
});

test("what is left to do is done while there is time for it", async () => {
  const { world, sweep, handler } = await nightly();
  await world.schedules.remove(sweep);
  world.clock.now += 61_000;
  await handler({ version: 1, attend: "all" }, { getRemainingTimeInMillis: () => 5000 });
  expect([...world.schedules.all]).toEqual([]);
  await handler({ version: 1, attend: "all" }, patient);
  expect([...world.schedules.all.keys()]).toEqual([sweep]);
});

test("a sweep that cannot be seen to holds no other up, and the log says so for the alarm", async () => {
  const { world, sweep, handler } = await nightly();
  world.schedules.fault = new Error("away");
  world.clock.now += 61_000;
  await handler({ version: 1, attend: "all" }, patient);
  expect(world.lines).toContainEqual({
    event: "reconcile-failed",
    sweep,
    error: "Error",
    message: "away",
  });
});

test("a message that does not match the schema is refused, so that it goes to the dead-letter queue", async () => {
  const { sweep, handler } = await nightly();
  const message = { version: 1, sweep, revision: 1, scheduled: "2026-11-27T03:00:00Z" };
  for (const wrong of [
    {},
    { ...message, version: 2 },
    { ...message, extra: 1 },
    { ...message, scheduled: "now" },
  ])
    await expect(handler(wrong, patient)).rejects.toThrow();
});
