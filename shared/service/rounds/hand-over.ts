import type { Execution } from "../../ports.ts";
import { changeHead } from "../../store/head.ts";
import { executionOf } from "../../study/execution.ts";
import type { Snapshot } from "../../study/snapshot.ts";
import type { Plan } from "../core/commit.ts";

/** What an execution answers that hands its study over. */
export interface HandedOver {
  readonly kind: "handed-over";
  /** The one that goes on. */
  readonly execution: Execution;
}

/** Another execution goes on with the study, as after a stop and a start; null of a study that no machine runs. */
export const planHandOver = ({ study, head }: Snapshot): Plan<HandedOver> | null => {
  const generation = head.generation + 1;
  const execution = executionOf(study, generation);
  if (execution === null) return null;
  return { changes: [changeHead(head, { generation })], answer: { kind: "handed-over", execution } };
};
