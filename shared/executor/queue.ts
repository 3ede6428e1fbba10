import { SendMessageBatchCommand, type SQSClient } from "@aws-sdk/client-sqs";
import { Unavailable } from "../errors.ts";
import type { DispatchQueue } from "../ports.ts";

export interface QueueOptions {
  readonly client: SQSClient;
  readonly url: string;
}

/** SQS takes as many messages in one call. */
const A_CALL = 10;
const MAX_TRIES = 3;

/** The dispatch queue on SQS. Messages are grouped by team, so that one team's many do not hold up another's few. */
export const dispatchQueue = ({ client, url }: QueueOptions): DispatchQueue => ({
  send: async (team, messages) => {
    for (let i = 0; i < messages.length; i += A_CALL) {
      let entries = messages.slice(i, i + A_CALL).map((message, k) => ({
        Id: String(k),
        MessageBody: JSON.stringify(message),
        MessageGroupId: team,
      }));
      for (let tries = 1; entries.length > 0; tries++) {
        const reply = await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: entries }));
        const failed = new Set(reply.Failed?.map((failure) => failure.Id));
        entries = entries.filter((entry) => failed.has(entry.Id));
        if (entries.length > 0 && tries >= MAX_TRIES) throw new Unavailable();
      }
    }
  },
});
