import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { awsEnvironment, hone } from "../support/cli.ts";
import { emulatorClient } from "../support/emulator.ts";

test("failed messages are moved back to the queue with their body and group, and none is lost", async () => {
  const client = new SQSClient(emulatorClient());
  const create = async (QueueName: string) =>
    (await client.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? "";
  const [queue, failed] = [await create("redrive-queue"), await create("redrive-failed")];
  const count = async (QueueUrl: string) => {
    const AttributeNames = ["ApproximateNumberOfMessages" as const];
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }));
    return Number(Attributes?.ApproximateNumberOfMessages);
  };
  const bodies = Array.from({ length: 23 }, (_, i) => JSON.stringify({ version: 1, trial: i }));
  for (const MessageBody of bodies)
    await client.send(new SendMessageCommand({ QueueUrl: failed, MessageBody, MessageGroupId: "acme" }));

  const env = awsEnvironment(emulatorClient().endpoint);
  const redrive = () => hone(["redrive", "--queue", queue, "--dead-letters", failed, "--json"], env);
  expect(JSON.parse((await redrive()).stdout)).toEqual({ moved: 23 });
  expect([await count(queue), await count(failed)]).toEqual([23, 0]);
  const seen = new Set<string>();
  while (seen.size < 23) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queue,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ["All"],
      }),
    );
    if (Messages.length === 0) break;
    for (const { Body = "", Attributes } of Messages) {
      seen.add(Body);
      expect(Attributes?.MessageGroupId).toBe("acme");
    }
  }
  expect([...seen].sort()).toEqual([...bodies].sort());
  expect(JSON.parse((await redrive()).stdout)).toEqual({ moved: 0 });
});
