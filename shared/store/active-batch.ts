import { ACTIVE_BATCH_PREFIX, activeBatchKey, RECONCILED_PARTITION } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** One small item per study that has jobs: the reconciler visits it until nothing of it runs. */
export interface ActiveBatch {
  readonly study: string;
  /** What happens to running trials when the study is no longer started: they run to their end, or are put back. */
  readonly drain: boolean;
}

/** The reconciler visits the study from now on. */
export const activateBatch = (study: string, drain = false): Change => ({
  name: "active-batch",
  key: activeBatchKey(study),
  put: { drain },
});

/** Nothing of the study runs any more. */
export const deactivateBatch = (study: string): Change => ({
  name: "active-batch",
  key: activeBatchKey(study),
  remove: true,
});

export const listActiveBatches = async (store: Store): Promise<ActiveBatch[]> => {
  const items = await store.list(RECONCILED_PARTITION, ACTIVE_BATCH_PREFIX);
  return items.map((item) => ({
    study: String(item.sk).slice(ACTIVE_BATCH_PREFIX.length),
    drain: item.drain === true,
  }));
};
