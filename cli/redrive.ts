import {
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { command } from "./command.ts";
import { stackDescription, stackOption, stackOutput } from "./stack.ts";

/** How long a message is hidden while it is moved; if this process dies, the message becomes visible again. */
const HIDDEN_SECONDS = 60;
const BATCH = 10;

/**
 * Moves the messages of the dead-letter queue back to the dispatch queue: receive, send, delete, in this order, so that a
 * message may be duplicated but is never lost. The dispatcher submits each attempt only once, even for duplicate messages.
 */
export const redrive = command({
  summary: "Move failed dispatch messages back to the queue.",
  args: [],
  options: { queue: { type: "string" }, "dead-letters": { type: "string" }, ...stackOption },
  describe: {
    queue: "URL of the dispatch queue; by default the stack's",
    "dead-letters": "URL of its dead-letter queue; by default the stack's",
    ...stackDescription,
  },
  run: async (_, options) => {
    const from = options["dead-letters"] ?? (await stackOutput("deadLetterQueue", options.stack));
    const to = options.queue ?? (await stackOutput("queue", options.stack));
    const moved = await moveAll(new SQSClient({}), from, to);
    return {
      json: { moved },
      text: moved === 0 ? "There are no failed messages." : `${moved} messages moved back to the queue.`,
    };
  },
});

const moveAll = async (client: SQSClient, from: string, to: string): Promise<number> => {
  for (let moved = 0; ; ) {
    const { Messages: messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: from,
        MaxNumberOfMessages: BATCH,
        VisibilityTimeout: HIDDEN_SECONDS,
        WaitTimeSeconds: 1,
        MessageSystemAttributeNames: ["MessageGroupId"],
      }),
    );
    if (messages.length === 0) return moved;
    for (const message of messages) await move(client, message, from, to);
    moved += messages.length;
  }
};

const move = async (client: SQSClient, message: Message, from: string, to: string): Promise<void> => {
  const group = message.Attributes?.MessageGroupId;
  await client.send(
    new SendMessageCommand({
      QueueUrl: to,
      MessageBody: message.Body ?? "",
      ...(group !== undefined && { MessageGroupId: group }),
    }),
  );
  await client.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle: message.ReceiptHandle ?? "" }));
};
