import { expect, test } from "vitest";
import { batchWorld } from "../../../support/batch.ts";

test("an image that cannot be pulled fails the trial as infra", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  const reason = "CannotPullContainerError: pull access denied";
  await world.settle(world.batch.fail(world.batch.of(0), { statusReason: "Task failed to start", reason }));
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: `infra: ${reason}` });
  expect((await world.snapshot()).head.notice).toMatchObject({ kind: "infra-failure", detail: reason });
  expect(world.lines).toContainEqual(expect.objectContaining({ event: "infra" }));
});

test("a job that ends without claiming its attempt fails the trial as infra, and says what to look at", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.start();
  await world.deliver();
  await world.settle(world.batch.succeed(world.batch.run(world.batch.of(0))));
  expect((await world.trial(0)).reason).toMatch(/^infra: .*hone exec/);
});
