import { randomUUID } from "node:crypto";
import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  type SendMessageBatchCommandInput,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { expect, test } from "vitest";
import { dispatchQueue } from "../../../shared/executor/queue.ts";
import { DispatchMessage } from "../../../shared/schemas/message.ts";
import { emulatorClient } from "../../support/emulator.ts";

test("every message arrives, whole, however many are sent at once", async () => {
  const client = new SQSClient(emulatorClient());
  const { QueueUrl: url = "" } = await client.send(
    new CreateQueueCommand({ QueueName: `q-${randomUUID()}` }),
  );
  const sent = Array.from({ length: 23 }, (_, trial) => ({
    version: 1 as const,
    study: "svm-digits-7k2m",
    trial,
    attempt: 1,
    ...(trial % 2 === 0 && { taskToken: `token-${trial}` }),
  }));
  await dispatchQueue({ client, url }).send("acme", sent);
  const received: DispatchMessage[] = [];
  while (received.length < sent.length) {
    const page = await client.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10 }));
    for (const { Body = "" } of page.Messages ?? []) received.push(DispatchMessage.parse(JSON.parse(Body)));
  }
  expect(received.sort((a, b) => a.trial - b.trial)).toEqual(sent);
});

test("messages are grouped by their team, those that are sent again too, or one team's many would hold up another's few", async () => {
  const client = new SQSClient(emulatorClient());
  const sent: string[] = [];
  client.middlewareStack.add(
    () => async (args) => {
      const { Entries = [] } = args.input as SendMessageBatchCommandInput;
      sent.push(...Entries.map(({ MessageGroupId = "" }) => MessageGroupId));
      const Failed = sent.length > 2 ? [] : [{ Id: "1", SenderFault: false, Code: "InternalError" }];
      return { output: { $metadata: {}, Successful: [], Failed }, response: {} };
    },
    { step: "initialize" },
  );
  const queue = dispatchQueue({ client, url: "http://127.0.0.1/queue" });
  const message = (trial: number) => ({ version: 1 as const, study: "svm-digits-7k2m", trial, attempt: 1 });
  await queue.send("acme", [message(0), message(1)]);
  await queue.send("rivals", [message(0)]);
  expect(sent).toEqual(["acme", "acme", "acme", "rivals"]);
});

test("a queue that is not there is an error", async () => {
  const queue = dispatchQueue({ client: new SQSClient(emulatorClient()), url: "http://127.0.0.1/none" });
  const message = { version: 1 as const, study: "svm-digits-7k2m", trial: 0, attempt: 1 };
  await expect(queue.send("acme", [message])).rejects.toThrow();
});
