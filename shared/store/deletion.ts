import { DELETION_PREFIX, deletionKey, RECONCILED_PARTITION } from "./keys.ts";
import type { Change, Item, Store } from "./store.ts";

/** One small item per study that is being deleted, until nothing of the study is left. */
export interface Deletion {
  readonly study: string;
  readonly team: string;
  /** When the study was created, milliseconds since 1970, which leads to its listing; null when that is gone already. */
  readonly created: number | null;
  /** When it was asked for, milliseconds since 1970. */
  readonly at: number;
}

export const newDeletion = ({ study, team, created, at }: Deletion): Change => ({
  name: "deletion",
  key: deletionKey(study),
  put: { team, at, ...(created !== null && { created }) },
});

/** An item of an older version of Hone has no time: it is older than any request. */
const readDeletion = (study: string, item: Item): Deletion => ({
  study,
  team: String(item.team),
  created: item.created === undefined ? null : Number(item.created),
  at: Number(item.at ?? 0),
});

/** Studies that are being deleted. */
export const listDeletions = async (store: Store): Promise<Deletion[]> => {
  const items = await store.list(RECONCILED_PARTITION, DELETION_PREFIX);
  return items.map((item) => readDeletion(String(item.sk).slice(DELETION_PREFIX.length), item));
};
