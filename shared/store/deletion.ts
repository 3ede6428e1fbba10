import { DELETION_PREFIX, deletionKey, RECONCILED_PARTITION } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** One small item per study that is being deleted, until nothing of the study is left. */
export const newDeletion = (study: string, team: string): Change => ({
  name: "deletion",
  key: deletionKey(study),
  put: { team },
});

/** Studies that are being deleted. */
export const listDeletions = async (store: Store): Promise<string[]> => {
  const items = await store.list(RECONCILED_PARTITION, DELETION_PREFIX);
  return items.map((item) => String(item.sk).slice(DELETION_PREFIX.length));
};
