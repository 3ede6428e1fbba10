import { expect, test } from "vitest";
import { batchWorld } from "../../../support/batch.ts";

test("jobs that nobody waits for are ended, those that somebody waits for are not", async () => {
  const world = await batchWorld({ budget: { trials: 4, parallel: 4 } });
  await world.launch();
  await world.tell(1, 0.5);
  world.clock.now += 30_000;
  await world.reconcile();
  expect(world.batch.terminations).toEqual([]); // a container that told its result is about to exit
  world.clock.now += 100_000;
  await world.claim(0); // renews its lease
  await world.claim(2);
  await world.claim(3);
  await world.reconcile();
  expect(world.batch.terminations.map(({ jobId }) => jobId)).toEqual([world.batch.of(1).jobId]);
});
