import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { dispatchMessages } from "../../shared/service/batch/dispatch.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { serviceDeps } from "../deps.ts";

/** The dispatcher Lambda: submits queued attempts, and returns the messages that must be delivered again. */
export const createDispatcher =
  (deps: () => ServiceDeps) =>
  async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const messages = event.Records.map(({ messageId, body }) => ({ id: messageId, body }));
    const again = await dispatchMessages(deps(), messages);
    return { batchItemFailures: again.map((itemIdentifier) => ({ itemIdentifier })) };
  };

export const handler = createDispatcher(serviceDeps);
