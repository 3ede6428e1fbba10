import { OPEN_DELETION_PREFIX, OPEN_PARTITION, openDeletionKey } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** One small item per study that is being deleted, until nothing of the study is left. */
export const newDeletion = (study: string, team: string): Change => ({
  name: "deletion",
  key: openDeletionKey(study),
  put: { team },
});

/** Studies that are being deleted. */
export const listDeletions = async (store: Store): Promise<string[]> => {
  const items = await store.list(OPEN_PARTITION, OPEN_DELETION_PREFIX);
  return items.map((item) => String(item.sk).slice(OPEN_DELETION_PREFIX.length));
};
