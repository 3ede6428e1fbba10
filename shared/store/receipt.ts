import { receiptKey, receiptPartitions, receiptsOfTeam } from "./keys.ts";
import type { Change, Item, Store } from "./store.ts";

/**
 * Receipts make a write repeatable: the answer is stored in the transaction that makes the change, under the hash of
 * caller, route and Idempotency-Key, for 24 hours.
 */
const LIFETIME_SECONDS = 24 * 3600;

/** Made of the Idempotency-Key by the middleware. */
export interface Receipt {
  /** Hash of caller, route, path and key. */
  readonly id: string;
  /** Hash of the body. */
  readonly body: string;
  /** The study that is written; its deletion deletes the receipt too. */
  readonly study?: string;
  /** The team that is written, where no study is. */
  readonly team?: string;
}

const ownerOf = ({ study, team }: Receipt): string | undefined =>
  study ?? (team === undefined ? undefined : receiptsOfTeam(team));

export const RECEIPT = "receipt";

export interface StoredReceipt {
  readonly body: string;
  readonly answer: string;
}

/** DynamoDB deletes expired items late, so a receipt past its time counts as absent. */
export const findReceipt = async (
  store: Store,
  receipt: Receipt,
  now: number,
): Promise<StoredReceipt | null> => {
  const item = (await store.get(keyOfReceipt(receipt))) ?? (await findOldReceipt(store, receipt));
  if (item === null || Number(item.ttl) * 1000 <= now) return null;
  return { body: String(item.body), answer: String(item.answer) };
};

const keyOfReceipt = (receipt: Receipt) => receiptKey(receipt.id, ownerOf(receipt));

/** Where older versions kept the receipts of a team. */
const findOldReceipt = async (store: Store, { id, study }: Receipt): Promise<Item | null> =>
  study === undefined ? store.get(receiptKey(id)) : null;

/** Fails under the name `RECEIPT` when the key was used meanwhile. */
export const putReceipt = (receipt: Receipt, answer: unknown, now: number): Change => {
  const seconds = Math.floor(now / 1000);
  return {
    name: RECEIPT,
    key: keyOfReceipt(receipt),
    put: { body: receipt.body, answer: JSON.stringify(answer), ttl: seconds + LIFETIME_SECONDS },
    when: { expression: "attribute_not_exists(pk) OR #ttl <= :seconds", values: { seconds } },
  };
};

/** Deletes the receipts of a study. */
export const removeReceipts = async (store: Store, owner: string): Promise<void> => {
  await Promise.all(receiptPartitions(owner).map((partition) => store.removePartition(partition)));
};

/** Deletes the receipts of what belongs to a team and to no study. */
export const removeTeamReceipts = (store: Store, team: string): Promise<void> =>
  removeReceipts(store, receiptsOfTeam(team));
