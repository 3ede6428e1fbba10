import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { clientSettings } from "../emulator.ts";

/** AWS's own source, `aws.batch`, may only be used by AWS, and the emulator refuses it, too. */
export const SOURCE = "hone.batch";

/**
 * Puts state changes into an event bus, in order, without letting the jobs wait.
 * @param endpoint of the emulator.
 * @param copies how often each is sent at the moment: 0 loses it.
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
