import { expect, test } from "vitest";
import { createEvents } from "../../../functions/events/index.ts";
import { batchWorld } from "../../support/batch.ts";

test("a job's state change, with fields that AWS may add, settles its trial", async () => {
  const world = await batchWorld({ budget: { trials: 1, parallel: 1 } });
  await world.launch();
  const detail = { ...world.batch.fail(world.batch.of(0), { exitCode: 4 }), jobQueue: "arn:queue", news: {} };
  const event = { source: "aws.batch", "detail-type": "Batch Job State Change", detail };
  await createEvents(() => world.deps)(event);
  await createEvents(() => world.deps)(event);
  expect(await world.trial(0)).toMatchObject({ state: "failed", reason: "exit code 4" });
});

test("an event that does not match the schema is refused, so that it goes to the dead-letter queue", async () => {
  const world = await batchWorld();
  const handler = createEvents(() => world.deps);
  await expect(handler({ "detail-type": "Batch Job State Change", detail: { jobId: 7 } })).rejects.toThrow();
  await expect(handler({ "detail-type": "Batch Job Queue Blocked", detail: {} })).rejects.toThrow();
});
