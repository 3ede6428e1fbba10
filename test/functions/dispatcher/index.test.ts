import type { SQSEvent, SQSRecord } from "aws-lambda";
import { expect, test } from "vitest";
import { createDispatcher } from "../../../functions/dispatcher/index.ts";
import { batchWorld } from "../../support/batch.ts";

const eventOf = (bodies: Readonly<Record<string, string>>): SQSEvent => ({
  Records: Object.entries(bodies).map(
    ([messageId, body]) => ({ messageId, body, eventSource: "aws:sqs" }) as SQSRecord,
  ),
});

test("only messages that must be delivered again are returned; an empty list if all are done", async () => {
  const world = await batchWorld();
  await world.start();
  const [one, two] = world.queue.take();
  const handler = createDispatcher(() => world.deps);
  world.batch.faults = ["throttled"];
  const reply = await handler(eventOf({ a: JSON.stringify(one), b: "not JSON", c: JSON.stringify(two) }));
  expect(reply).toEqual({ batchItemFailures: [{ itemIdentifier: "a" }, { itemIdentifier: "b" }] });
  expect(await handler(eventOf({ a: JSON.stringify(one) }))).toEqual({ batchItemFailures: [] });
  expect(world.batch.alive()).toHaveLength(2);
});

test("when handling one message fails, only that message is delivered again", async () => {
  const world = await batchWorld();
  await world.start();
  const [one, two] = world.queue.take();
  let calls = 0;
  const submit = world.batch.submit.bind(world.batch);
  world.batch.submit = (request) => (calls++ === 0 ? Promise.reject(new Error("broken")) : submit(request));
  const reply = await createDispatcher(() => world.deps)(
    eventOf({ a: JSON.stringify(one), b: JSON.stringify(two) }),
  );
  expect(reply).toEqual({ batchItemFailures: [{ itemIdentifier: "a" }] });
  expect(world.batch.alive()).toHaveLength(1);
});
