import { BatchJobStateChange } from "../../shared/schemas/batch-event.ts";
import { settleJob } from "../../shared/service/batch/settle.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { serviceDeps } from "../deps.ts";

/** The events Lambda: handles state changes of Batch jobs. An event that does not match the schema goes to the dead-letter queue. */
export const createEvents =
  (deps: () => ServiceDeps) =>
  async (event: unknown): Promise<void> => {
    const { detail } = BatchJobStateChange.parse(event);
    await settleJob(deps(), detail);
  };

export const handler = createEvents(serviceDeps);
