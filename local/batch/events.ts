import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { clientSettings } from "../emulator.ts";

/** Only AWS may use the source `aws.batch`; the emulator refuses it too. */
export const SOURCE = "hone.batch";

/**
 * Sends state changes to an event bus, in order, without blocking the jobs.
 * @param endpoint of the emulator.
 * @param copies how many times each event is sent; 0 loses it.
 */
export const eventPublisher = (endpoint: string, copies: () => number) => {
  const client = new EventBridgeClient(clientSettings(endpoint));
  let last: Promise<unknown> = Promise.resolve();
  return (detail: Record<string, unknown>): void => {
    const entry = {
      Source: SOURCE,
      DetailType: "Batch Job State Change",
      Resources: [String(detail.jobArn)],
      Time: new Date(),
      Detail: JSON.stringify(detail),
    };
    const count = copies();
    if (count === 0) return;
    last = last
      .then(() => client.send(new PutEventsCommand({ Entries: Array(count).fill(entry) })))
      .catch((error: Error) =>
        console.error(`event of ${detail.jobName} (${detail.status}): ${error.message}`),
      );
  };
};
