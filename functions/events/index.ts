import { BatchJobStateChange } from "../../shared/schemas/batch-event.ts";
import { settleJob } from "../../shared/service/batch/settle.ts";
import type { ServiceDeps } from "../../shared/service/core/deps.ts";
import { serviceDeps } from "../deps.ts";

/** The events Lambda: what became of a Batch job. An event of another form throws, and rests in the dead-letter queue. */
export const createEvents =
  (deps: () => ServiceDeps) =>
  async (event: unknown): Promise<void> => {
    const { detail } = BatchJobStateChange.parse(event);
    await settleJob(deps(), detail);
  };

export const handler = createEvents(serviceDeps);
