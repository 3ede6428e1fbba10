import { expect, test } from "vitest";
import { createReconciler } from "../../../functions/reconciler/index.ts";
import { batchWorld } from "../../support/batch.ts";

test("the reconciler repairs studies while it has time, and starts nothing when its time is up", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  world.batch.fail(world.batch.of(0), { exitCode: 4 });
  const handler = createReconciler(() => world.deps);
  await handler({}, { getRemainingTimeInMillis: () => 10_000 });
  expect(await world.trial(0)).toMatchObject({ state: "running" });
  await handler({}, { getRemainingTimeInMillis: () => 240_000 });
  expect(await world.trial(0)).toMatchObject({ state: "failed" });
});
