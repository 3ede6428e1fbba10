import { OPEN_BATCH_PREFIX, OPEN_DELETION_PREFIX, OPEN_PARTITION, openBatchKey, switchKey } from "./keys.ts";
import type { Change, Store } from "./store.ts";

/** What the reconciler must look after: one small item a study that runs jobs, and one a study that is being deleted. */
export interface OpenBatch {
  readonly study: string;
  /** What is to become of running trials when the study is not started any more: left to end, or put back. */
  readonly drain: boolean;
}

/** The study's jobs are looked after from now on. */
export const openBatch = (study: string, drain = false): Change => ({
  name: "open",
  key: openBatchKey(study),
  put: { drain },
});

/** Nothing of the study runs any more. */
export const closeBatch = (study: string): Change => ({
  name: "open",
  key: openBatchKey(study),
  remove: true,
});

export const listOpenBatches = async (store: Store): Promise<OpenBatch[]> => {
  const items = await store.list(OPEN_PARTITION, OPEN_BATCH_PREFIX);
  return items.map((item) => ({
    study: String(item.sk).slice(OPEN_BATCH_PREFIX.length),
    drain: item.drain === true,
  }));
};

/** Studies of which something is still to be deleted. */
export const listDeletions = async (store: Store): Promise<string[]> => {
  const items = await store.list(OPEN_PARTITION, OPEN_DELETION_PREFIX);
  return items.map((item) => String(item.sk).slice(OPEN_DELETION_PREFIX.length));
};

/** The kill switch of the whole deployment: while it is off, no job is submitted and messages stay in the queue. */
export const isDispatchOn = async (store: Store): Promise<boolean> =>
  (await store.get(switchKey))?.dispatch !== false;

export const switchDispatch = (on: boolean): Change => ({
  name: "switch",
  key: switchKey,
  put: { dispatch: on },
});
